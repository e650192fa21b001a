// Where the visitor left a video for another page of the app: reports do not reach Python then (see entry.js), so the
// document keeps the frame until the player is on a page again.

const LEAVING = Symbol.for("clip-video-investigator.leaving"); // when a link was pressed, see entry.js
const LEFT_WITHIN_MS = 10_000; // of a click, else the link led nowhere
const PLACES = Symbol.for("clip-video-investigator.places");

// since: when the player came. place: {video, seq, frame, believed}: seq of Python's last command, and the frames that
// Python may have heard of since, see reports.js.
export function leavePlace(player, since, place) {
  const pressed = document[LEAVING];
  const left = pressed > since && performance.now() - pressed < LEFT_WITHIN_MS;
  if (!left) return; // another view is shown, and Python knows of it
  (document[PLACES] ??= new Map()).set(player, place);
}

// The frame to begin with: where it was left, unless Python has moved on meanwhile.
export function returnTo(player, { video, seek }) {
  const left = document[PLACES]?.get(player);
  document[PLACES]?.delete(player);
  const holds = left?.video === video && left.seq === seek.seq && left.believed.has(seek.frame);
  return holds ? left.frame : seek.frame;
}
