// Arrays by address: fetched once, kept while the page shows them.

const TRIES = 5;
const PAUSE_MS = 400;
const LONG_PAUSE_MS = 2000;
const MOST_KEPT = 12;
const kept = new Map();

// An array of `Kind` (Float32Array, Float64Array) from an address that names its content.
// missing(): called at once if the server no longer has it; the caller then asks the page to store it again.
export function fetchBlock(address, Kind, missing = () => {}) {
  const key = `${Kind.name} ${address}`;
  const known = kept.get(key) ?? load(address, Kind, missing);
  kept.delete(key);
  kept.set(key, known);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  known.catch(() => kept.get(key) === known && kept.delete(key)); // but not a fetch that was started since
  return known;
}

// Retry fetchAll() until it succeeds; null when the result is no longer wanted, or when retrying cannot help.
export async function fetchUntil(fetchAll, { wanted, trouble }) {
  for (;;) {
    try {
      const found = await fetchAll();
      return wanted() ? found : null;
    } catch (error) {
      if (!wanted()) return null;
      trouble(error);
      if (error instanceof RangeError) return null;
    }
    await pause(LONG_PAUSE_MS);
    if (!wanted()) return null;
  }
}

async function load(address, Kind, missing) {
  for (let tried = 1; ; tried += 1) {
    const answer = await fetch(address).catch(() => null);
    const type = answer?.headers.get("Content-Type") ?? "";
    if (answer?.ok && type.startsWith("application/octet-stream")) return new Kind(await answer.arrayBuffer());
    answer?.body?.cancel().catch(() => {}); // the body may be an error page of a proxy, with any status
    if (answer?.status === 404 && tried === 1) missing();
    if (tried === TRIES) throw new Error(answer ? "the server no longer has them" : "the server does not answer");
    await pause(PAUSE_MS);
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
