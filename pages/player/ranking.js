// The ranking: every prompt's score at the sample nearest to the frame on the screen, running along.

import { clockText, leaveClock, nearest, takeClock } from "./clock.js";
import { putRows } from "./glide.js";
import { RankingRow } from "./row.js";
import { fetchSeries } from "./series.js";
import { scoreText } from "./text.js";

const MOST_ROWS = 11;
const SORT_EVERY_MS = 1000; // while playing: rows that change places at every frame cannot be read

export function mount(host, { addressOf, player }) {
  return new Ranking(host, addressOf, player);
}

class Ranking {
  #stop = new AbortController();
  #rows = [];
  #made = ""; // what the rows were made of
  #order = [];
  #sorted = { at: -Infinity, sample: -1 };
  #sample = -1; // that the rows show
  #series = null;
  #video = null;
  #misses = 0;

  constructor(host, addressOf, player) {
    Object.assign(this, { host, addressOf, player });
    this.clock = takeClock(player);
    [this.box, this.when] = [host.querySelector(".cvi-rows"), host.querySelector(".cvi-when span")];
    this.rest = Object.assign(document.createElement("div"), { className: "cvi-rest" });
    for (const type of ["frame", "times"]) {
      this.clock.addEventListener(type, () => this.#draw(), { signal: this.#stop.signal });
    }
  }

  async update(data, setStateValue = () => {}) {
    this.asked = data;
    if (data.video !== this.#video) this.#forget();
    const series = await fetchSeries(data.series, {
      addressOf: this.addressOf,
      columns: data.prompts.length,
      missing: () => setStateValue("missing", `${Date.now()} ${(this.#misses += 1)}`),
      trouble: (text) => this.#say(text),
      wanted: () => this.asked === data && !this.#stop.signal.aborted, // else a newer change replaced this one
    });
    if (series === null) return;
    [this.#video, this.#series] = [data.video, series];
    this.#makeRows(data);
    this.#sorted = { at: -Infinity, sample: -1 };
    this.#sample = -1;
    this.#draw();
  }

  unmount() {
    this.#stop.abort();
    leaveClock(this.player);
  }

  // Never show values of one video at the times of another.
  #forget() {
    [this.#series, this.#made] = [null, ""];
    this.box.replaceChildren();
    this.when.textContent = "";
  }

  #makeRows({ prompts, range, decimals }) {
    const made = JSON.stringify([prompts, range, decimals]);
    if (made !== this.#made) this.#rows = prompts.map((prompt) => new RankingRow(prompt, range, decimals));
    this.decimals = decimals;
    this.#made = made;
  }

  #draw() {
    if (!this.#series) return;
    if (this.#series.count === 0) {
      this.#say("No sample is indexed yet.");
      return;
    }
    const sample = nearest(this.#series.times, this.clock.time);
    const sort = this.#sorted.sample !== sample && this.#maySort();
    if (sample === this.#sample && !sort) return;
    const values = this.#rows.map((_, column) => this.#series.curve("smoothed", column)[sample]);
    if (sort) this.#sort(values, sample);
    if (sample !== this.#sample) this.when.textContent = `· sample at ${clockText(this.#series.times[sample])}`;
    this.#rows.forEach((row, column) => row.fill(values[column], this.#series.curve("raw", column)[sample]));
    this.#place(values);
    this.#sample = sample;
  }

  #maySort() {
    return !this.clock.playing || performance.now() - this.#sorted.at >= SORT_EVERY_MS;
  }

  // What the video does not show for sure stands below what it does.
  #sort(values, sample) {
    const rank = values.map((value) => (Number.isNaN(value) ? -Infinity : value));
    const doubt = this.#rows.map((row) => (row.doubt ? 1 : 0));
    this.#order = [...values.keys()].sort(
      (one, other) => doubt[one] - doubt[other] || rank[other] - rank[one] || one - other,
    );
    this.#sorted = { at: performance.now(), sample };
  }

  #place(values) {
    const shown = this.#order.length <= MOST_ROWS ? this.#order : this.#order.slice(0, MOST_ROWS - 1);
    const rows = shown.map((column) => this.#rows[column].element);
    if (shown.length < this.#order.length) {
      const text = this.#restText(values, shown);
      if (this.rest.textContent !== text) this.rest.textContent = text;
      rows.push(this.rest);
    }
    const stands = rows.length === this.box.children.length && rows.every((row, place) => this.box.children[place] === row);
    if (!stands) putRows(this.box, rows, this.clock.playing);
  }

  #restText(values, shown) {
    const [hidden, least] = [this.#order.slice(shown.length), values[shown.at(-1)]];
    const lower = hidden.every((column) => !(values[column] > least)); // those in doubt may be higher
    return `+ ${hidden.length} more${lower ? ` below ${scoreText(least, this.decimals)}` : ""}`;
  }

  #say(text) {
    this.rest.textContent = text;
    this.box.replaceChildren(this.rest);
    this.#sample = -1;
  }
}
