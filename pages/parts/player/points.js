// Few enough points to draw, with every peak and every dip kept: the same as clip_core/charts/decimate.py does,
// here again at each zoom, because here all samples are at hand.

const MOST_POINTS = 2400; // of each line within what is seen: about two a pixel
const FEWEST_BINS = 100;
const AROUND = 400; // of the whole, so that panning shows something before it is drawn anew

// Positions to draw, rising, one set for all curves (the pointer compares them at the same place).
// x: where each sample stands, rising. curves: arrays of that length. low, high: what is seen of x.
export function keptPoints(x, curves, low, high) {
  const n = x.length;
  const [first, last] = [Math.max(0, lowerBound(x, low) - 1), Math.min(n, lowerBound(x, high) + 1)];
  const kept = new Set([0, n - 1, first, last - 1]);
  keepExtremes(kept, curves, 0, n, AROUND);
  keepExtremes(kept, curves, first, last, MOST_POINTS);
  return Int32Array.from([...kept].filter((place) => place >= 0 && place < n)).sort();
}

function keepExtremes(kept, curves, from, to, most) {
  if (to - from <= most) {
    for (let place = from; place < to; place += 1) kept.add(place);
    return;
  }
  const bins = Math.max(FEWEST_BINS, Math.floor(most / (2 * Math.max(1, curves.length))));
  const width = (to - from) / bins;
  for (const curve of curves) {
    for (let bin = 0; bin < bins; bin += 1) {
      const end = Math.min(to, Math.floor(from + (bin + 1) * width));
      let lowest = Math.floor(from + bin * width);
      let highest = lowest;
      for (let place = lowest + 1; place < end; place += 1) {
        if (curve[place] < curve[lowest]) lowest = place;
        else if (curve[place] > curve[highest]) highest = place;
      }
      kept.add(lowest).add(highest);
    }
  }
}

function lowerBound(values, limit) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
