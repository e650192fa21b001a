// What lies under the pointer: the nearest sample's time and the scores of all lines that are drawn.

import { clockText, nearest } from "./clock.js";
import { scoreText } from "./text.js";

const MOST_ROWS = 12;
const APART_PX = 14;

export class HoverBox {
  #shown = "";
  #axes = "";

  constructor(element) {
    this.element = element;
    [this.line, this.box] = element.children;
  }

  hide() {
    this.element.hidden = true;
    this.#shown = "";
  }

  // What is shown stands over these axes no longer once they are others.
  standOver(axes) {
    if (axes !== this.#axes) this.hide();
    this.#axes = axes;
  }

  // at: {value, top, bottom, left, right}. lines: [{prompt, curve, line}]. x: where the samples stand.
  show(at, lines, series, x, { offset, length, low, high }, decimals) {
    const sample = nearest(x, at.value);
    const px = offset + ((x[sample] - low) / (high - low)) * length;
    if (px < at.left - 1 || px > at.right + 1) {
      this.hide();
      return;
    }
    this.element.hidden = false;
    Object.assign(this.line.style, { transform: `translateX(${px}px)`, top: `${at.top}px`, height: `${at.bottom - at.top}px` });
    const left = px > (at.left + at.right) / 2; // the box stands at the side that has more room, always at the same height
    const moved = `translateX(${left ? px - APART_PX : px + APART_PX}px)${left ? " translateX(-100%)" : ""}`;
    Object.assign(this.box.style, { transform: moved, top: `${at.top + 4}px` });
    const shown = `${sample} ${lines.length}`;
    if (shown !== this.#shown) this.#fill(sample, lines, series, decimals);
    this.#shown = shown;
  }

  #fill(sample, lines, series, decimals) {
    const head = document.createElement("b");
    head.textContent = `${clockText(series.times[sample])} · frame ${series.frames[sample]}`;
    const highest = [...lines].sort((one, other) => other.curve[sample] - one.curve[sample]).slice(0, MOST_ROWS);
    const rows = lines.filter((line) => highest.includes(line)).map((line) => rowOf(line, sample, decimals));
    this.box.replaceChildren(head, ...rows);
    if (lines.length > rows.length) this.box.append(`+ ${lines.length - rows.length} more`);
  }
}

function rowOf({ prompt, curve, swatch: picture }, sample, decimals) {
  const row = document.createElement("div");
  const [swatch, text, value] = ["img", "span", "u"].map((tag) => row.appendChild(document.createElement(tag)));
  Object.assign(swatch, { src: picture, alt: "" });
  text.textContent = prompt;
  value.textContent = scoreText(curve[sample], decimals);
  return row;
}
