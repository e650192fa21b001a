// Speed and sound as the visitor likes them: kept while the page is open, through other videos and other views.

export const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 4];

const TASTES = Symbol.for("clip-video-investigator.tastes");

export function setSpeed(video, speed) {
  video.defaultPlaybackRate = speed; // what another video begins with
  video.playbackRate = speed;
}

// The next slower (-1) or faster (1) speed.
export function nextSpeed(video, by) {
  const place = SPEEDS.indexOf(video.playbackRate) + by;
  return SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, place))];
}

export function keepTaste(video, player) {
  const { playbackRate: speed, muted, volume } = video;
  (document[TASTES] ??= new Map()).set(player, { speed, muted, volume });
}

export function recallTaste(video, player) {
  const known = document[TASTES]?.get(player);
  if (!known) return;
  setSpeed(video, known.speed);
  video.muted = known.muted;
  video.volume = known.volume;
}
