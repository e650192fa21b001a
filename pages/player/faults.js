// Finds out why no picture comes: asks the server, tells the visitor, and reloads where that helps.

import { clockText } from "./clock.js";

const PATIENCE_MS = 4000;
const MOST_ERRORS = 1; // of one kind, in one video
const MOST_SAID = 200; // characters of the server's message
const SILENT = "The server does not answer. Is it still running?";
const MEDIA = /^(video\/|application\/octet-stream)/; // what the server calls a video

export class Faults {
  #timer = 0;
  #unseen = 0; // errors before the first picture
  #damages = 0; // errors of decoding
  #said = "";
  #retrying = null; // the retry that the visitor's last action started

  // acts: address(), say(text, {brief}), unsay(text), refuse() (this browser cannot play it), again() (load it anew),
  // seen() (a picture ever came)
  constructor(video, acts, signal) {
    Object.assign(this, { video, acts, signal });
    const listen = (type, action) => video.addEventListener(type, action, { signal });
    listen("error", () => this.#failed());
    for (const type of ["stalled", "waiting", "seeking"]) listen(type, () => this.#watch());
    for (const type of ["playing", "canplay", "seeked", "emptied"]) listen(type, () => clearTimeout(this.#timer));
    for (const type of ["loadeddata", "playing", "seeked"]) listen(type, () => this.#well());
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  // Another video is loaded.
  forget() {
    clearTimeout(this.#timer);
    [this.#unseen, this.#damages, this.#said] = [0, 0, ""];
  }

  // The visitor acts: perhaps the fault is over. Ask the server first, because a video element requests twice.
  retry() {
    if (!this.video.error) return null;
    return (this.#retrying ??= this.#retry().finally(() => (this.#retrying = null)));
  }

  async #retry() {
    const answer = await this.#ask();
    if (answer === "none") this.#watch();
    if (answer === "video" && this.video.error) this.acts.again();
  }

  #say(text) {
    this.#said = text;
    this.acts.say(text);
  }

  #well() {
    this.acts.unsay(this.#said);
    this.#said = "";
  }

  #watch() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), PATIENCE_MS);
  }

  // Nothing comes for a while: is the server still there, and the file?
  async #look() {
    const { video } = this;
    const waits = video.error || video.seeking || video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    if (!waits || video.ended) return;
    const answer = await this.#ask();
    if (answer === "none" || answer === "video") this.#watch();
    if (answer !== "video") return;
    if (video.error && this.#said === SILENT) this.acts.again(); // the server is back
    this.#well();
  }

  async #failed() {
    const { error } = this.video;
    if (error === null || error.code === error.MEDIA_ERR_ABORTED) return;
    const answer = await this.#ask();
    if (answer === "none") this.#watch();
    if (answer !== "video" || this.video.error !== error) return; // or another video was loaded meanwhile
    if (!this.acts.seen()) this.#unplayable();
    else if (error.code === error.MEDIA_ERR_DECODE) this.#damaged();
    else this.#say("The video stopped coming. Press play to try again.");
  }

  // The server's answer for the video: "video", "no" or "none", the reason shown if it is refused; "" if the answer
  // is no longer needed.
  async #ask() {
    const address = this.acts.address();
    const headers = { Range: "bytes=0-0" };
    const answer = await fetch(address, { headers, cache: "no-store", signal: this.signal }).catch(() => null);
    const text = await textOf(answer);
    if (this.signal.aborted || this.acts.address() !== address) return "";
    if (text !== "") this.#say(text);
    return text === "" ? "video" : answer === null ? "none" : "no";
  }

  // A broken connection looks like a video that cannot be played; only the latter fails a second time.
  #unplayable() {
    this.#unseen += 1;
    if (this.#unseen > MOST_ERRORS) this.acts.refuse();
    else this.acts.again();
  }

  // Damage, or a way of encoding that this browser cannot enter in the middle: a second time, another file must help.
  #damaged() {
    this.#damages += 1;
    if (this.#damages > MOST_ERRORS) this.acts.refuse();
    else {
      const at = clockText(this.acts.time());
      this.acts.say(`This browser cannot decode the video around ${at}. Other places may be fine.`, { brief: true });
      this.acts.again();
    }
  }
}

// Why a response has no video; "" if it has one. Its body is read no further than needed.
async function textOf(answer) {
  if (answer === null) return SILENT;
  const type = answer.headers.get("Content-Type") ?? "";
  const reader = answer.body?.getReader();
  const plain = !answer.ok && type.startsWith("text/plain");
  const { value } = (plain && (await reader?.read().catch(() => null))) || {};
  reader?.cancel().catch(() => {});
  if (answer.ok && MEDIA.test(type)) return "";
  const said = new TextDecoder().decode(value).slice(0, MOST_SAID);
  return said || `The server does not give the video (it answered ${answer.status}).`;
}
