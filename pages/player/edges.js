// The edges of the selected moment over the chart: dragged, they snap to samples; Escape puts them back.

import { clockText, nearest } from "./clock.js";
import { countUpTo } from "./search.js";

const SIDES = ["start", "end"];
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

// Where seconds are on a chart, in pixels of its host: {toPx(seconds), toSeconds(px), left, right, top, height}.
// across: {offset, length, low, high} in the unit of the axis, which is seconds, or else frames.
export function placeInTime({ offset, length, low, high }, { t: top, h: height }, { count, times, frames }, inSeconds) {
  if (!count) return null;
  const same = (value) => value;
  const [toValue, toSeconds] = inSeconds ? [same, same] : [between(times, frames), between(frames, times)];
  return {
    toPx: (seconds) => offset + ((toValue(seconds) - low) / (high - low)) * length,
    toSeconds: (px) => toSeconds(low + ((px - offset) / length) * (high - low)),
    ...{ left: offset, right: offset + length, top, height },
  };
}

// A function that is known at rising values, and straight between them.
function between(known, values) {
  return (wanted) => {
    const after = Math.max(1, Math.min(known.length - 1, countUpTo(known, wanted)));
    const [low, high] = [known[after - 1], known[after]];
    const share = known.length > 1 ? Math.max(0, Math.min(1, (wanted - low) / (high - low))) : 0;
    return values[after - 1] + (share ? share * (values[after] - values[after - 1]) : 0);
  };
}

export class MomentEdges {
  #moment = null; // {name, start, end, last} in seconds: as they are drawn
  #drag = null; // {side, pointer, from, beside}: beside the edge it was gripped, in pixels
  #stops = []; // where an edge may be, in seconds, rising
  #count = 0;

  // acts: place(): what placeInTime gives, or nothing while there is no chart; moved({name, start_s, end_s, count})
  constructor(host, acts, signal) {
    Object.assign(this, { host, acts });
    [this.shade, this.label] = [".cvi-edges-shade", ".cvi-edges-label"].map((name) => host.querySelector(name));
    this.grips = SIDES.map((side) => host.querySelector(`.cvi-edge[data-side="${side}"]`));
    for (const grip of this.grips) {
      const listen = (type, action) => grip.addEventListener(type, action, { signal });
      listen("pointerdown", (event) => this.#grab(event));
      listen("pointermove", (event) => this.#dragged(event));
      listen("pointerup", (event) => this.#drag?.pointer === event.pointerId && this.#drop());
      listen("pointercancel", () => this.#restore());
      listen("lostpointercapture", () => this.#restore());
      listen("keydown", (event) => this.#pressed(event));
    }
    const escaped = (event) => event.key === "Escape" && this.#drag && (event.stopPropagation(), this.#restore());
    window.addEventListener("keydown", escaped, { signal, capture: true });
    window.addEventListener("blur", () => this.#restore(), { signal });
  }

  // edges: [name, start, end, last] in seconds, or null. times: of the samples. What is being dragged goes on, unless
  // another moment is selected.
  update(edges, times) {
    const [name, start, end, last] = edges ?? [];
    if (this.#drag && this.#moment.name === name) return;
    if (this.#drag) this.#restore();
    this.#moment = edges && { name, start, end, last };
    this.#stops = edges ? [...new Set([...times, last])] : [];
    this.draw();
  }

  draw() {
    const place = this.#moment && this.acts.place();
    const away = this.grips.map((grip, k) => !this.#drawGrip(grip, SIDES[k], place));
    this.shade.hidden = !this.#drag || !place;
    this.label.hidden = !this.#drag || !place || away[SIDES.indexOf(this.#drag.side)];
    if (this.#drag && place) this.#drawDrag(place);
  }

  #drawGrip(grip, side, place) {
    const at = place ? place.toPx(this.#moment[side]) : NaN;
    const seen = at >= (place?.left ?? 0) - 0.5 && at <= (place?.right ?? 0) + 0.5;
    if (grip.hidden !== !seen) grip.hidden = !seen;
    if (!seen) return false;
    Object.assign(grip.style, { transform: `translateX(${at.toFixed(2)}px)`, top: `${place.top}px`, height: `${place.height}px` });
    grip.ariaValueNow = String(this.#moment[side]);
    grip.ariaValueText = clockText(this.#moment[side]);
    return true;
  }

  #drawDrag({ toPx, left, right, top, height }) {
    const { side } = this.#drag;
    const [low, high] = SIDES.map((name) => Math.max(left, Math.min(right, toPx(this.#moment[name]))));
    const box = { top: `${top}px`, height: `${height}px`, width: `${(high - low).toFixed(2)}px` };
    Object.assign(this.shade.style, { transform: `translateX(${low.toFixed(2)}px)`, ...box });
    this.label.textContent = clockText(this.#moment[side]);
    this.label.classList.toggle("cvi-before", side === "start");
    Object.assign(this.label.style, { left: `${(side === "start" ? low : high).toFixed(2)}px`, top: `${top}px` });
  }

  #grab(event) {
    const place = this.#moment && this.acts.place();
    if (event.button !== 0 || !event.isPrimary || !place) return;
    event.preventDefault(); // else the browser selects text
    const { side } = event.currentTarget.dataset;
    const beside = this.#px(event) - place.toPx(this.#moment[side]);
    this.#drag = { side, pointer: event.pointerId, from: { ...this.#moment }, beside };
    event.currentTarget.setPointerCapture(event.pointerId);
    event.currentTarget.focus({ preventScroll: true, focusVisible: false });
    this.draw();
  }

  #dragged(event) {
    const place = this.#drag && this.acts.place();
    if (!place) return;
    const px = this.#px(event) - this.#drag.beside;
    this.#snap(this.#drag.side, place.toSeconds(Math.max(place.left, Math.min(place.right, px))));
    this.draw();
  }

  #px({ clientX }) {
    return clientX - this.host.getBoundingClientRect().left;
  }

  // To the nearest stop at which the moment still begins before it ends.
  #snap(side, seconds) {
    const { start, end } = this.#moment;
    const free = this.#stops.filter((stop) => (side === "start" ? stop < end : stop > start));
    if (free.length) this.#moment[side] = free[nearest(free, seconds)];
  }

  #drop() {
    const { from, side } = this.#drag;
    this.#drag = null;
    this.#tell(from, side);
    this.draw();
  }

  #restore() {
    if (!this.#drag) return;
    const { side, pointer, from } = this.#drag;
    [this.#moment, this.#drag] = [from, null];
    const grip = this.grips[SIDES.indexOf(side)];
    if (grip.hasPointerCapture(pointer)) grip.releasePointerCapture(pointer);
    this.draw();
  }

  #tell(from, side) {
    const { name, start, end } = this.#moment;
    if (from[side] === this.#moment[side]) return;
    this.acts.moved({ name, start_s: start, end_s: end, count: (this.#count += 1) }); // the same again is another move
  }

  // Arrow keys move the edge that has the focus by one sample.
  #pressed(event) {
    const by = STEPS[event.key];
    if (!by || !this.#moment || this.#drag || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation(); // else the player steps by a frame
    const { side } = event.currentTarget.dataset;
    const from = { ...this.#moment };
    const beyond = this.#stops.filter((stop) => (stop - from[side]) * by > 0);
    if (beyond.length) this.#snap(side, by > 0 ? beyond[0] : beyond.at(-1));
    this.#tell(from, side);
    this.draw();
  }
}
