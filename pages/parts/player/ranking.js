// The ranking: every prompt's score at the sample nearest to the frame on the screen, running along.

import { clockText, leaveClock, nearest, takeClock } from "./clock.js";
import { fetchBlock } from "./blocks.js";

const MOST_ROWS = 11;
const SORT_EVERY_MS = 500; // while playing: rows that change places at every frame cannot be read

export function mount(host, { addressOf, player }) {
  return new Ranking(host, addressOf, player);
}

class Ranking {
  #stop = new AbortController();
  #rows = new Map();
  #order = [];
  #sorted = 0;
  #data = null;
  #samples = new Float64Array(0); // times of the samples, in seconds
  #values = { smoothed: new Float32Array(0), raw: new Float32Array(0) }; // one curve after the other

  constructor(host, addressOf, player) {
    Object.assign(this, { host, addressOf, player });
    this.clock = takeClock(player);
    for (const type of ["frame", "times"]) {
      this.clock.addEventListener(type, () => this.#draw(), { signal: this.#stop.signal });
    }
  }

  async update(data) {
    this.asked = data;
    const { series } = data;
    const [samples, smoothed, raw] = await Promise.all([
      fetchBlock(this.addressOf(series.samples), Float64Array),
      fetchBlock(this.addressOf(series.smoothed), Float32Array),
      fetchBlock(this.addressOf(series.raw), Float32Array),
    ]);
    if (this.asked !== data) return; // a later change overtook this one
    this.#data = data;
    this.#samples = samples.subarray(0, series.count);
    this.#values = { smoothed, raw };
    this.#sorted = 0;
    this.#makeRows();
    this.#draw();
  }

  unmount() {
    this.#stop.abort();
    leaveClock(this.player);
  }

  #makeRows() {
    this.#rows.clear();
    this.#data.prompts.forEach((prompt, column) => this.#rows.set(column, newRow(prompt, this.#data)));
    this.#order = [...this.#rows.keys()];
  }

  #draw() {
    if (!this.#data || this.#data.series.count === 0) return;
    const sample = nearest(this.#samples, this.clock.time);
    const { count } = this.#data.series;
    const of = (kind, column) => this.#values[kind][column * count + sample];
    this.#sort((column) => of("smoothed", column));
    const when = this.host.querySelector(".cvi-when");
    when.innerHTML = "<b>This frame</b> <span></span>";
    when.lastChild.textContent = `· sample at ${clockText(this.#samples[sample])}`;
    for (const [column, row] of this.#rows) fillRow(row, of("smoothed", column), of("raw", column), this.#data);
    this.#place((column) => of("smoothed", column));
  }

  #sort(value) {
    const now = performance.now();
    if (this.clock.playing && now - this.#sorted < SORT_EVERY_MS) return;
    this.#sorted = now;
    this.#order = [...this.#rows.keys()].sort((one, other) => value(other) - value(one) || one - other);
  }

  #place(value) {
    const shown = this.#order.length <= MOST_ROWS ? this.#order : this.#order.slice(0, MOST_ROWS - 1);
    const rows = shown.map((column) => this.#rows.get(column));
    if (shown.length < this.#order.length) {
      this.rest ??= Object.assign(document.createElement("div"), { className: "cvi-rest" });
      this.rest.textContent = `+ ${this.#order.length - shown.length} more below ${value(shown.at(-1)).toFixed(3)}`;
      rows.push(this.rest);
    }
    const box = this.host.querySelector(".cvi-rows");
    const stands = rows.length === box.children.length && rows.every((row, place) => box.children[place] === row);
    if (!stands) box.replaceChildren(...rows);
  }
}

function newRow({ text, colour }, { range, threshold }) {
  const row = document.createElement("div");
  row.className = "cvi-row";
  row.dataset.prompt = text;
  row.innerHTML =
    '<span class="cvi-swatch"></span><span class="cvi-name"></span><span class="cvi-bar"><i></i></span><span class="cvi-value"></span>';
  const [swatch, name, bar] = row.children;
  swatch.style.background = bar.firstChild.style.background = colour;
  name.textContent = name.title = text;
  const [low, high] = range;
  if (low <= threshold && threshold <= high) {
    bar.append(document.createElement("u"));
    bar.lastChild.style.left = `${((threshold - low) / (high - low)) * 100}%`;
  }
  return row;
}

function fillRow(row, smoothed, raw, { range, threshold }) {
  const [low, high] = range;
  const share = Math.max(0, Math.min(1, (smoothed - low) / Math.max(high - low, 1e-9)));
  row.querySelector("i").style.width = `${share * 100}%`;
  row.lastChild.textContent = smoothed.toFixed(3);
  row.lastChild.title = `raw ${raw.toFixed(3)}`;
  row.classList.toggle("cvi-strong", smoothed >= Math.fround(threshold));
}
