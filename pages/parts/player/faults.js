// Why no picture comes: asks the server, tells the visitor, and begins again where that helps.

const PATIENCE_MS = 4000;
const MOST_RETRIES = 2; // after damage, at the same place

export class Faults {
  #timer = 0;
  #retries = 0;
  #place = -1;

  // say(text), refuse() (this browser cannot play it), again(frame) (load it anew there), seen() (a picture ever came)
  constructor(video, clock, { address, say, refuse, again, seen, signal }) {
    Object.assign(this, { video, clock, address, say, refuse, again, seen, signal });
    const listen = (type, action) => video.addEventListener(type, action, { signal });
    listen("error", () => this.#failed());
    for (const type of ["stalled", "waiting", "seeking"]) listen(type, () => this.#watch());
    for (const type of ["playing", "canplay", "seeked", "emptied"]) listen(type, () => clearTimeout(this.#timer));
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  // Nothing comes for a while: is the server still there, and the file?
  #watch() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      const waits = this.video.seeking || this.video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
      if (waits && !this.video.ended && !(await this.#serverFails())) this.#watch();
    }, PATIENCE_MS);
  }

  async #failed() {
    const { code, MEDIA_ERR_ABORTED, MEDIA_ERR_DECODE } = this.video.error ?? {};
    if (code === undefined || code === MEDIA_ERR_ABORTED || (await this.#serverFails())) return;
    if (this.video.error === null) return; // another video came meanwhile
    if (!this.seen()) this.refuse();
    else if (code === MEDIA_ERR_DECODE) this.#damaged();
    else this.#retry(this.clock.frame, "The video stopped coming. Press play to try again.");
  }

  // Says why the server does not give the video; false if it does.
  async #serverFails() {
    const address = this.address();
    const headers = { Range: "bytes=0-0" };
    const answer = await fetch(address, { headers, cache: "no-store", signal: this.signal }).catch(() => null);
    if (this.signal.aborted || this.address() !== address) return true; // nobody asks any more
    if (answer?.ok) return false;
    this.say(answer === null ? "The server does not answer. Is it still running?" : await answer.text());
    return true;
  }

  #damaged() {
    const { frame, time } = this.clock;
    const at = `${Math.floor(time / 60)}:${(time % 60).toFixed(1).padStart(4, "0")}`;
    this.#retry(frame, `This browser cannot decode the video after ${at}. What lies before it can be played.`);
  }

  #retry(frame, text) {
    this.say(text);
    this.#retries = frame === this.#place ? this.#retries + 1 : 1;
    this.#place = frame;
    if (this.#retries <= MOST_RETRIES) this.again(frame);
    else if (frame > 0) this.again((this.#place = 0));
    else this.refuse();
  }
}
