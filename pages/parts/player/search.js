// Places in rising values, found by halving.

// How many of them are <= limit.
export function countUpTo(values, limit) {
  return count(values.length, (place) => values[place] <= limit);
}

// How many of them are < limit.
export function countBelow(values, limit) {
  return count(values.length, (place) => values[place] < limit);
}

// How many places from the first on hold.
function count(length, holds) {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Where next (by > 0) and previous go from a frame: through the moments in time, and after the last of them through the
// candidates. All are frames, rising. Who stands at the beginning of a candidate goes on among these.
export function stop(moments, candidates, from, by) {
  const later = (starts) => starts.find((start) => start > from);
  const earlier = (starts) => starts.findLast((start) => start < from);
  if (candidates.includes(from) && !moments.includes(from)) {
    return by > 0 ? later(candidates) : (earlier(candidates) ?? moments.at(-1));
  }
  return by > 0 ? (later(moments) ?? candidates[0]) : earlier(moments);
}
