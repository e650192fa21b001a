// The curves, drawn on a canvas between plotly's axes and its labels: plotly takes half a second for ten lines with
// enough points, this takes a few milliseconds, so that they are drawn anew, from all samples, while one zooms or pans.

import { HeatMap } from "./heat.js";
import { columnStarts, keptPoints } from "./points.js";

const DASHES = { dash: [9, 9], dot: [2, 4], dashdot: [9, 4, 2, 4], longdash: [16, 6] }; // by plotly's names; "solid" has none
const DOT_PX = 9; // of a sample without neighbours: the playhead may stand on it
const MOST_RATIO = 2; // a higher ratio costs time and cannot be seen
// Up to this many points, lines are stroked at their width. With more, one pixel wide and side by side: without a GPU
// Chromium takes a second for ten crowded lines of 1.8 px, and 13 ms for twice as many of 1 px.
const FEW_POINTS = 3000;

export class CurveCanvas {
  element = document.createElement("canvas");
  #heat = new HeatMap();

  constructor() {
    this.element.className = "cvi-curves";
    this.context = this.element.getContext("2d");
  }

  // Between plotly's axes and its labels, as its own canvases lie; it makes that place anew now and then.
  attach(plot) {
    const place = plot.querySelector(".gl-container");
    if (place && this.element.parentNode !== place) place.append(this.element);
  }

  clear() {
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.clearRect(0, 0, this.element.width, this.element.height);
    delete this.element.dataset.lines;
  }

  // panels: [{up, lines, bands, heat}], each clipped to its own place; the last of the lines on top.
  //   lines: [{curve, line: {color, width, dash}, opacity}], or with heat ({colours, range, rows}) [{curve, row}].
  //   bands: [{low, high, fill, opacity}], behind them.
  // x: where the samples stand, rising. across, up: {offset, length, low, high} of the axes, in pixels of the plot
  // and in their own unit.
  draw(panels, x, across, size) {
    const ratio = this.#fit(size);
    this.clear();
    const [left, width] = [across.offset * ratio, across.length * ratio];
    const starts = columnStarts(x, across.low, across.high, Math.max(1, Math.round(width)));
    const right = width / (across.high - across.low);
    for (const panel of panels) this.#drawPanel(panel, x, starts, { left, width, right, ratio, across });
    this.element.dataset.lines = panels.reduce((sum, { lines }) => sum + lines.length, 0);
  }

  #drawPanel({ up, lines, bands = [], heat }, x, starts, { left, width, right, ratio, across }) {
    const { context } = this;
    const [top, height] = [up.offset * ratio, up.length * ratio];
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    if (heat) this.#heat.draw(context, lines, heat, x, starts, across, { left, top, width, height }, ratio);
    else {
      const scale = { left, bottom: top + height, low: across.low, floor: up.low, ratio, right };
      scale.up = height / (up.high - up.low);
      for (const band of bands) this.#fill(band, x, starts, scale);
      this.#drawLines(lines, x, starts, scale);
    }
    context.restore();
  }

  #drawLines(lines, x, starts, scale) {
    const kept = lines.map(({ curve }) => keptPoints(starts, curve));
    const few = kept.reduce((sum, places) => sum + places.length, 0) <= FEW_POINTS;
    lines.forEach((line, number) => this.#drawLine(line, x, kept[number], scale, few));
  }

  #fit({ width, height }) {
    const ratio = Math.min(MOST_RATIO, window.devicePixelRatio || 1);
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.element.width !== wide || this.element.height !== high) Object.assign(this.element, { width: wide, height: high });
    Object.assign(this.element.style, { width: `${width}px`, height: `${height}px` });
    return ratio;
  }

  #drawLine({ curve, line, opacity = 1 }, x, kept, scale, few) {
    const { context } = this;
    const width = line.width * scale.ratio;
    Object.assign(context, { strokeStyle: line.color, globalAlpha: opacity, lineJoin: few ? "round" : "bevel" });
    context.setLineDash((DASHES[line.dash] ?? []).map((px) => px * scale.ratio));
    const passes = few ? 1 : Math.max(1, Math.round(width));
    context.lineWidth = few ? width : 1;
    for (let pass = 0; pass < passes; pass += 1) {
      const shift = passes === 1 ? 0 : (pass / (passes - 1) - 0.5) * (width - 1);
      this.#stroke(curve, x, kept, { ...scale, bottom: scale.bottom + shift });
    }
  }

  #stroke(curve, x, kept, { left, bottom, low, floor, right, up, ratio }) {
    const { context } = this;
    context.beginPath();
    let broken = true;
    const alone = []; // samples that no line reaches
    kept.forEach((place, number) => {
      const y = bottom - (curve[place] - floor) * up;
      const at = left + (x[place] - low) * right;
      if (Number.isNaN(y)) broken = true; // NaN leaves a gap
      else if (broken) {
        context.moveTo(at, y);
        broken = false;
        if (!(curve[kept[number + 1]] <= Infinity)) alone.push([at, y]);
      } else context.lineTo(at, y);
    });
    context.stroke();
    for (const dot of alone) this.#dot(...dot, (DOT_PX / 2) * ratio);
  }

  #dot(x, y, radius) {
    const { context } = this;
    context.fillStyle = context.strokeStyle;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }

  // With few samples along the upper edge and back along the lower one; with many a bar for each column of pixels,
  // because Chromium takes a second for ten areas with thousands of corners, and a few milliseconds for the bars.
  #fill(band, x, starts, scale) {
    const bins = starts.length - 1;
    Object.assign(this.context, { fillStyle: band.fill, globalAlpha: band.opacity });
    if (starts[bins] - starts[0] > 2 * bins) this.#fillColumns(band, starts, scale);
    else this.#fillArea(band, x, starts, scale);
  }

  #fillArea({ low: lower, high: upper }, x, starts, { left, bottom, low, floor, right, up }) {
    const { context } = this;
    context.beginPath();
    const trace = (curve, places) => {
      for (const place of places) {
        const y = bottom - (curve[place] - floor) * up;
        if (!Number.isNaN(y)) context.lineTo(left + (x[place] - low) * right, y);
      }
    };
    trace(upper, keptPoints(starts, upper));
    trace(lower, keptPoints(starts, lower).slice().reverse());
    context.fill();
  }

  #fillColumns({ low: lower, high: upper }, starts, { left, bottom, floor, up }) {
    let [least, most] = [NaN, NaN]; // a column without a sample is as the one before
    for (let bin = 0; bin < starts.length - 1; bin += 1) {
      if (starts[bin] < starts[bin + 1]) [least, most] = [Infinity, -Infinity];
      for (let place = starts[bin]; place < starts[bin + 1]; place += 1) {
        least = Math.min(least, lower[place]);
        most = Math.max(most, upper[place]);
      }
      const top = bottom - (most - floor) * up;
      if (most >= least) this.context.fillRect(Math.round(left) + bin, top, 1, (most - least) * up);
    }
  }
}
