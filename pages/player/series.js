// The samples and the curves of one set of data, fetched until they are there and checked before they are drawn.

import { fetchBlock, fetchUntil } from "./blocks.js";

// What components.py calls "series", as arrays: times (seconds), frames, and the curves "raw" and "smoothed", one after
// the other; where they are named also the curves "rate", and the lower and the upper edges of bands.
// given: {addressOf, columns, missing(), trouble(text), wanted()}; null when no longer wanted.
export function fetchSeries(series, given) {
  const { trouble, wanted } = given;
  return fetchUntil(async () => checked(series, await fetchArrays(series, given)), {
    wanted,
    trouble: (error) => trouble(`The curves could not be loaded: ${error.message}.`),
  });
}

const CURVES = ["raw", "smoothed", "rate", "low", "high"];

async function fetchArrays(series, { addressOf, missing }) {
  const get = async (name, Kind) => [name, await fetchBlock(addressOf(series[name]), Kind, missing)];
  const named = CURVES.filter((name) => series[name]).map((name) => get(name, Float32Array));
  return Object.fromEntries(await Promise.all([get("samples", Float64Array), ...named]));
}

function checked({ count, columns, bands = 0 }, { samples, ...curves }) {
  const wide = (name) => (name === "low" || name === "high" ? bands : columns);
  const wrong = Object.keys(curves).filter((name) => curves[name].length !== count * wide(name));
  if (samples.length !== 2 * count || wrong.length) {
    const scores = `${(wrong.length ? wrong : ["raw"]).map((name) => curves[name].length).join(" and ")} scores`;
    const wanted = `${count} for each of ${columns} prompts`;
    throw new RangeError(`${samples.length / 2} times and ${scores} instead of ${wanted}. Reload the page`);
  }
  const curve = (of, column) => curves[of].subarray(column * count, (column + 1) * count);
  const band = (place) => ({ low: curve("low", place), high: curve("high", place) });
  return { count, times: samples.subarray(0, count), frames: samples.subarray(count), curve, band };
}
