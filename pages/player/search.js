// Places in rising values, found by halving.

// How many of the values are <= limit.
export function countUpTo(values, limit) {
  return count(values.length, (place) => values[place] <= limit);
}

// How many of the values are < limit.
export function countBelow(values, limit) {
  return count(values.length, (place) => values[place] < limit);
}

// For how many places, from the first on, holds() is true.
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
// candidates. All are frames, rising. From the start of a candidate one goes on through the candidates; if a moment starts
// there too, or at the start of the video, only if Next or Previous led there. undefined: there is none.
export function stop(moments, candidates, from, by, walked) {
  const later = (starts) => starts.find((start) => start > from);
  const earlier = (starts) => starts.findLast((start) => start < from);
  const waits = candidates.includes(from) && (walked || (from > 0 && !moments.includes(from)));
  const moment = waits ? (by > 0 ? undefined : moments.at(-1)) : by > 0 ? later(moments) : earlier(moments);
  const candidate = waits ? (by > 0 ? later(candidates) : earlier(candidates)) : by > 0 ? candidates[0] : undefined;
  const isCandidate = candidate !== undefined && (waits || moment === undefined);
  const frame = isCandidate ? candidate : moment;
  return frame === undefined ? undefined : { frame, isCandidate };
}
