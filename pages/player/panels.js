// What is drawn in which panel of the chart: the figure's own words for its curves, made into arrays.

// The curves of a figure, each with its values.
export function linesOf({ data }, series) {
  return data.filter((trace) => trace.curve).map((trace) => ({ ...trace, curve: series.curve(...trace.curve) }));
}

// For curves.js: the curves or the heat map, and below them those that have an axis of their own.
export function panelsOf(figure, series, layout) {
  const lines = linesOf(figure, series);
  const bands = figure.data.filter(isBand).map((band) => ({ ...band, ...series.band(band.band) }));
  const first = { up: upOf(layout.yaxis), lines: lines.filter((line) => !line.yaxis), bands, heat: figure.heat };
  const own = lines.filter((line) => line.yaxis);
  return own.length ? [first, { up: upOf(layout.yaxis6), lines: own }] : [first];
}

// What plotly is not told of: this is drawn on the canvas.
export const isOurs = (trace) => Boolean(trace.curve) || isBand(trace);

function isBand(trace) {
  return "band" in trace;
}

function upOf({ _offset: offset, _length: length, range }) {
  return { offset, length, low: Number(range[0]), high: Number(range[1]) };
}
