// What Python is told of the screen: the frame after a pause, a seek or a click; never the frames that pass by.

const REPORT_AFTER_MS = 80; // after the last of several in a row

export class Reports {
  #timer = 0;
  #known = null; // the frame that Python has
  #count = 0;
  believed = new Set(); // the frames that Python may have: reports arrive late, or never after a page change

  // resting(): whether the screen shows what was asked for. told({frame, report}): to Python.
  constructor(clock, exact, { resting, told, signal }) {
    Object.assign(this, { clock, exact, resting, told });
    // If the visitor plays and then uses another part of the page (View → Frames), it shows the frame of that moment.
    for (const type of ["pointerdown", "focusin"]) {
      const turned = ({ target }) => target.closest?.("[data-part]") || this.#tell();
      document.addEventListener(type, turned, { signal, capture: true });
    }
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  // Python itself has moved the player to that frame.
  expect(frame) {
    clearTimeout(this.#timer);
    this.#known = frame;
    this.believed = new Set([frame]);
  }

  soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.resting() && this.#tell(), REPORT_AFTER_MS);
  }

  #tell() {
    const { frame } = this.clock;
    if (frame === this.#known || (this.exact.origin === null && !this.exact.lost)) return;
    this.#known = frame;
    this.believed.add(frame);
    this.#count += 1; // the same frame again is another report
    this.told({ frame, report: this.#count });
  }
}
