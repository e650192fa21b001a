// The screen: the video, the transport, and what is on it; it drives the player's clock and alone reports to Python.

import { clockText, countUpTo, leaveClock, takeClock } from "./clock.js";
import { fetchBlock } from "./blocks.js";
import { ExactVideo } from "./exact.js";
import { KEYS, listenForKeys } from "./keys.js";

const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 4];
const REPORT_AFTER_MS = 80; // after the last of several in a row
const SOON_S = 0.001;

export function mount(host, { addressOf, player }) {
  return new Screen(host, addressOf, player);
}

class Screen {
  #stop = new AbortController();
  #data = {};
  #timer = 0;
  #loop = null; // [start_s, end_s] while a moment is repeated
  #known = null; // the frame that Python believes in
  #reports = 0;
  #set = () => {};

  constructor(host, addressOf, player) {
    Object.assign(this, { host, addressOf, player });
    this.clock = takeClock(player);
    this.video = host.querySelector("video");
    this.exact = new ExactVideo(this.video, this.clock, {
      shown: (frame) => this.#shown(frame),
      settled: () => this.#report(),
    });
    this.#listen();
    this.#fillTransport();
  }

  async update(data, setStateValue) {
    const before = this.#data;
    [this.#data, this.#set] = [data, setStateValue];
    this.clock.moments = data.moments;
    if (data.times !== before.times) {
      const times = await fetchBlock(this.addressOf(data.times), Float64Array);
      if (this.#data.times !== data.times) return; // a later change overtook this one
      this.clock.setTimes(times);
    }
    if (data.address !== before.address) this.#load(data);
    else if (data.seek.seq !== before.seek.seq) this.#go((this.#known = data.seek.frame));
    this.#draw();
  }

  unmount() {
    this.#stop.abort();
    this.stopKeys();
    clearTimeout(this.#timer);
    this.exact.close();
    leaveClock(this.player);
  }

  #load(data) {
    this.#say("");
    this.#loop = null;
    this.#known = data.seek.frame;
    this.clock.show(data.seek.frame, false);
    this.exact.load(this.addressOf(data.address), data.seek.frame);
    if (!this.exact.exact) this.host.querySelector("[data-exact]").textContent = "±1 frame";
  }

  #listen() {
    const listen = (target, type, action) => target.addEventListener(type, action, { signal: this.#stop.signal });
    listen(this.clock, "ask", ({ detail }) => this.#do(detail));
    listen(this.clock, "frame", () => this.#draw());
    listen(this.video, "play", () => this.#shown(this.clock.frame));
    listen(this.video, "pause", () => this.#paused());
    listen(this.video, "ended", () => this.#ended());
    listen(this.video, "error", () => this.#failed());
    listen(this.video, "volumechange", () => this.#draw());
    listen(this.video, "click", () => this.clock.ask("toggle"));
    listen(this.host, "click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button) this.clock.ask(button.dataset.do, { by: Number(button.dataset.by) });
    });
    this.stopKeys = listenForKeys(this.host, this.clock);
  }

  #fillTransport() {
    const speed = this.host.querySelector(".cvi-speed");
    for (const value of SPEEDS) speed.add(new Option(`${value}×`, value, value === 1, value === 1));
    speed.addEventListener("change", () => this.#speed(Number(speed.value)), { signal: this.#stop.signal });
    for (const { shown, says } of KEYS) {
      const row = this.host.querySelector(".cvi-help").insertRow();
      row.insertCell().textContent = shown;
      row.insertCell().textContent = says;
    }
  }

  // What the parts may ask

  #do({ what, by = 0, frame }) {
    const { clock, video } = this;
    const from = this.exact.wanted ?? clock.frame;
    const actions = {
      toggle: () => (video.paused ? this.#play() : video.pause()),
      step: () => this.#go(from + by),
      seconds: () => this.#go(clock.frameAt((clock.times[from] ?? 0) + by + SOON_S)),
      moment: () => this.#toMoment(from, by),
      seek: () => this.#go(frame),
      scrub: () => this.exact.seek(frame),
      reset: () => (video.pause(), this.#go(0)),
      loop: () => this.#toggleLoop(),
      mute: () => (video.muted = !video.muted),
      speed: () => this.#speed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(video.playbackRate) + by))]),
      fullscreen: () => (document.fullscreenElement ? document.exitFullscreen() : this.host.requestFullscreen()),
      help: () => this.host.querySelector(".cvi-help").toggleAttribute("hidden"),
    };
    actions[what]?.();
  }

  #go(frame) {
    this.exact.seek(Math.max(0, Math.min(this.clock.last, frame)));
  }

  #play() {
    if (this.clock.frame >= this.clock.last) this.#go(this.#loop ? this.clock.frameAt(this.#loop[0]) : 0);
    this.video.play().catch((error) => error.name === "AbortError" || this.#say(`Playing did not begin: ${error.message}`));
  }

  #toMoment(from, by) {
    const starts = this.clock.moments.map(([start]) => this.clock.frameAt(start + SOON_S));
    const target = by > 0 ? starts.find((start) => start > from) : starts.findLast((start) => start < from);
    if (target === undefined) return;
    if (this.#loop) this.#loop = this.#momentAt(target);
    this.#go(target);
  }

  #momentAt(frame) {
    const time = this.clock.times[frame] + SOON_S;
    const inside = this.clock.moments.findLast(([start, end]) => start <= time && time < end);
    return inside ?? this.clock.moments.find(([start]) => start >= time) ?? null;
  }

  #toggleLoop() {
    this.#loop = this.#loop ? null : this.#momentAt(this.clock.frame);
    const none = "No moment to repeat here or later. Lower the threshold, or go further back.";
    this.#say(this.#loop || this.host.querySelector('[data-do="loop"]').ariaPressed === "true" ? "" : none);
    this.#draw();
  }

  #speed(value) {
    this.video.playbackRate = value;
    this.host.querySelector(".cvi-speed").value = String(value);
  }

  // What the video tells

  #shown(frame) {
    this.clock.show(frame, !this.video.paused);
    if (!this.#loop || this.video.paused || this.exact.wanted !== null) return;
    const [start, end] = this.#loop;
    const next = this.clock.times[frame + 1] ?? this.clock.end;
    if (next >= end - SOON_S || this.clock.time < start - SOON_S) this.#go(this.clock.frameAt(start + SOON_S));
  }

  #paused() {
    this.clock.show(this.clock.frame, false);
    if (this.exact.wanted === null) this.#go(this.clock.frame); // else one stop in three is a frame off
  }

  #ended() {
    if (this.#loop) this.#play();
  }

  async #failed() {
    const { code } = this.video.error ?? {};
    if (code === undefined || code === MediaError.MEDIA_ERR_ABORTED) return;
    const { address } = this.#data;
    const answer = await fetch(this.addressOf(address), { headers: { Range: "bytes=0-0" } }).catch(() => null);
    if (this.#data.address !== address || this.#stop.signal.aborted) return;
    if (answer === null) this.#say("The server does not answer. Is it still running?");
    else if (!answer.ok) this.#say(await answer.text());
    else this.#unplayable(address);
  }

  #unplayable(address) {
    this.#say("This browser cannot play this video.");
    this.#set("refused", address);
  }

  // What is seen

  #say(text) {
    const note = this.host.querySelector(".cvi-note");
    note.textContent = text;
    note.hidden = !text;
  }

  #draw() {
    const { clock, host, video } = this;
    const about = this.#data.confirmed === false ? "≈ " : "";
    const texts = { time: clockText(clock.time), end: about + clockText(clock.end), frame: clock.frame, last: about + clock.last };
    for (const [name, text] of Object.entries(texts)) host.querySelector(`[data-${name}]`).textContent = text;
    host.classList.toggle("cvi-plays", clock.playing);
    host.classList.toggle("cvi-mute", video.muted);
    const pressed = { loop: this.#loop !== null, mute: video.muted };
    for (const [what, on] of Object.entries(pressed)) host.querySelector(`[data-do="${what}"]`).ariaPressed = String(on);
    const play = host.querySelector(".cvi-play");
    play.title = clock.playing ? "Pause (Space)" : "Play (Space)";
    play.ariaLabel = clock.playing ? "Pause" : "Play";
  }

  // Python hears of a pause, a seek or a click, and of what is on the screen then.
  #report() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const { frame } = this.clock;
      if (this.exact.wanted !== null || frame === this.#known) return;
      this.#known = frame;
      this.#reports += 1; // the same frame again is another report
      this.#set("at", { video: this.#data.video, frame, report: this.#reports });
    }, REPORT_AFTER_MS);
  }
}
