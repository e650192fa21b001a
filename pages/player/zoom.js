// Which part of the time the chart shows while playing, or after a jump. All is in the unit of the axis.

const FOLLOWS = 0.1; // share of the visible part: further past its end, the visitor has scrolled away on purpose
const ROOM = 0.2; // share of a stretch that is wider than the visible part, added at both sides

// When playing reaches the end of the visible part, show what follows. Returns [low, high], or null: no change.
export function followed({ low, high }, at) {
  return at <= high || at > high + (high - low) * FOLLOWS ? null : [high, high + (high - low)];
}

// After a jump, show the stretch: as wide as before if it fits, and nothing outside the whole.
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
