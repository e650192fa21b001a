// The moment that is played again and again.

import { SOON_S } from "./clock.js";

export class Repeat {
  moment = null; // [start_s, end_s] while one is repeated
  #before = -1; // the frame that was shown before, while playing

  constructor(clock) {
    this.clock = clock;
  }

  get first() {
    return this.clock.frameAt(this.moment[0] + SOON_S);
  }

  // The last frame that begins within the moment.
  get last() {
    return Math.max(this.first, this.clock.frameAt(this.moment[1] - SOON_S));
  }

  has(frame) {
    return this.moment !== null && frame >= this.first && frame <= this.last;
  }

  // Of the moments and candidates that a frame lies in, the one that began last; else null. A moment may begin while a
  // frame is shown, which is then its first.
  at(frame) {
    const time = this.clock.times[frame] + SOON_S;
    const has = ([start, end]) => this.clock.frameAt(start + SOON_S) <= frame && time < end;
    const found = [...this.clock.moments, ...this.clock.candidates].filter(has);
    return found.reduce((one, other) => (one === null || other[0] > one[0] ? other : one), null);
  }

  // Begin with the moment here, or the next one.
  begin(frame) {
    const time = this.clock.times[frame] + SOON_S;
    this.moment = this.at(frame) ?? this.clock.moments.find(([start]) => start >= time) ?? null;
    return this.moment !== null;
  }

  // The moments changed: go on with the one that replaced this one; returns whether there is one.
  follow(moments) {
    if (this.moment === null) return true;
    const shared = ([start, end]) => Math.min(end, this.moment[1]) - Math.max(start, this.moment[0]);
    const best = moments.reduce((one, other) => (one === null || shared(other) > shared(one) ? other : one), null);
    this.moment = best !== null && shared(best) > 0 ? best : null;
    return this.moment !== null;
  }

  // The visitor goes to a frame: stay, or go on with the moment there, or end; returns false if it ended.
  goTo(frame) {
    this.#before = -1;
    if (this.moment === null || this.has(frame)) return true;
    this.moment = this.at(frame);
    return this.moment !== null;
  }

  // Whether to go back now that this frame is shown: at high speeds the next one shown is not the next one.
  isOver(frame) {
    if (this.moment === null) return false;
    const step = this.#before >= 0 && frame > this.#before ? frame - this.#before : 1;
    this.#before = frame;
    if (this.has(frame) && frame + step <= this.last) return false;
    this.#before = -1;
    return true;
  }
}
