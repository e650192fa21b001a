// The screen: the video and what one can do with it; it drives the player's clock and alone reports to Python.

import { SOON_S, leaveClock, takeClock } from "./clock.js";
import { fetchBlock } from "./blocks.js";
import { ExactVideo } from "./exact.js";
import { Faults } from "./faults.js";
import { listenForKeys } from "./keys.js";
import { Repeat } from "./repeat.js";
import { keepTaste, nextSpeed, recallTaste, setSpeed } from "./taste.js";
import { Transport } from "./transport.js";

const REPORT_AFTER_MS = 80; // after the last of several in a row
const NO_MOMENT = "No moment to repeat here or later. Lower the threshold, or go further back.";
const NO_MOMENT_THERE = "There is no moment, so nothing is repeated any more.";
const MOMENT_GONE = "The moment that was repeated is no longer one.";
const UNSURE = "This browser begins the video elsewhere than the server: numbers may be off. View → Frames is exact.";

export function mount(host, { addressOf, player }) {
  return new Screen(host, addressOf, player);
}

class Screen {
  #stop = new AbortController();
  #asked = null; // the newest from Python
  #data = {}; // what is on the screen
  #timer = 0;
  #known = null; // the frame that Python believes in
  #reports = 0;
  #set = () => {};

  constructor(host, addressOf, player) {
    Object.assign(this, { host, addressOf, player });
    const { signal } = this.#stop;
    this.clock = takeClock(player);
    this.video = host.querySelector("video");
    recallTaste(this.video, player);
    this.repeat = new Repeat(this.clock);
    this.transport = new Transport(host, (what, detail) => this.clock.ask(what, detail), signal);
    this.exact = new ExactVideo(this.video, this.clock, {
      shown: (frame) => this.#shown(frame),
      settled: () => this.#report(),
    });
    this.faults = new Faults(this.video, this.clock, {
      address: () => this.addressOf(this.#data.address),
      say: (text) => this.transport.say(text),
      refuse: () => this.#refuse(),
      again: () => this.#again(),
      seen: () => this.exact.origin !== null,
      signal,
    });
    this.#listen(signal);
  }

  async update(data, setStateValue) {
    [this.#asked, this.#set] = [data, setStateValue];
    this.#takeMoments(data.moments);
    try {
      const times = await fetchBlock(this.addressOf(data.times), Float64Array);
      if (this.#asked !== data || this.#stop.signal.aborted) return; // a later change overtook this one
      this.#catchUp(data, times);
    } catch (error) {
      console.error(error);
      this.transport.say("The times of the frames did not arrive. Is the server still running? Then reload the page.");
    }
  }

  #catchUp(data, times) {
    const before = this.#data;
    this.#data = data;
    if (data.times !== before.times) this.clock.setTimes(times);
    if (data.address !== before.address) this.#open(data);
    else if (data.seek.seq !== before.seek.seq) this.#visit((this.#known = data.seek.frame));
    this.#draw();
  }

  unmount() {
    this.#stop.abort();
    this.stopKeys();
    clearTimeout(this.#timer);
    this.exact.close();
    leaveClock(this.player);
  }

  #open(data) {
    clearTimeout(this.#timer);
    this.transport.say("");
    this.faults.forget();
    this.repeat.moment = null;
    this.#known = data.seek.frame;
    this.clock.show(data.seek.frame, false);
    this.#again();
  }

  #listen(signal) {
    const listen = (target, type, action, capture = false) => target.addEventListener(type, action, { signal, capture });
    listen(this.clock, "ask", ({ detail }) => this.#do(detail));
    listen(this.clock, "frame", () => this.#draw());
    listen(this.video, "play", () => this.#shown(this.clock.frame));
    listen(this.video, "pause", () => this.#paused());
    listen(this.video, "ended", () => this.repeat.moment && this.#play());
    listen(this.video, "click", () => this.clock.ask("toggle"));
    for (const type of ["volumechange", "ratechange"]) {
      listen(this.video, type, () => (keepTaste(this.video, this.player), this.#draw()));
    }
    // Whoever plays and turns to another part of the page (View → Frames) finds the frame of that moment there.
    listen(document, "pointerdown", (event) => event.target.closest?.("[data-part]") || this.#tell(), true);
    this.stopKeys = listenForKeys(this.host, this.clock);
  }

  // What the parts may ask

  #do({ what, by = 0, frame, to }) {
    const { clock, video } = this;
    const from = this.exact.wanted ?? clock.frame;
    const actions = {
      toggle: () => (video.paused ? this.#play() : video.pause()),
      step: () => this.#visit(from + by),
      seconds: () => this.#visit(clock.secondsFrom(from, by)),
      moment: () => this.#toMoment(from, by),
      seek: () => this.#visit(frame),
      scrub: () => this.#go(frame),
      reset: () => (video.pause(), this.#visit(0)),
      loop: () => this.#toggleRepeat(from),
      mute: () => (video.muted = !video.muted),
      speed: () => setSpeed(video, to ?? nextSpeed(video, by)),
      fullscreen: () => this.#fullScreen(),
      help: () => (this.host.querySelector(".cvi-help").toggleAttribute("hidden"), this.#draw()),
    };
    actions[what]?.();
  }

  #go(frame) {
    if (this.video.error) (this.transport.say(""), this.#again()); // perhaps the fault is over
    this.exact.seek(Math.max(0, Math.min(this.clock.last, frame)));
  }

  #again() {
    this.exact.load(this.addressOf(this.#data.address), this.clock.frame, this.#data.start);
  }

  // As #go, for where the visitor wants to be from now on.
  #visit(frame) {
    if (!this.repeat.goTo(Math.max(0, Math.min(this.clock.last, frame)))) this.#mention(NO_MOMENT_THERE);
    this.#go(frame);
  }

  async #play() {
    const { clock, exact, repeat, video } = this;
    const here = exact.wanted ?? clock.frame;
    if (video.error) this.#go(here);
    if (repeat.moment && (!repeat.has(here) || here >= repeat.last)) this.#go(repeat.first);
    else if (here >= clock.last) this.#go(0);
    await exact.ready;
    await video.play().catch((error) => this.#notPlayed(error));
  }

  #notPlayed(error) {
    if (error.name === "AbortError" || error.name === "NotSupportedError") return; // paused again; or see faults.js
    if (error.name !== "NotAllowedError" || this.video.muted) {
      this.transport.say(`Playing did not begin: ${error.message}`);
      return;
    }
    this.video.muted = true;
    this.#mention("This browser plays only without sound at first. Press M to hear it.");
    this.video.play().catch((again) => again.name === "AbortError" || this.transport.say(`Playing did not begin: ${again.message}`));
  }

  #toMoment(from, by) {
    const starts = this.clock.moments.map(([start]) => this.clock.frameAt(start + SOON_S));
    const target = by > 0 ? starts.find((start) => start > from) : starts.findLast((start) => start < from);
    if (target === undefined) this.#mention(`There is no ${by > 0 ? "later" : "earlier"} moment.`);
    else this.#visit(target);
  }

  #toggleRepeat(from) {
    if (this.repeat.moment) this.repeat.moment = null;
    else if (!this.repeat.begin(from)) this.#mention(NO_MOMENT);
    else if (!this.repeat.has(from)) this.#go(this.repeat.first);
    this.#draw();
  }

  #takeMoments(moments) {
    this.clock.moments = moments;
    if (this.clock.times.length && !this.repeat.follow(moments)) this.#mention(MOMENT_GONE);
  }

  async #fullScreen() {
    try {
      await (document.fullscreenElement ? document.exitFullscreen() : this.host.requestFullscreen());
      this.transport.focus();
    } catch (error) {
      this.#mention(`Full screen is not possible here: ${error.message}`);
    }
  }

  // What the video tells

  #shown(frame) {
    this.clock.show(frame, !this.video.paused);
    if (this.video.paused || this.exact.wanted !== null) return;
    if (this.repeat.isOver(frame)) this.#go(this.repeat.first);
  }

  #paused() {
    const { clock, exact, repeat, video } = this;
    clock.show(clock.frame, false);
    if (exact.wanted !== null || (video.ended && repeat.moment)) return;
    this.#go(video.ended ? clock.last : clock.frame); // else one stop in three is a frame off
  }

  #refuse() {
    this.transport.say("This browser cannot play this video.");
    this.#set("refused", this.#data.address);
  }

  // What is seen

  #mention(text) {
    this.transport.say(text, { brief: true });
    this.#draw();
  }

  #draw() {
    const { clock, exact, repeat, video } = this;
    const exactness = exact.exact ? (exact.sure ? "" : "≈") : "±1 frame";
    const { confirmed } = this.#data;
    this.transport.draw({ clock, video, repeats: repeat.moment !== null, confirmed: confirmed !== false, exactness });
    this.host.querySelector("[data-exact]").title = exact.sure ? "" : UNSURE;
  }

  // Python hears of a pause, a seek or a click, and of what is on the screen then; never of what passes by.
  #report() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.exact.wanted === null && this.video.paused && this.#tell(), REPORT_AFTER_MS);
  }

  #tell() {
    const { frame } = this.clock;
    if (frame === this.#known || this.exact.origin === null) return;
    this.#known = frame;
    this.#reports += 1; // the same frame again is another report
    this.#set("at", { video: this.#data.video, frame, seq: this.#data.seek.seq, report: this.#reports });
  }
}
