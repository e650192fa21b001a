// Which part of the time is seen in the chart while one plays on, or is led to a place.
// All ends are [low, high] in the unit of the axis; null: it stays.

const FOLLOWS = 0.1; // of what is seen: so far past its end the visitor is taken to have looked elsewhere on purpose
const ROOM = 0.2; // of a stretch that is wider than what is seen, at both of its sides

// Who plays a zoomed stretch to its end wants to see what follows.
export function followed([low, high], at) {
  return at <= high || at > high + (high - low) * FOLLOWS ? null : [high, high + (high - low)];
}

// Who is led to a stretch wants to see it, as wide as before if it fits in, and nothing beyond the whole.
export function brought([low, high], [start, end], [first, last]) {
  if (start >= low && end <= high) return null;
  const width = Math.max(high - low, (end - start) * (1 + 2 * ROOM));
  if (width >= last - first) return [first, last];
  const from = Math.max(first, Math.min(last - width, (start + end - width) / 2));
  return [from, from + width];
}

// As plotly has them: seconds are instants on a date axis.
export function asRange(ends, inSeconds) {
  return inSeconds ? ends.map((end) => new Date(end * 1000).toISOString().slice(0, -1)) : ends;
}
