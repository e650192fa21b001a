// One row of the ranking: swatch, prompt, bar with the threshold's tick, value. Written only where it changes.

import { scoreText } from "./text.js";

export class RankingRow {
  #shown = {};

  // threshold: null for a prompt that is not flagged. doubt: why it is not sure that the video shows it, "" if it is.
  constructor({ text, colour, swatch: picture, threshold, doubt = "" }, [low, high], decimals) {
    Object.assign(this, { low, high, threshold, decimals, doubt });
    this.element = element("div", doubt ? "cvi-row cvi-doubt" : "cvi-row");
    const [name, bar, value] = ["name", "bar", "value"].map((part) => element("span", `cvi-${part}`));
    this.filled = bar.appendChild(element("i"));
    this.filled.style.background = colour;
    name.dir = "auto"; // so that the beginning of a right-to-left prompt is visible
    name.textContent = this.element.dataset.prompt = text;
    name.title = doubt ? `${text}\n${doubt}` : text;
    if (doubt) this.element.title = doubt;
    if (threshold !== null && low <= threshold && threshold <= high) bar.appendChild(element("u")).style.left = percent(threshold, low, high);
    this.element.append(Object.assign(element("img", "cvi-swatch"), { src: picture, alt: "" }), name, bar, value);
    this.value = value;
  }

  fill(smoothed, raw) {
    this.#show("text", scoreText(smoothed, this.decimals), (text) => (this.value.textContent = text));
    this.#show("title", `raw ${scoreText(raw, this.decimals)}`, (text) => (this.value.title = text));
    this.#show("width", percent(smoothed, this.low, this.high), (width) => (this.filled.style.width = width));
    const strong = this.threshold !== null && smoothed >= Math.fround(this.threshold); // as the moments are found
    this.#show("strong", strong, (on) => this.element.classList.toggle("cvi-strong", on));
  }

  #show(what, now, write) {
    if (this.#shown[what] === now) return;
    this.#shown[what] = now;
    write(now);
  }
}

function element(tag, className = "") {
  return Object.assign(document.createElement(tag), { className });
}

function percent(value, low, high) {
  const share = Math.max(0, Math.min(1, (value - low) / Math.max(high - low, 1e-9)));
  return `${((Number.isNaN(share) ? 0 : share) * 100).toFixed(1)}%`;
}
