// A <video> that knows its frames: it seeks to a frame by a time within the frame's own span, and tells by
// requestVideoFrameCallback which frame is really on the screen.
//
// The table of times counts from the first frame; the browser counts from where the file's clock starts. The
// difference is the origin: where the server says that the file's first frame stands, checked against the media
// time of the first picture that the browser shows, before anything is played or sought.

const LATE_MS = 250; // a picture that is already on the screen is not presented again: wait at most this long for it
const FIRST_MS = 3000; // the same for the very first picture
const TRIES = 3;
const CLOSE_S = 0.002; // rounding of container clocks

export class ExactVideo {
  exact = "requestVideoFrameCallback" in HTMLVideoElement.prototype;
  origin = null; // media time of frame 0, in seconds; null until the first picture is there
  sure = true; // whether browser and server agree on where the video begins
  seen = false; // whether a picture of this address ever came
  lost = false; // whether no picture comes: then only frame numbers advance, so that the curves go on
  wanted = null; // the frame to go to, null when there
  #address = "";
  #start = 0; // where the file's own clock stands at frame 0, as the server read it
  #picture = null;
  #begun = () => {};
  #flying = null;
  #tried = 0;
  #beyond = null; // a frame after the end, as far as the browser knows the length
  #presented = null; // the last frame since the seek was launched
  #last = null; // the last frame ever presented: it is on the screen until the browser reports another
  #timer = 0;
  #first = 0;
  #callback = 0;
  #heard = -Infinity; // when the browser last reported a frame
  #stop = new AbortController();

  // shown(frame): a frame is on the screen. settled(frame): a seek has ended there.
  constructor(video, clock, { shown, settled }) {
    Object.assign(this, { video, clock, shown, settled });
    const listen = (type, action) => video.addEventListener(type, action, { signal: this.#stop.signal });
    listen("loadeddata", () => this.#loaded());
    listen("seeked", () => this.#sought());
    listen("error", () => this.#failed());
    listen("durationchange", () => this.#grown());
    listen("timeupdate", () => this.#unwatched && this.#told(this.#frameOfClock()));
  }

  // The frame on the screen, or the frame that should be: the sound goes on while no picture is reported.
  get here() {
    const told = !this.#unwatched && performance.now() - this.#heard < LATE_MS;
    return told || this.origin === null ? this.clock.frame : this.#frameOfClock();
  }

  load(address, frame, start) {
    clearTimeout(this.#timer);
    clearTimeout(this.#first);
    if (address !== this.#address) this.seen = this.lost = false;
    Object.assign(this, { origin: null, sure: true, wanted: frame || null });
    [this.#address, this.#start, this.#flying, this.#last, this.#beyond] = [address, start, null, null, null];
    const before = this.#begun; // callers that waited for an earlier load now wait for this one
    this.#picture = new Promise((resolve) => (this.#begun = () => (before(), resolve())));
    this.video.src = address;
    this.#watch();
  }

  // Playing before the first picture would hide where the video begins; but some browsers load none before they play.
  async ready() {
    const { networkState, readyState } = this.video;
    if (networkState === HTMLMediaElement.NETWORK_IDLE && readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    await Promise.race([this.#picture, new Promise((resolve) => setTimeout(resolve, FIRST_MS))]);
  }

  seek(frame) {
    this.wanted = frame;
    this.#beyond = null; // it belongs to the seek in flight, if any
    if (this.lost) this.#pretend();
    else if (this.origin !== null && this.#flying === null) this.#launch();
  }

  close() {
    this.#stop.abort();
    clearTimeout(this.#timer);
    clearTimeout(this.#first);
    if (this.exact) this.video.cancelVideoFrameCallback(this.#callback);
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load(); // closes the connection
  }

  // Hidden tabs get no frame callbacks; in some browsers no tab does.
  get #unwatched() {
    return !this.exact || document.hidden;
  }

  #watch() {
    if (!this.exact) return;
    this.video.cancelVideoFrameCallback(this.#callback);
    this.#callback = this.video.requestVideoFrameCallback((_, { mediaTime }) => {
      this.#watch();
      this.#heard = performance.now();
      if (this.origin === null && this.video.readyState < HTMLMediaElement.HAVE_METADATA) return; // it is of the previous video
      if (this.origin === null) this.#begin(this.#originBy(mediaTime));
      this.#told(this.clock.nearestFrame(mediaTime - this.origin));
    });
  }

  // A hidden tab presents no picture: then take the server's value.
  #loaded() {
    if (this.origin === null) this.#first = setTimeout(() => this.#begin(this.#start), this.exact ? FIRST_MS : 0);
  }

  // The first picture is frame 0, unless the browser skipped some frames: then its time is that of a later frame.
  #originBy(mediaTime) {
    const late = mediaTime - this.#start;
    const off = Math.abs(this.clock.times[this.clock.nearestFrame(late)] - late);
    this.sure = off <= CLOSE_S;
    return this.sure ? this.#start : mediaTime;
  }

  #begin(origin) {
    clearTimeout(this.#first);
    if (this.origin !== null) return;
    this.origin = origin;
    if (this.lost) this.wanted ??= this.clock.frame || null; // where the visitor has gone meanwhile
    [this.seen, this.lost] = [true, false];
    if (this.wanted !== null) this.#launch();
    this.#begun();
    this.#begun = () => {};
  }

  #failed() {
    clearTimeout(this.#timer);
    clearTimeout(this.#first);
    [this.origin, this.#flying, this.lost] = [null, null, true];
    this.wanted ??= this.clock.frame;
    this.#pretend();
  }

  #pretend() {
    const frame = this.wanted;
    this.wanted = null;
    this.shown(frame);
    this.settled(frame);
  }

  #frameOfClock() {
    return this.clock.frameAt(this.video.currentTime - this.origin);
  }

  #told(frame) {
    if (this.origin === null) return;
    this.#presented = this.#last = frame;
    this.shown(frame);
    const arrived = frame === this.#flying || !this.video.paused; // while playing, the frame is passed at once
    if (this.#flying === null) this.video.paused && this.settled(frame); // it came after the wait had ended
    else if (!this.video.seeking && arrived) this.#land(frame);
  }

  #launch() {
    if (this.#flying !== this.wanted) this.#tried = 0;
    const early = this.#tried > 0 && this.#last < this.wanted; // it landed before the frame: aim deeper
    this.#flying = this.wanted;
    this.#tried += 1;
    this.#presented = null;
    clearTimeout(this.#timer);
    const target = this.origin + this.clock.within(this.#flying, early);
    const { duration } = this.video;
    this.#beyond = target > duration ? this.#flying : null;
    this.video.currentTime = Number.isFinite(duration) ? Math.min(target, duration) : target;
  }

  // If a file's clock starts late, Chromium learns its length while reading: until then a seek ends too early.
  #grown() {
    if (this.#beyond !== null && this.video.paused) this.seek(this.#beyond);
  }

  #sought() {
    if (this.#flying === null) return;
    if (this.#presented === this.#flying) {
      this.#land(this.#presented); // the picture came first
      return;
    }
    clearTimeout(this.#timer);
    const there = () => (this.#unwatched ? this.#frameOfClock() : this.#last ?? this.#frameOfClock());
    this.#timer = setTimeout(() => this.#flying !== null && this.#land(there()), this.exact ? LATE_MS : 0);
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
