// How high the chart is: what the window has left, so that the moments' bars and the axis of time are seen without
// scrolling. The height that the figure comes with is for pages that leave no such choice.

const CALM_MS = 150; // while the page runs, parts of the run before still take room for a moment
const LEAST_BELOW_PX = 34; // the line under the chart, which comes after the chart

export class Fit {
  #timer = 0;
  #bounds = null;

  // changed(): the height is different now.
  constructor(host, changed, signal) {
    Object.assign(this, { host, changed, px: 0 });
    this.main = host.closest('[data-testid="stMain"]');
    this.block = host.closest('[data-testid="stMainBlockContainer"]');
    if (!this.block) return; // a page that scrolls as it likes
    const watch = new ResizeObserver(() => this.#soon());
    for (const element of [this.main, this.block]) watch.observe(element);
    signal.addEventListener("abort", () => (watch.disconnect(), clearTimeout(this.#timer)));
  }

  // The height in pixels. given: that of the figure. bounds: {least, most}, or null for the given one.
  choose(given, bounds) {
    this.#bounds = bounds;
    this.px = this.#room() ?? given;
    return this.px;
  }

  #room() {
    if (!this.block || !this.#bounds) return null;
    const [main, block, own] = [this.main, this.block, this.host].map((element) => element.getBoundingClientRect());
    if (!own.width) return this.px || null; // not laid out
    const above = own.top - main.top + this.main.scrollTop;
    const below = Math.max(LEAST_BELOW_PX, block.bottom - own.bottom);
    const { least, most } = this.#bounds;
    return Math.max(least, Math.min(most, Math.floor(this.main.clientHeight - above - below)));
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const room = this.#room();
      if (room === null || room === this.px) return;
      this.px = room;
      this.changed();
    }, CALM_MS);
  }
}
