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
