// The playhead over the chart: moved by transform alone, because it moves at every frame.

import { clockText } from "./clock.js";

export class PlayheadLine {
  #at = "";
  #box = "";

  constructor(element, clock) {
    Object.assign(this, { element, clock });
  }

  hide() {
    this.element.hidden = true;
  }

  // value: in the unit of the axis {offset, length, low, high, top, height}.
  place(value, { offset, length, low, high, top, height }) {
    const at = ((value - low) / (high - low)) * length;
    const { element, clock } = this;
    const hidden = clock.times.length === 0 || !(at >= -0.5 && at <= length + 0.5);
    if (element.hidden !== hidden) element.hidden = hidden;
    if (!hidden) this.#move(`translateX(${(offset + at).toFixed(2)}px)`, top, height);
    if (!clock.playing) this.#tell(); // read out when it stands still
  }

  #move(transform, top, height) {
    if (transform !== this.#at) this.element.style.transform = this.#at = transform;
    const box = `${top} ${height}`;
    if (box === this.#box) return;
    this.#box = box;
    Object.assign(this.element.style, { top: `${top}px`, height: `${height}px` });
  }

  #tell() {
    const { element, clock } = this;
    element.ariaValueNow = String(clock.frame);
    element.ariaValueMax = String(clock.last);
    element.ariaValueText = `${clockText(clock.time)}, frame ${clock.frame}`;
  }
}
