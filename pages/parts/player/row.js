// One row of the ranking: swatch, prompt, bar with the threshold's tick, value. Written only where it changes.

export class RankingRow {
  #shown = {};

  // threshold: null for a prompt that is not flagged
  constructor({ text, colour, threshold }, [low, high], decimals) {
    Object.assign(this, { low, high, threshold, decimals });
    this.element = element("div", "cvi-row");
    const [swatch, name, bar, value] = ["swatch", "name", "bar", "value"].map((part) => element("span", `cvi-${part}`));
    this.filled = bar.appendChild(element("i"));
    swatch.style.background = this.filled.style.background = colour;
    name.textContent = name.title = this.element.dataset.prompt = text;
    if (threshold !== null && low <= threshold && threshold <= high) bar.appendChild(element("u")).style.left = percent(threshold, low, high);
    this.element.append(swatch, name, bar, value);
    this.value = value;
  }

  fill(smoothed, raw) {
    this.#show("text", smoothed.toFixed(this.decimals), (text) => (this.value.textContent = text));
    this.#show("title", `raw ${raw.toFixed(this.decimals)}`, (text) => (this.value.title = text));
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
