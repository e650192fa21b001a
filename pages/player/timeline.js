// The timeline: axes, moments and threshold as plotly draws the figure of clip_core.charts, its curves on a canvas
// from all samples, and over it the playhead and what lies under the pointer.

import { leaveClock, takeClock } from "./clock.js";
import { ColoursAsked } from "./colours.js";
import { CurveCanvas } from "./curves.js";
import { MomentEdges, placeInTime } from "./edges.js";
import { Fit } from "./fit.js";
import { HoverBox } from "./hover.js";
import { listenForKeys } from "./keys.js";
import { isOurs, linesOf, panelsOf } from "./panels.js";
import { PlayheadLine } from "./playhead.js";
import { configOf, downloadPicture, loadPlotly } from "./plotly.js";
import { Pointer } from "./pointer.js";
import { fetchSeries } from "./series.js";
import { brought, followed, showRange } from "./zoom.js";

export function mount(host, { addressOf, player }) {
  return new Timeline(host, addressOf, player);
}

class Timeline {
  #stop = new AbortController();
  #data = null; // what is drawn
  #series = null;
  #subject = "";
  #frameAsked = 0;
  #misses = 0;
  #zoomed = false;
  #range = "null"; // the part of the time that was asked for
  #seen = ""; // what the curves were last drawn for
  #set = () => {};

  constructor(host, addressOf, player) {
    Object.assign(this, { host, addressOf, player });
    this.clock = takeClock(player);
    this.plot = host.querySelector(".cvi-plot");
    this.canvas = new CurveCanvas();
    this.colours = new ColoursAsked(host);
    this.head = new PlayheadLine(host.querySelector(".cvi-playhead"), this.clock);
    this.hover = new HoverBox(host.querySelector(".cvi-hover"));
    const acts = { reset: () => this.#reset(), hover: (at) => this.#hover(at), valueAt: (px) => this.#valueAt(px) };
    this.pointer = new Pointer(host, this.clock, acts, this.#stop.signal);
    const place = () => this.#isDrawn && placeInTime(this.#across, this.plot._fullLayout._size, this.#series, this.#clockAxis);
    this.edges = new MomentEdges(host, { place, moved: (edges) => this.#set("edges", edges) }, this.#stop.signal);
    const led = ({ detail: { bring } }) => bring && this.#bring(bring);
    for (const [type, act] of [["frame", () => this.#moved()], ["times", () => this.#placeHead()], ["ask", led]]) {
      this.clock.addEventListener(type, act, { signal: this.#stop.signal });
    }
    this.fit = new Fit(host, () => this.#onFit(), this.#stop.signal);
    this.stopKeys = listenForKeys(host, this.clock);
    this.resized = new ResizeObserver(() => this.#onResize());
    this.resized.observe(host);
  }

  async update(data, setStateValue = () => {}) {
    [this.asked, this.#set] = [data, setStateValue];
    this.plot.style.height = `${this.fit.choose(data.figure.layout.height, data.fit)}px`; // before it is drawn, so that nothing jumps
    this.colours.ask(data.figure, setStateValue);
    const subject = `${data.video} ${data.figure.layout.xaxis.type}`;
    if (subject !== this.#subject) this.#forget();
    const wanted = () => this.asked === data && !this.#stop.signal.aborted; // else a newer change replaced this one
    const missing = () => setStateValue("missing", `${Date.now()} ${(this.#misses += 1)}`);
    const trouble = (text) => this.#say(text);
    try {
      const { columns } = data.series;
      const given = { addressOf: this.addressOf, columns, missing, trouble, wanted };
      const [series] = await Promise.all([fetchSeries(data.series, given), loadPlotly(this.addressOf(data.plotly))]);
      if (series === null || !wanted()) return;
      const same = subject === this.#subject;
      [this.#subject, this.#data, this.#series] = [subject, data, series];
      await this.#draw(same);
      this.edges.update(data.edges, series.times);
      this.#say("");
    } catch (error) {
      if (!wanted()) return;
      console.warn(error);
      this.#say(`The chart could not be drawn: ${error.message}. Reload the page, or choose View → Frames.`);
    }
  }

  unmount() {
    this.#stop.abort();
    this.stopKeys();
    this.resized.disconnect();
    cancelAnimationFrame(this.#frameAsked);
    if (window.Plotly && this.plot._fullLayout) window.Plotly.purge(this.plot);
    leaveClock(this.player);
  }

  // Drawing

  get #isDrawn() {
    return Boolean(this.#data && this.plot._fullLayout);
  }

  // Nothing of one video is drawn over the times of another, nor its axes, shades and thresholds left standing.
  #forget() {
    const other = this.#data?.video !== this.asked.video;
    [this.#data, this.#series, this.#seen] = [null, null, ""];
    this.canvas.clear();
    if (other && this.plot._fullLayout) window.Plotly.purge(this.plot);
    this.hover.hide();
    this.edges.update(null, []);
    this.#placeHead();
  }

  // same: it shows the same video on the same axis as before, so the visitor's zoom stays.
  async #draw(same) {
    const { Plotly } = window;
    const { data, layout } = structuredClone(this.#data.figure); // plotly writes into it
    const first = !this.plot._fullLayout;
    layout.height = this.fit.px;
    this.home = layout.xaxis.range.slice();
    const range = JSON.stringify(this.#data.figure.seen ?? null);
    if (range !== this.#range) this.#zoomed = false; // a new range is to be seen whole
    this.#range = range;
    this.host.style.setProperty("--cvi-left", `${layout.margin.l}px`);
    if (same && this.#zoomed) layout.xaxis.range = this.plot._fullLayout.xaxis.range.slice();
    layout.xaxis.uirevision = `${this.#subject} ${this.#range}`;
    this.config ??= configOf(Plotly, {
      reset: () => this.#reset(),
      picture: () => downloadPicture(Plotly, this.plot, this.canvas.element),
    });
    const rest = data.filter((trace) => !isOurs(trace));
    await Plotly.react(this.plot, [{ x: [this.home[0]], y: [null], hoverinfo: "skip" }, ...rest], layout, this.config);
    if (this.#stop.signal.aborted) return;
    this.#zoomed = same && this.#zoomed;
    if (first) this.#listenToPlotly();
    this.#drawCurves();
  }

  #listenToPlotly() {
    this.plot.on("plotly_afterplot", () => this.#drawCurves());
    this.plot.on("plotly_relayout", (change) => this.#relayouted(change));
    this.plot.on("plotly_relayouting", () => this.#soon());
  }

  #relayouted(change) {
    if (!Object.keys(change).some((key) => key.startsWith("xaxis.range"))) return;
    this.#zoomed = JSON.stringify(this.plot._fullLayout.xaxis.range) !== JSON.stringify(this.home);
    this.#soon();
  }

  #soon() {
    cancelAnimationFrame(this.#frameAsked);
    this.#frameAsked = requestAnimationFrame(() => this.#drawCurves());
  }

  #drawCurves() {
    if (!this.#isDrawn) return;
    const { width, height } = this.plot._fullLayout;
    const { figure, series } = this.#data;
    const panels = panelsOf(figure, this.#series, this.plot._fullLayout);
    const look = [panels.map(({ up }) => up), figure.data.filter(isOurs), figure.heat, series];
    const seen = JSON.stringify([this.#across, width, height, window.devicePixelRatio, look]);
    this.canvas.attach(this.plot);
    if (seen !== this.#seen) this.canvas.draw(panels, this.#x, this.#across, { width, height });
    this.#seen = seen; // so that another threshold leaves them as they are
    this.#placeHead();
    this.edges.draw();
    this.hover.standOver(JSON.stringify([this.#across, width, height]));
  }

  #onFit() {
    this.plot.style.height = `${this.fit.px}px`;
    if (this.plot._fullLayout && this.#data) window.Plotly.relayout(this.plot, { height: this.fit.px });
  }

  #onResize() {
    if (!this.plot._fullLayout || !this.plot.clientWidth) return;
    if (this.plot.clientWidth !== this.plot._fullLayout.width) window.Plotly.Plots.resize(this.plot);
  }

  #reset() {
    if (this.#data) window.Plotly.relayout(this.plot, { "xaxis.range": this.home.slice() });
  }

  // The axis of time: seconds, or frames

  get #clockAxis() {
    return this.#data.figure.layout.xaxis.type === "date";
  }

  get #x() {
    return this.#clockAxis ? this.#series.times : this.#series.frames;
  }

  // By its range: while one pans, plotly has not yet put the rest of the axis in order.
  get #across() {
    const axis = this.plot._fullLayout.xaxis;
    const [low, high] = axis.range.map((end) => axis.r2l(end) / (this.#clockAxis ? 1000 : 1));
    return { offset: axis._offset, length: axis._length, low, high };
  }

  // The frame at so many pixels from the left of the host; null while there is no chart, or another video's.
  #valueAt(px) {
    const { video } = this.clock;
    if (!this.#isDrawn || (video !== null && video !== this.#data.video)) return null;
    const { offset, length, low, high } = this.#across;
    const { t, h } = this.plot._fullLayout._size;
    const value = low + (Math.max(0, Math.min(length, px - offset)) / length) * (high - low);
    const { clock } = this;
    const frame = this.#clockAxis ? clock.frameAt(value) : Math.max(0, Math.min(clock.last, Math.round(value)));
    return { frame, value, left: offset, right: offset + length, top: t, bottom: t + h };
  }

  // The playhead

  #placeHead() {
    if (!this.#isDrawn) return this.head.hide();
    const { t: top, h: height } = this.plot._fullLayout._size;
    this.head.place(this.#clockAxis ? this.clock.time : this.clock.frame, { ...this.#across, top, height });
  }

  #moved() {
    this.#placeHead();
    if (this.clock.playing && this.#isDrawn) this.#follow();
  }

  #follow() {
    const at = this.#clockAxis ? this.clock.time : this.clock.frame;
    showRange(this.plot, followed(this.#across, at), this.#clockAxis);
  }

  // stretch: [start_s, end_s] that the visitor was taken to.
  #bring(stretch) {
    if (!this.#isDrawn) return;
    const whole = this.home.map((end) => this.plot._fullLayout.xaxis.r2l(end) / (this.#clockAxis ? 1000 : 1));
    const ends = this.#clockAxis ? stretch : stretch.map((end) => this.clock.frameAt(end));
    showRange(this.plot, brought(this.#across, ends, whole), this.#clockAxis);
  }

  // The pointer

  #hover(at) {
    if (!at || !this.#series?.count) this.hover.hide();
    else {
      const lines = linesOf(this.#data.figure, this.#series).filter((line) => line.prompt);
      this.hover.show(at, lines, this.#series, this.#x, this.#across, this.#data.figure.decimals);
    }
  }

  #say(text) {
    const note = this.host.querySelector(".cvi-plot-note");
    note.textContent = text;
    note.hidden = !text;
  }
}
