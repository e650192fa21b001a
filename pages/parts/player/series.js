// The samples and the curves of one set of data, fetched until they are there and checked before they are drawn.

import { fetchBlock, fetchUntil } from "./blocks.js";

// What draw.py calls "series", as arrays: times (seconds), frames, and the curves "raw" and "smoothed", one after
// the other. given: {addressOf, columns, missing(), trouble(text), wanted()}; null when no longer wanted.
export function fetchSeries(series, given) {
  const { columns, trouble, wanted } = given;
  return fetchUntil(async () => checked(series.count, columns, await fetchArrays(series, given)), {
    wanted,
    trouble: (error) => trouble(`The curves could not be loaded: ${error.message}.`),
  });
}

async function fetchArrays({ samples, raw, smoothed }, { addressOf, missing }) {
  const kinds = [[samples, Float64Array], [raw, Float32Array], [smoothed, Float32Array]];
  return Promise.all(kinds.map(([path, Kind]) => fetchBlock(addressOf(path), Kind, missing)));
}

function checked(count, columns, [samples, raw, smoothed]) {
  const fits = samples.length === 2 * count && raw.length === smoothed.length && raw.length === count * columns;
  if (!fits) {
    const lengths = `${samples.length / 2} times and ${raw.length} and ${smoothed.length} scores`;
    throw new RangeError(`${lengths} instead of ${count} for each of ${columns} prompts. Reload the page`);
  }
  const curves = { raw, smoothed };
  const curve = (of, column) => curves[of].subarray(column * count, (column + 1) * count);
  return { count, times: samples.subarray(0, count), frames: samples.subarray(count), curve };
}
