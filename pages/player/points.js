// Few enough points to draw, with every peak and every dip kept: of each column of pixels the lowest and the highest
// sample. Through a column runs a line of those two, as it would through all.

import { countBelow, countUpTo } from "./search.js";

// Where each column begins, as positions in x (rising), and where the last one ends: bins + 1 numbers.
export function columnStarts(x, low, high, bins) {
  const starts = new Int32Array(bins + 1);
  for (let bin = 0; bin < bins; bin += 1) starts[bin] = countBelow(x, low + ((high - low) * bin) / bins);
  starts[bins] = Math.max(starts[bins - 1], countUpTo(x, high));
  return starts;
}

// Positions to draw, rising: those of the columns, and one beyond at each side, so that the line leaves the plot.
export function keptPoints(starts, curve) {
  const bins = starts.length - 1;
  const n = curve.length;
  const [first, last] = [Math.max(0, starts[0] - 1), Math.min(n, starts[bins] + 1)];
  if (last - first <= 2 * bins) return Int32Array.from({ length: Math.max(0, last - first) }, (_, place) => first + place);
  const kept = new Int32Array(2 * bins + 2);
  let count = 0;
  const keep = (place) => {
    if (count === 0 || kept[count - 1] !== place) kept[count++] = place;
  };
  if (first < starts[0]) keep(first);
  for (let bin = 0; bin < bins; bin += 1) keepColumn(keep, curve, starts[bin], starts[bin + 1]);
  if (last > starts[bins]) keep(last - 1);
  return kept.subarray(0, count);
}

function keepColumn(keep, curve, from, to) {
  if (from >= to) return;
  let [lowest, highest] = [from, from];
  let [low, high] = [Infinity, -Infinity];
  for (let place = from; place < to; place += 1) {
    const value = curve[place]; // NaN is neither lower nor higher
    if (value < low) [low, lowest] = [value, place];
    if (value > high) [high, highest] = [value, place];
  }
  keep(Math.min(lowest, highest));
  keep(Math.max(lowest, highest));
}
