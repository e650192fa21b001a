// The slider under the picture: a place for each frame of the video's table of times. Its keys are those of the player.

import { clockText } from "./clock.js";

export class FrameSlider {
  #held = false; // by a pointer: then it stands where it was dragged to, not where the picture is already
  #frame = -1; // that it was last put on

  constructor(element, ask, signal) {
    this.element = element;
    const listen = (type, action) => element.addEventListener(type, action, { signal });
    const go = (what) => (this.#fill(), ask(what, { frame: Number(element.value) }));
    listen("input", () => go("scrub"));
    listen("change", () => go("seek"));
    listen("pointerdown", () => (this.#held = true));
    for (const type of ["pointerup", "pointercancel"]) listen(type, () => setTimeout(() => (this.#held = false))); // "change" comes first
  }

  draw(clock) {
    const { element } = this;
    element.disabled = clock.last === 0;
    if (element.max !== String(clock.last)) [element.max, this.#frame] = [String(clock.last), -1];
    if (!this.#held && clock.frame !== this.#frame) element.value = String((this.#frame = clock.frame));
    this.#fill();
    if (!clock.playing) element.ariaValueText = `frame ${clock.frame} of ${clock.last}, ${clockText(clock.time)}`;
  }

  // How much of it lies before the thumb, for browsers that do not colour that by themselves.
  #fill() {
    const share = (100 * Number(this.element.value)) / Math.max(1, Number(this.element.max));
    this.element.style.setProperty("--cvi-past", `${share.toFixed(2)}%`);
  }
}
