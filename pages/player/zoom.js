// Which part of the time is seen in the chart while one plays on, or is led to a place. All is in the unit of the axis.

const FOLLOWS = 0.1; // of what is seen: so far past its end the visitor is taken to have looked elsewhere on purpose
const ROOM = 0.2; // of a stretch that is wider than what is seen, at both of its sides

// Who plays a zoomed stretch to its end wants to see what follows. Returns [low, high], or null: it stays.
export function followed({ low, high }, at) {
  return at <= high || at > high + (high - low) * FOLLOWS ? null : [high, high + (high - low)];
}

// Who is led to a stretch wants to see it, as wide as before if it fits in, and nothing beyond the whole.
export function brought({ low, high }, [start, end], [first, last]) {
  if (start >= low && end <= high) return null;
  const width = Math.max(high - low, (end - start) * (1 + 2 * ROOM));
  if (width >= last - first) return [first, last];
  const from = Math.max(first, Math.min(last - width, (start + end - width) / 2));
  return [from, from + width];
}

// ends: [low, high] or null. inSeconds: whether they are seconds, which are instants on plotly's date axis.
export function showRange(plot, ends, inSeconds) {
  if (!ends) return;
  const range = inSeconds ? ends.map((end) => new Date(end * 1000).toISOString().slice(0, -1)) : ends;
  window.Plotly.relayout(plot, { "xaxis.range": range });
}
