// The keys that judge: A accepts, X rejects, Ctrl+Z (⌘Z) takes the last judgement back. They work wherever the focus is,
// but never while somebody types: there Ctrl+Z takes back letters, which keys of Streamlit's own do not respect.

import { leaveClock, takeClock } from "./clock.js";
import { isTyping } from "./keys.js";

const WHAT = { a: "accept", x: "reject", "ctrl+z": "undo" };

export function mount(host, { player }) {
  return new JudgeKeys(host, player);
}

class JudgeKeys {
  #stop = new AbortController();
  #count = 0;
  #plays = false;
  #tell = () => {};

  constructor(host, player) {
    Object.assign(this, { host, player });
    this.clock = takeClock(player);
    document.addEventListener("keydown", (event) => this.#pressed(event), { signal: this.#stop.signal, capture: true });
  }

  update({ plays }, setStateValue) {
    this.#plays = plays;
    this.#tell = setStateValue;
  }

  unmount() {
    this.#stop.abort();
    leaveClock(this.player);
  }

  #pressed(event) {
    const what = WHAT[nameOf(event)];
    if (!what || event.repeat || isTyping(event)) return;
    event.preventDefault();
    const { clock } = this;
    const frame = this.#plays && clock.times.length ? clock.frame : null; // else the clock stands still
    this.#tell("pressed", { what, frame, count: (this.#count += 1) }); // the same key again is another press
  }
}

function nameOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  if (altKey || shiftKey) return "";
  return `${ctrlKey || metaKey ? "ctrl+" : ""}${key.toLowerCase()}`;
}
