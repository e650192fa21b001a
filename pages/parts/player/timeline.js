// The timeline: the figure that clip_core.charts builds, with its points chosen here, and the playhead over it.

import { clockText, leaveClock, takeClock } from "./clock.js";
import { fetchBlock } from "./blocks.js";
import { listenForKeys } from "./keys.js";
import { keptPoints } from "./points.js";

const CLICK_PX = 4; // a press that moves less is a click
const PLOTLY = Symbol.for("clip-video-investigator.plotly");
const CONFIG = {
  displaylogo: false,
  doubleClick: "reset",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};

export function mount(host, { addressOf, player }) {
  return new Timeline(host, addressOf, player);
}

class Timeline {
  #stop = new AbortController();
  #data = null;
  #blocks = null;
  #press = null; // where a press began, while it may become a click
  #scrubbing = false;
  #drawn = "";
  #frameAsked = 0;

  constructor(host, addressOf, player) {
    Object.assign(this, { host, addressOf, player });
    this.clock = takeClock(player);
    this.plot = host.querySelector(".cvi-plot");
    this.head = host.querySelector(".cvi-playhead");
    this.#listen();
    this.resized = new ResizeObserver(() => this.#onResize());
    this.resized.observe(host);
  }

  async update(data) {
    this.asked = data;
    const { series } = data;
    this.plot.style.height = `${data.figure.layout.height}px`; // before it is drawn, so that nothing jumps
    try {
      const [samples, smoothed, raw] = await Promise.all([
        fetchBlock(this.addressOf(series.samples), Float64Array),
        fetchBlock(this.addressOf(series.smoothed), Float32Array),
        fetchBlock(this.addressOf(series.raw), Float32Array),
        loadPlotly(this.addressOf(data.plotly)),
      ]);
      if (this.asked !== data || this.#stop.signal.aborted) return; // a later change overtook this one
      this.#data = data;
      this.#blocks = { times: samples.subarray(0, series.count), frames: samples.subarray(series.count), smoothed, raw };
      this.#x = null;
      await this.#draw();
      this.#say("");
    } catch (error) {
      if (this.#stop.signal.aborted) return; // it left the page while plotly was drawing
      console.error(error);
      this.#say(`The curves could not be drawn: ${error.message}. Reload the page, or choose View → Frames.`);
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

  #x = null; // where each sample stands on the axis: milliseconds or frames

  get #clockAxis() {
    return this.#data.figure.layout.xaxis.type === "date";
  }

  get #axis() {
    return this.plot._fullLayout?.xaxis;
  }

  async #draw() {
    const layout = structuredClone(this.#data.figure.layout); // plotly writes into it
    const first = !this.plot._fullLayout;
    const range = first ? layout.xaxis.range : this.#axis.range;
    await window.Plotly.react(this.plot, this.#traces(range, layout.xaxis.type), layout, CONFIG);
    if (first) this.#listenToPlotly();
    this.#placeHead();
  }

  // The traces with the points that show best what is seen.
  #traces(range) {
    this.#x ??= this.#clockAxis ? this.#blocks.times.map((time) => time * 1000) : this.#blocks.frames;
    const [low, high] = range.map((end) => (this.#clockAxis ? Date.parse(`${end}Z`.replace(" ", "T")) : end));
    const { data } = this.#data.figure;
    const { count } = this.#data.series;
    const curveOf = ([of, column]) => this.#blocks[of].subarray(column * count, (column + 1) * count);
    const named = data.filter((trace) => trace.name).map((trace) => curveOf(trace.curve));
    const shared = this.#positions(named, low, high);
    return data.map((trace) => {
      if (!trace.curve) return trace;
      const curve = curveOf(trace.curve);
      const { kept, x } = trace.name ? shared : this.#positions([curve], low, high);
      return { ...trace, x, y: Float32Array.from(kept, (place) => curve[place]) };
    });
  }

  // One set for all lines that answer to the pointer, which compares them at one place.
  #positions(curves, low, high) {
    const kept = keptPoints(this.#x, curves, low, high);
    return { kept, x: Array.from(kept, (place) => this.#onAxis(this.#x[place])) };
  }

  // As text, because plotly takes small numbers on a date axis for years.
  #onAxis(value) {
    return this.#clockAxis ? new Date(Math.round(value)).toISOString().slice(0, -1) : value;
  }

  #listenToPlotly() {
    this.plot.on("plotly_afterplot", () => this.#placeHead());
    this.plot.on("plotly_relayout", () => this.#zoomed());
    this.plot.on("plotly_relayouting", () => this.#placeHead());
  }

  // Another stretch is seen: choose its points anew, in the next frame and once.
  #zoomed() {
    const seen = JSON.stringify(this.#axis.range);
    if (seen === this.#drawn) return;
    this.#drawn = seen;
    cancelAnimationFrame(this.#frameAsked);
    this.#frameAsked = requestAnimationFrame(() => this.#draw());
  }

  #onResize() {
    if (this.plot._fullLayout && this.plot.clientWidth) window.Plotly.Plots.resize(this.plot);
  }

  // The playhead

  #placeHead() {
    const axis = this.#axis;
    const { frame, time, times } = this.clock;
    if (!axis || !this.#data || times.length === 0) return;
    const at = axis.c2p(this.#clockAxis ? time * 1000 : frame);
    const { t, h } = this.plot._fullLayout._size;
    this.head.hidden = at < -0.5 || at > axis._length + 0.5;
    this.head.style.transform = `translateX(${axis._offset + at}px)`;
    this.head.style.top = `${t}px`;
    this.head.style.height = `${h}px`;
    this.head.ariaValueNow = String(frame);
    this.head.ariaValueMax = String(this.clock.last);
    this.head.ariaValueText = `${clockText(time)}, frame ${frame}`;
  }

  // Who plays a zoomed stretch to its end wants to see what follows.
  #follow() {
    const axis = this.#axis;
    if (!this.clock.playing || !axis || !this.#data) return;
    const at = axis.c2p(this.#clockAxis ? this.clock.time * 1000 : this.clock.frame);
    if (at <= axis._length || at > axis._length * 1.1) return; // seen, or the visitor looks elsewhere on purpose
    const [low, high] = [axis.p2c(0), axis.p2c(axis._length)];
    const range = [high, high + (high - low)].map((end) => this.#onAxis(end));
    window.Plotly.relayout(this.plot, { "xaxis.range": range });
  }

  // The pointer

  #listen() {
    const listen = (target, type, action, capture = false) =>
      target.addEventListener(type, action, { signal: this.#stop.signal, capture });
    listen(this.clock, "frame", () => (this.#placeHead(), this.#follow()));
    listen(this.clock, "times", () => this.#placeHead());
    // In front of plotly, and by place: plotly's own click needs a point near by, and fails on long curves.
    listen(this.host, "pointerdown", (event) => this.#pressed(event), true);
    listen(window, "pointerup", (event) => this.#released(event), true);
    listen(this.head, "pointermove", (event) => this.#scrubbing && this.clock.ask("scrub", { frame: this.#frameUnder(event) }));
    listen(this.head, "lostpointercapture", () => (this.#scrubbing = false));
    this.stopKeys = listenForKeys(this.host, this.clock);
  }

  #pressed(event) {
    this.#press = null;
    if (event.button !== 0 || !this.#axis || event.target.closest(".modebar")) return;
    if (event.target === this.head) {
      this.#scrubbing = true;
      this.head.setPointerCapture(event.pointerId);
      this.host.focus({ preventScroll: true });
      return;
    }
    const { left, top, right, bottom } = this.#area();
    const inside = event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom;
    if (inside) this.#press = { x: event.clientX, y: event.clientY };
  }

  #released(event) {
    const press = this.#press;
    this.#press = null;
    if (this.#scrubbing) {
      this.#scrubbing = false;
      this.clock.ask("seek", { frame: this.#frameUnder(event) });
      return;
    }
    if (!press || Math.hypot(event.clientX - press.x, event.clientY - press.y) > CLICK_PX) return;
    this.host.focus({ preventScroll: true });
    this.clock.ask("seek", { frame: this.#frameUnder(event) });
  }

  #area() {
    const box = this.plot.getBoundingClientRect();
    const { l, t, w, h } = this.plot._fullLayout._size;
    return { left: box.left + l, top: box.top + t, right: box.left + l + w, bottom: box.top + t + h };
  }

  #frameUnder(event) {
    const { left, right } = this.#area();
    const value = this.#axis.p2c(Math.max(left, Math.min(right, event.clientX)) - left);
    return this.#clockAxis ? this.clock.frameAt(value / 1000) : Math.max(0, Math.min(this.clock.last, Math.round(value)));
  }

  #say(text) {
    const note = this.host.querySelector(".cvi-plot-note");
    note.textContent = text;
    note.hidden = !text;
  }
}

function loadPlotly(address) {
  document[PLOTLY] ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve();
    script.onerror = () => {
      script.remove();
      document[PLOTLY] = undefined;
      reject(new Error("plotly.js did not arrive"));
    };
    document.head.append(script);
  });
  return document[PLOTLY];
}
