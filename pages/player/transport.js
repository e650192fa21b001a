// What stands on and under the picture: buttons, clock, the list of keys, notes.

import { clockText } from "./clock.js";
import { FrameSlider } from "./slider.js";
import { KEYS } from "./keys.js";
import { SPEEDS } from "./taste.js";

const BRIEF_MS = 5000;
const OPENING = "Opening the video…";

export class Transport {
  #timer = 0;

  // ask(what, detail): a button was pressed.
  constructor(host, ask, signal) {
    this.host = host;
    this.note = host.querySelector(".cvi-note");
    this.speed = host.querySelector(".cvi-speed");
    this.speed.replaceChildren(); // of an earlier player
    for (const value of SPEEDS) this.speed.add(new Option(`${value}×`, value, value === 1, value === 1));
    this.speed.addEventListener("change", () => (ask("speed", { to: Number(this.speed.value) }), this.focus()), { signal });
    this.slider = new FrameSlider(host.querySelector(".cvi-frames"), ask, signal);
    this.#fillHelp();
    host.addEventListener("click", (event) => this.#clicked(event, ask), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  focus() {
    this.host.focus({ preventScroll: true });
  }

  #clicked(event, ask) {
    const button = event.target.closest("[data-do]");
    if (button) ask(button.dataset.do, { by: Number(button.dataset.by ?? 0) });
    const byKey = event.detail === 0; // keyboard focus stays on the button
    if (!byKey && !event.target.closest("select, input")) this.focus();
  }

  #fillHelp() {
    const help = this.host.querySelector(".cvi-help");
    help.replaceChildren();
    for (const { shown, says } of KEYS) {
      const row = help.insertRow();
      row.insertCell().textContent = shown;
      row.insertCell().textContent = says;
    }
  }

  // A text over the picture until another one comes, or for a moment.
  say(text, { brief = false } = {}) {
    clearTimeout(this.#timer);
    if (this.note.textContent !== text) this.note.textContent = text; // else it is read out again
    this.note.hidden = !text;
    if (brief) this.#timer = setTimeout(() => this.say(""), BRIEF_MS);
  }

  // Another video was asked for: until it opens, neither picture nor times of the one before stand under its name.
  blank(on) {
    this.host.classList.toggle("cvi-opening", on);
    this.say(on ? OPENING : "");
  }

  // Remove that text.
  unsay(text) {
    if (text && this.note.textContent === text) this.say("");
  }

  // clear: the pictures are transparent, and lie on white, as for the model.
  draw({ clock, video, repeats, confirmed, exactness, clear }) {
    const about = confirmed ? "" : "≈ ";
    const texts = { time: clockText(clock.time), end: about + clockText(clock.end), frame: clock.frame, last: about + clock.last };
    for (const [name, text] of Object.entries({ ...texts, exact: exactness })) this.#write(`[data-${name}]`, String(text));
    this.slider.draw(clock);
    this.host.classList.toggle("cvi-plays", clock.playing);
    this.host.classList.toggle("cvi-mute", video.muted);
    video.classList.toggle("cvi-clear", Boolean(clear && video.videoWidth));
    video.style.setProperty("--cvi-aspect", video.videoWidth / video.videoHeight || 1);
    this.speed.value = String(video.playbackRate);
    this.#press("loop", repeats);
    this.#press("mute", video.muted);
    this.#press("help", !this.host.querySelector(".cvi-help").hidden);
    this.#disable("toggle", clock.last === 0);
    for (const what of ["step", "seconds"]) {
      this.#disable(what, clock.frame <= 0, -1);
      this.#disable(what, clock.frame >= clock.last, 1);
    }
    const none = clock.moments.length + clock.candidates.length === 0;
    this.#disable("moment", none);
    this.#disable("loop", none && !repeats);
    const play = this.host.querySelector(".cvi-play");
    play.title = clock.playing ? "Pause (Space)" : "Play (Space)";
    play.ariaLabel = clock.playing ? "Pause" : "Play";
  }

  #write(selector, text) {
    const element = this.host.querySelector(selector);
    if (element.textContent !== text) element.textContent = text;
  }

  #press(what, on) {
    this.host.querySelector(`[data-do="${what}"]`).ariaPressed = String(on);
  }

  #disable(what, off, by = null) {
    const direction = by === null ? "" : `[data-by="${by}"]`;
    for (const button of this.host.querySelectorAll(`[data-do="${what}"]${direction}`)) button.ariaDisabled = String(off);
  }
}
