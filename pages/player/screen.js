// The screen: the video and what one can do with it; it drives the player's clock and alone reports to Python.

import { SOON_S, leaveClock, takeClock } from "./clock.js";
import { fetchBlock, fetchUntil } from "./blocks.js";
import { ExactVideo } from "./exact.js";
import { Faults } from "./faults.js";
import { toggleFullScreen } from "./fullscreen.js";
import { listenForKeys } from "./keys.js";
import { Marks } from "./marks.js";
import { leavePlace, returnTo } from "./place.js";
import { startPlaying } from "./playing.js";
import { Repeat } from "./repeat.js";
import { Reports } from "./reports.js";
import { keepTaste, nextSpeed, recallTaste, setSpeed } from "./taste.js";
import { Transport } from "./transport.js";

const NO_MOMENT = "No moment to repeat here or later. Lower the threshold, or go further back.";
const NO_MOMENT_THERE = "There is no moment, so nothing is repeated any more.";
const MOMENT_GONE = "The moment that was repeated is no longer one.";
const NO_TIMES = "The times of the frames did not arrive. Is the server still running? Then reload the page.";
const REFUSED = "This browser cannot play this video.";
const UNSURE = "This browser begins the video elsewhere than the server: numbers may be off. View → Frames is exact.";

export function mount(host, { addressOf, player }) {
  return new Screen(host, addressOf, player);
}

class Screen {
  #stop = new AbortController();
  #asked = null; // the newest data from Python
  #data = {}; // what is on the screen
  #other = true; // whether another file was requested since
  #refused = false;
  #misses = 0;
  #since = performance.now();
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
      settled: () => this.reports.soon(),
    });
    this.reports = new Reports(this.clock, this.exact, {
      resting: () => this.exact.wanted === null && this.#still,
      told: (report) => this.#set("at", { video: this.#data.video, seq: this.#data.seek.seq, ...report }),
      signal,
    });
    new Marks(this.clock, this.exact, { told: (marks) => this.#set("marks", marks), say: (text) => this.#mention(text), signal });
    const acts = {
      address: () => this.addressOf(this.#data.address),
      time: () => this.clock.time,
      say: (...text) => this.transport.say(...text),
      unsay: (text) => this.transport.unsay(text),
      refuse: () => this.#refuse(),
      again: () => this.#again(),
      seen: () => this.exact.seen,
    };
    this.faults = new Faults(this.video, acts, signal);
    this.#listen(signal);
  }

  async update(data, setStateValue) {
    this.#other ||= data.address !== this.#asked?.address;
    if (this.#asked && data.video !== this.#asked.video) (this.video.pause(), this.transport.blank(true));
    [this.#asked, this.#set] = [data, setStateValue];
    const missing = () => setStateValue("missing", `${Date.now()} ${(this.#misses += 1)}`);
    const blocks = [data.times, data.moments].map((path) => this.addressOf(path));
    const fetchAll = () => Promise.all(blocks.map((address) => fetchBlock(address, Float64Array, missing)));
    const wanted = () => this.#asked === data && !this.#stop.signal.aborted; // else a newer change replaced this one
    const found = await fetchUntil(fetchAll, { wanted, trouble: () => this.transport.say(NO_TIMES) });
    if (found !== null) this.#catchUp(data, ...found);
  }

  #catchUp(data, times, moments) {
    const before = this.#data;
    this.#data = data;
    this.transport.unsay(NO_TIMES);
    if (data.times !== before.times) this.#takeTimes(times, data.video);
    if (data.moments !== before.moments || data.sure !== before.sure) this.#takeMoments(moments, data.sure);
    if (this.#other) this.#open(data);
    else if (data.seek.seq !== before.seek.seq) {
      this.reports.expect(data.seek.frame);
      this.#visit(data.seek.frame);
    }
    this.#draw();
  }

  // A better table of the same video: the wanted and the shown frame get new numbers, which Python must be told.
  #takeTimes(times, video) {
    const { clock, exact } = this;
    const aim = video === clock.video && exact.wanted !== null ? clock.times[exact.wanted] : null;
    clock.setTimes(times, video);
    if (aim !== null) exact.seek(clock.frameAt(aim + SOON_S));
    this.reports.soon();
  }

  unmount() {
    this.#leavePlace();
    this.#stop.abort();
    this.stopKeys();
    this.exact.close();
    leaveClock(this.player);
  }

  #leavePlace() {
    const [{ video, seek }, frame] = [this.#data, this.exact.wanted ?? this.clock.frame];
    if (seek) leavePlace(this.player, this.#since, { video, seq: seek.seq, frame, believed: this.reports.believed });
  }

  #open(data) {
    this.#other = this.#refused = false;
    this.transport.blank(false);
    this.faults.forget();
    this.repeat.moment = null;
    this.reports.expect(data.seek.frame);
    this.clock.show(Math.min(this.clock.last, returnTo(this.player, data)), false);
    this.#again();
  }

  #listen(signal) {
    const listen = (target, type, action) => target.addEventListener(type, action, { signal });
    listen(this.clock, "ask", ({ detail }) => this.#do(detail));
    for (const [target, type] of [[this.clock, "frame"], [this.video, "resize"]]) listen(target, type, () => this.#draw());
    listen(this.video, "play", () => this.#shown(this.clock.frame));
    listen(this.video, "pause", () => this.#paused());
    listen(this.video, "ended", () => this.repeat.moment && this.#play());
    listen(this.video, "click", () => this.clock.ask("toggle"));
    for (const type of ["volumechange", "ratechange"]) {
      listen(this.video, type, () => (keepTaste(this.video, this.player), this.#draw()));
    }
    this.stopKeys = listenForKeys(this.host, this.clock);
  }

  // What the parts may ask

  #do({ what, by = 0, frame, to }) {
    const { clock, video } = this;
    const from = this.exact.wanted ?? clock.frame;
    const actions = {
      toggle: () => (this.#still ? this.#play() : video.pause()),
      step: () => this.#visit(from + by),
      seconds: () => this.#visit(clock.secondsFrom(from, by)),
      moment: () => this.#toMoment(from, by),
      seek: () => this.#visit(frame),
      scrub: () => this.#go(frame),
      reset: () => (video.pause(), (clock.walked = null), this.#visit(0)),
      end: () => (video.pause(), this.#visit(clock.last)),
      loop: () => this.#toggleRepeat(from),
      mute: () => (video.muted = !video.muted),
      speed: () => setSpeed(video, to ?? nextSpeed(video, by)),
      fullscreen: () => toggleFullScreen(this.host, { mention: (text) => this.#mention(text) }),
      help: () => (this.host.querySelector(".cvi-help").toggleAttribute("hidden"), this.#draw()),
    };
    actions[what]?.();
  }

  #go(frame) {
    if (!this.#refused) this.faults.retry();
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
    const { address } = this.#data;
    if (!this.#refused) await this.faults.retry();
    if (repeat.moment && (!repeat.has(here) || here >= repeat.last)) this.#go(repeat.first);
    else if (here >= clock.last) this.#go(0);
    await exact.ready();
    if (address !== this.#data.address) return;
    await startPlaying(video, { say: (text) => this.transport.say(text), mention: (text) => this.#mention(text) });
  }

  #toMoment(from, by) {
    const target = this.clock.walk(from, by);
    if (target === undefined) this.#mention(`There is no ${by > 0 ? "later" : "earlier"} moment.`);
    else this.#visit(target);
  }

  #toggleRepeat(from) {
    if (this.repeat.moment) this.repeat.moment = null;
    else if (!this.repeat.begin(from)) this.#mention(NO_MOMENT);
    else if (!this.repeat.has(from)) this.#go(this.repeat.first);
    this.#draw();
  }

  #takeMoments(block, sure) {
    this.clock.setMoments(block, sure);
    if (!this.repeat.follow([...this.clock.moments, ...this.clock.candidates])) this.#mention(MOMENT_GONE);
  }

  // What the video tells

  get #still() {
    return this.video.paused || this.exact.lost;
  }

  #shown(frame) {
    this.clock.show(frame, !this.#still);
    if (this.#still || this.exact.wanted !== null) return;
    if (this.repeat.isOver(frame)) this.#go(this.repeat.first);
  }

  #paused() {
    const { clock, exact, repeat, video } = this;
    clock.show(exact.here, false);
    if (exact.lost || exact.wanted !== null || (video.ended && repeat.moment)) return;
    this.#go(video.ended ? clock.last : clock.frame); // else one stop in three is a frame off
  }

  #refuse() {
    const { address } = this.#data;
    this.transport.say(address.startsWith("player/copy/") ? `${REFUSED} View → Frames shows it picture by picture.` : REFUSED);
    if (!this.#refused) this.#set("refused", address);
    this.#refused = true;
  }

  // What is seen

  #mention(text) {
    this.transport.say(text, { brief: true });
    this.#draw();
  }

  #draw() {
    const { clock, exact, repeat, video } = this;
    const exactness = exact.exact ? (exact.sure ? "" : "≈") : "±1 frame";
    const { confirmed, clear } = this.#data;
    this.transport.draw({ clock, video, repeats: repeat.moment !== null, confirmed: confirmed !== false, exactness, clear });
    this.host.querySelector("[data-exact]").title = exact.sure ? "" : UNSURE;
  }
}
