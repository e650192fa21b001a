// What Python hears of the screen: a pause, a seek or a click, and what is on the screen then; never what passes by.

const REPORT_AFTER_MS = 80; // after the last of several in a row

export class Reports {
  #timer = 0;
  #known = null; // the frame that Python believes in
  #count = 0;
  believed = new Set(); // the frames that Python may believe in: it hears late, or never of what one leaves

  // resting(): whether the screen shows what was asked for. told({frame, report}): to Python.
  constructor(clock, exact, { resting, told, signal }) {
    Object.assign(this, { clock, exact, resting, told });
    // Whoever plays and turns to another part of the page (View → Frames) finds the frame of that moment there.
    for (const type of ["pointerdown", "focusin"]) {
      const turned = ({ target }) => target.closest?.("[data-part]") || this.#tell();
      document.addEventListener(type, turned, { signal, capture: true });
    }
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  // Python has put it on that frame itself.
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
