// Why no picture comes: asks the server, tells the visitor, and begins again where that helps.

import { clockText } from "./clock.js";

const PATIENCE_MS = 4000;
const MOST_ERRORS = 1; // of decoding, in one video

export class Faults {
  #timer = 0;
  #errors = 0;

  // say(text), refuse() (this browser cannot play it), again() (load it anew), seen() (a picture ever came)
  constructor(video, clock, { address, say, refuse, again, seen, signal }) {
    Object.assign(this, { video, clock, address, say, refuse, again, seen, signal });
    const listen = (type, action) => video.addEventListener(type, action, { signal });
    listen("error", () => this.#failed());
    for (const type of ["stalled", "waiting", "seeking"]) listen(type, () => this.#watch());
    for (const type of ["playing", "canplay", "seeked", "emptied"]) listen(type, () => clearTimeout(this.#timer));
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  // Another video is loaded.
  forget() {
    this.#errors = 0;
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
    else this.say("The video stopped coming. Press play to try again.");
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

  // Damage, or a way of encoding that this browser cannot enter in the middle: a second time, another file must help.
  #damaged() {
    this.#errors += 1;
    const at = clockText(this.clock.time);
    if (this.#errors > MOST_ERRORS) this.refuse();
    else {
      this.say(`This browser cannot decode the video around ${at}. Other places may be fine.`);
      this.again();
    }
  }
}
