// A <video> that knows its frames: it seeks to a frame by the middle of the frame's own time, and tells by
// requestVideoFrameCallback which frame is really on the screen.
//
// The table of times counts from the first frame; the browser counts from where the file's clock starts. The
// difference is the media time of the first picture that it shows, before anything is sought.

const LATE_MS = 250; // a picture that is already on the screen is not presented again: this long is waited for it
const TRIES = 3;

export class ExactVideo {
  exact = "requestVideoFrameCallback" in HTMLVideoElement.prototype;
  origin = null; // media time of frame 0, in seconds; null until the first picture is there
  wanted = null; // the frame to go to, null when there
  #flying = null;
  #tried = 0;
  #presented = null; // the last frame since the seek was launched
  #timer = 0;
  #callback = 0;
  #stop = new AbortController();

  // shown(frame): a frame is on the screen. settled(frame): a seek has ended there.
  constructor(video, clock, { shown, settled }) {
    Object.assign(this, { video, clock, shown, settled });
    const listen = (type, action) => video.addEventListener(type, action, { signal: this.#stop.signal });
    listen("loadeddata", () => this.#loaded());
    listen("seeked", () => this.#sought());
    if (!this.exact) listen("timeupdate", () => this.#told(video.currentTime));
    this.#watch();
  }

  load(address, frame) {
    clearTimeout(this.#timer);
    Object.assign(this, { origin: null, wanted: frame || null });
    this.#flying = null;
    this.video.src = address;
  }

  seek(frame) {
    this.wanted = frame;
    if (this.origin !== null && this.#flying === null) this.#launch();
  }

  close() {
    this.#stop.abort();
    clearTimeout(this.#timer);
    if (this.exact) this.video.cancelVideoFrameCallback(this.#callback);
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load(); // lets go of the connection
  }

  #watch() {
    if (!this.exact) return;
    this.#callback = this.video.requestVideoFrameCallback((_, { mediaTime }) => {
      this.#watch();
      this.#told(mediaTime);
    });
  }

  #loaded() {
    if (this.origin === null && !this.exact) this.#begin(0);
  }

  #begin(origin) {
    this.origin = origin;
    if (this.wanted !== null) this.#launch();
  }

  #told(mediaTime) {
    if (this.origin === null) this.#begin(mediaTime);
    const frame = this.clock.nearestFrame(mediaTime - this.origin);
    this.#presented = frame;
    this.shown(frame);
    const arrived = frame === this.#flying || !this.video.paused; // who plays is past it in a moment
    if (this.#flying !== null && !this.video.seeking && arrived) this.#land(frame);
  }

  #launch() {
    if (this.#flying !== this.wanted) this.#tried = 0;
    this.#flying = this.wanted;
    this.#tried += 1;
    this.#presented = null;
    clearTimeout(this.#timer);
    const target = this.origin + this.clock.middleOf(this.#flying);
    this.video.currentTime = Number.isFinite(this.video.duration) ? Math.min(target, this.video.duration) : target;
  }

  #sought() {
    if (this.#flying === null) return;
    if (this.#presented === this.#flying) {
      this.#land(this.#presented); // the picture came first
      return;
    }
    clearTimeout(this.#timer);
    const there = () => this.#presented ?? this.clock.frameAt(this.video.currentTime - this.origin);
    this.#timer = setTimeout(() => this.#flying !== null && this.#land(there()), LATE_MS);
  }

  #land(frame) {
    clearTimeout(this.#timer);
    const missed = frame !== this.#flying && this.video.paused && this.#tried < TRIES;
    if (this.wanted !== this.#flying || missed) {
      this.#launch();
      return;
    }
    this.wanted = this.#flying = null;
    this.shown(frame);
    this.settled(frame);
  }
}
