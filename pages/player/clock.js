// One clock per player: which frame is on the screen. Its screen says so, the other parts listen and ask.
//
// Events: "frame" (another frame is shown, or playing began or ended), "times" (the table of times changed),
// "ask" (a part asks the screen to do something; detail: {what, ...}).

import { countUpTo, stop } from "./search.js";

export const SOON_S = 0.001; // what rounding may take: times of moments are rounded to milliseconds
const DEEP_S = 0.02; // at most, in a long frame, so that playing from there shows and sounds nearly all of it
const CLOCKS = Symbol.for("clip-video-investigator.clocks");

export class Clock extends EventTarget {
  times = new Float64Array(0); // presentation times of all frames, in seconds
  end = 0; // where the last frame ends, in seconds
  frame = 0; // the frame on the screen
  playing = false;
  moments = []; // [start_s, end_s], sorted by start
  candidates = []; // possible moments, in the same form
  walked = null; // the frame of a candidate to which next or previous went last
  video = null; // the id of the video that they belong to
  users = 0;

  get last() {
    return Math.max(0, this.times.length - 1);
  }

  get time() {
    return this.times[this.frame] ?? 0;
  }

  // The frame on the screen at a time: the last with times[frame] <= seconds.
  frameAt(seconds) {
    return Math.max(0, countUpTo(this.times, seconds) - 1);
  }

  // The frame that a browser means by a time: Chromium gives the frame's own, rounded; Firefox, after a seek, the
  // time that was sought, which is the middle of the frame.
  nearestFrame(seconds) {
    const near = nearest(this.times, seconds);
    const early = this.times[near] - seconds;
    return near > 0 && early > (this.times[near] - this.times[near - 1]) / 4 ? near - 1 : near;
  }

  // A time within the frame to seek to: near its beginning, because in the later part of a frame before a keyframe
  // Chromium already shows the keyframe, at variable rates half of the time. deep: far from both neighbours.
  within(frame, deep = false) {
    const start = this.times[frame] ?? 0;
    const end = frame < this.last ? this.times[frame + 1] : Math.max(this.end, start);
    return Math.min((start + end) / 2, start + (deep ? DEEP_S : SOON_S));
  }

  // The frame so many seconds later (or earlier); at least the next frame, because a frame may last longer.
  secondsFrom(frame, seconds) {
    const there = this.frameAt((this.times[frame] ?? 0) + seconds + SOON_S);
    return seconds > 0 ? Math.max(frame + 1, there) : Math.min(frame - 1, there);
  }

  // video: the video of these times. A new table of the same video keeps the picture and gives it its new number.
  setTimes(block, video = this.video) {
    const { time } = this;
    const same = video === this.video;
    this.video = video;
    this.times = block.subarray(0, Math.max(0, block.length - 1));
    this.end = block.at(-1) ?? 0;
    if (same) this.frame = nearest(this.times, time);
    this.dispatchEvent(new Event("times"));
  }

  // block: start and end of one after the other; the first are moments, as many as are sure, and the rest candidates.
  setMoments(block, sure) {
    const all = Array.from({ length: block.length / 2 }, (_, k) => [block[2 * k], block[2 * k + 1]]);
    [this.moments, this.candidates] = [all.slice(0, sure), all.slice(sure)];
  }

  // The frame to which next (by > 0) or previous goes from a frame; undefined if there is none.
  walk(frame, by) {
    const starts = (moments) => moments.map(([start]) => this.frameAt(start + SOON_S));
    const found = stop(starts(this.moments), starts(this.candidates), frame, by, this.walked === frame);
    if (found) this.walked = found.isCandidate ? found.frame : null;
    return found?.frame;
  }

  show(frame, playing) {
    if (frame === this.frame && playing === this.playing) return;
    this.frame = frame;
    this.playing = playing;
    this.dispatchEvent(new Event("frame"));
  }

  ask(what, detail = {}) {
    this.dispatchEvent(new CustomEvent("ask", { detail: { what, ...detail } }));
  }
}

// The clock with that name; all parts of one player get the same clock, wherever they are on the page.
export function takeClock(name) {
  const clocks = (document[CLOCKS] ??= new Map());
  if (!clocks.has(name)) clocks.set(name, new Clock());
  const clock = clocks.get(name);
  clock.users += 1;
  return clock;
}

export function leaveClock(name) {
  const clock = document[CLOCKS].get(name);
  clock.users -= 1;
  if (clock.users === 0) document[CLOCKS].delete(name);
}

// The position of the rising value that is nearest to another.
export function nearest(values, wanted) {
  const after = countUpTo(values, wanted);
  if (after === 0) return 0;
  if (after === values.length) return values.length - 1;
  return wanted - values[after - 1] <= values[after] - wanted ? after - 1 : after;
}

// m:ss.mmm, from one hour on h:mm:ss.mmm
export function clockText(seconds) {
  const ms = Math.max(0, Math.round(seconds * 1000));
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60];
  const rest = ((ms % 60_000) / 1000).toFixed(3).padStart(6, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}
