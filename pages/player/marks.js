// In and out, set with the keys I and O while watching: Python is told the frame of each press.

import { clockText } from "./clock.js";
import { isTyping } from "./keys.js";

const MOST = 20; // how many of the last presses a report repeats: two reports may reach Python as one

export class Marks {
  #presses = []; // [number, "in" or "out", frame]
  #since = performance.timeOrigin + performance.now(); // tells these presses from those of a part that is gone

  // told({video, since, presses}): to Python. say(text): over the picture, for a moment.
  constructor(clock, exact, { told, say, signal }) {
    Object.assign(this, { clock, exact, told, say });
    clock.addEventListener("ask", ({ detail }) => this.#asked(detail.what), { signal });
    document.addEventListener("keydown", (event) => this.#pressed(event), { signal });
  }

  #asked(what) {
    const which = { mark_in: "in", mark_out: "out" }[what];
    if (!which) return;
    const { clock, exact } = this;
    const frame = exact.wanted ?? clock.frame;
    const number = (this.#presses.at(-1)?.[0] ?? 0) + 1;
    this.#presses = [...this.#presses, [number, which, frame]].slice(-MOST);
    this.told({ video: clock.video, since: this.#since, presses: this.#presses });
    this.say(`${which === "in" ? "In" : "Out"} ${clockText(clock.times[frame] ?? 0)}`);
  }

  // Wherever the focus is, unless somebody types; a part that has it answers by itself, see keys.js.
  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    if (isTyping(event) || event.target.closest?.("[role=dialog], [data-part]")) return;
    const what = { i: "mark_in", o: "mark_out" }[event.key.toLowerCase()];
    if (what) this.clock.ask(what);
  }
}
