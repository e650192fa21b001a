// The lane of subtitles: the cues around the playhead in a row, the one that is said now in the middle. A click goes there.

import { fetchBlock, fetchUntil } from "./blocks.js";
import { SOON_S, clockText, leaveClock, takeClock } from "./clock.js";
import { listenForKeys } from "./keys.js";
import { countUpTo } from "./search.js";

const AROUND = 30; // so many cues before and after are in the row
const OVERLAPPING = 8; // so many cues that began earlier may still last

export function mount(host, { addressOf, player }) {
  return new Subtitles(host, addressOf, player);
}

class Subtitles {
  #stop = new AbortController();
  #data = null;
  #cues = null; // {starts, ends, texts}
  #at = null; // the cue in the middle
  #misses = 0;
  #set = () => {};

  constructor(host, addressOf, player) {
    Object.assign(this, { host, addressOf, player, clock: takeClock(player) });
    [this.about, this.row] = [host.querySelector(".cvi-about"), host.querySelector(".cvi-cues")];
    const { signal } = this.#stop;
    for (const type of ["frame", "times"]) this.clock.addEventListener(type, () => this.#draw(), { signal });
    host.addEventListener("click", (event) => this.#clicked(event), { signal });
    host.addEventListener("wheel", (event) => this.#turned(event), { signal, passive: false });
    this.stopKeys = listenForKeys(host, this.clock);
    this.resized = new ResizeObserver(() => this.#centre());
    this.resized.observe(this.row);
  }

  async update(data, setStateValue = () => {}) {
    [this.asked, this.#set] = [data, setStateValue];
    const missing = () => setStateValue("missing", `${Date.now()} ${(this.#misses += 1)}`);
    const fetchAll = () =>
      Promise.all([
        fetchBlock(this.addressOf(data.times), Float64Array, missing),
        fetchBlock(this.addressOf(data.texts), Uint8Array, missing),
      ]);
    const wanted = () => this.asked === data && !this.#stop.signal.aborted; // else a newer change replaced this one
    const trouble = (error) => (this.about.textContent = `The subtitles could not be loaded: ${error.message}.`);
    const found = await fetchUntil(fetchAll, { wanted, trouble });
    if (found === null) return;
    const same = this.#data?.times === data.times && this.#data?.texts === data.texts;
    this.#data = data;
    if (!same) {
      const [times, texts] = found;
      const count = times.length / 2;
      this.#cues = { starts: times.subarray(0, count), ends: times.subarray(count), texts: JSON.parse(new TextDecoder().decode(texts)) };
      this.#at = null;
    }
    [this.about.textContent, this.about.title] = [data.about, data.more];
    this.#draw();
  }

  unmount() {
    this.#stop.abort();
    this.stopKeys();
    this.resized.disconnect();
    leaveClock(this.player);
  }

  get #now() {
    return this.#data.direct ? this.clock.time : this.#data.at;
  }

  #draw() {
    if (!this.#cues?.starts.length) return;
    const [at, isSaid] = this.#find(this.#now + SOON_S);
    if (at !== this.#at) {
      this.#at = at;
      this.#fill(at);
    }
    const middle = this.row.querySelector(`[data-cue="${at}"]`);
    if (middle.ariaCurrent !== String(isSaid)) middle.ariaCurrent = String(isSaid);
  }

  // The cue that is said at a time, and true; if none is, the last one before it.
  #find(time) {
    const { starts, ends } = this.#cues;
    const last = Math.max(0, countUpTo(starts, time) - 1);
    for (let at = last; at >= Math.max(0, last - OVERLAPPING); at -= 1) {
      if (starts[at] <= time && time < ends[at]) return [at, true];
    }
    return [last, false];
  }

  #fill(at) {
    const { starts, texts } = this.#cues;
    const hadFocus = this.row.contains(document.activeElement);
    const [first, stop] = [Math.max(0, at - AROUND), Math.min(texts.length, at + AROUND + 1)];
    const buttons = texts.slice(first, stop).map((text, place) => {
      const button = Object.assign(document.createElement("button"), { className: "cvi-cue", textContent: text.replaceAll("\n", " ") });
      Object.assign(button, { title: `${clockText(starts[first + place])} ${text}`, dir: "auto", tabIndex: first + place === at ? 0 : -1 });
      button.dataset.cue = first + place;
      return button;
    });
    this.row.replaceChildren(...buttons);
    if (hadFocus) buttons[at - first].focus({ preventScroll: true });
    this.#centre();
  }

  #centre() {
    const middle = this.row.querySelector(`[data-cue="${this.#at}"]`);
    if (middle) this.row.scrollLeft = middle.offsetLeft - (this.row.clientWidth - middle.offsetWidth) / 2;
  }

  // The wheel turns the row sideways.
  #turned(event) {
    if (event.ctrlKey || Math.abs(event.deltaY) <= Math.abs(event.deltaX)) return;
    event.preventDefault();
    this.row.scrollLeft += event.deltaY;
  }

  #clicked(event) {
    const button = event.target.closest(".cvi-cue");
    if (!button) return;
    const start = this.#cues.starts[Number(button.dataset.cue)];
    if (this.#data.direct) this.clock.ask("seek", { frame: this.clock.frameAt(start + SOON_S) });
    else this.#set("go", { time: start, video: this.#data.video, at: Date.now() });
  }
}
