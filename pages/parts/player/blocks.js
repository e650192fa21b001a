// Arrays by address: fetched once, kept while the page shows them.

const TRIES = 5;
const PAUSE_MS = 400;
const MOST_KEPT = 8;
const kept = new Map();

// An array of `Kind` (Float32Array, Float64Array) from an address that names its content.
export function fetchBlock(address, Kind) {
  const key = `${Kind.name} ${address}`;
  const known = kept.get(key) ?? load(address, Kind);
  kept.delete(key);
  kept.set(key, known);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  known.catch(() => kept.delete(key));
  return known;
}

async function load(address, Kind) {
  for (let tried = 1; ; tried += 1) {
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok) return new Kind(await answer.arrayBuffer());
    if (tried === TRIES) throw new Error(`no answer from ${address}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS)); // the server may just be drawing it anew
  }
}
