// The pointer over the chart: a click seeks, a double click shows the whole again, dragging the playhead scrubs.
// In front of plotly, and by place: plotly's own click needs a point near by.

const CLICK_PX = 4; // a press that moves less is a click
const DOUBLE_MS = 400;

export class Pointer {
  #press = null; // where a press began, while it may become a click
  #scrub = null; // {pointer, from}: the playhead is being dragged, and where it was
  #clicked = { at: -Infinity, x: 0, y: 0 };

  // acts: reset(), hover(null or {x, value, …}), and valueAt(px): {frame, value, left, right, top, bottom} or null.
  constructor(host, clock, acts, signal) {
    Object.assign(this, { host, clock, acts });
    this.head = host.querySelector(".cvi-playhead");
    const listen = (target, type, action, capture = false) => target.addEventListener(type, action, { signal, capture });
    listen(host, "pointerdown", (event) => this.#pressed(event), true);
    listen(window, "pointerup", (event) => this.#released(event), true);
    listen(window, "pointercancel", () => this.#cancelled(), true);
    listen(window, "blur", () => this.#cancelled());
    listen(window, "keydown", (event) => event.key === "Escape" && this.#escaped(event), true);
    listen(this.head, "pointermove", (event) => this.#dragged(event));
    listen(this.head, "lostpointercapture", () => this.#cancelled());
    listen(host, "pointermove", (event) => this.#hovered(event));
    listen(host, "pointerleave", () => acts.hover(null));
  }

  #at(event) {
    const box = this.host.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const found = this.acts.valueAt(x);
    return found && { ...found, x, y, inside: x >= found.left && x <= found.right && y >= found.top && y <= found.bottom };
  }

  #pressed(event) {
    this.#press = null;
    this.acts.hover(null);
    if (event.button !== 0 || !event.isPrimary || event.target.closest(".modebar, .cvi-edge")) return;
    if (event.target === this.head) this.#grab(event);
    else if (this.#at(event)?.inside) this.#press = { x: event.clientX, y: event.clientY };
  }

  #grab(event) {
    event.preventDefault(); // else the browser selects text
    this.#scrub = { pointer: event.pointerId, from: this.clock.frame };
    this.head.setPointerCapture(event.pointerId);
    this.host.focus({ preventScroll: true, focusVisible: false });
  }

  #dragged(event) {
    const frame = this.#scrub && this.#at(event)?.frame;
    if (Number.isInteger(frame)) this.clock.ask("scrub", { frame });
  }

  #released(event) {
    const press = this.#press;
    this.#press = null;
    if (this.#scrub) {
      if (event.pointerId === this.#scrub.pointer) this.#endScrub(this.#at(event)?.frame ?? this.clock.frame);
      return;
    }
    const at = press && this.#at(event);
    if (!at || Math.hypot(event.clientX - press.x, event.clientY - press.y) > CLICK_PX) return;
    this.host.focus({ preventScroll: true, focusVisible: false });
    this.clock.ask("seek", { frame: at.frame });
    this.#countClick(event);
  }

  // Counted here: plotly lays something over the page during a press, so the browser sees no double click.
  #countClick(event) {
    const { at, x, y } = this.#clicked;
    const again = event.timeStamp - at < DOUBLE_MS && Math.hypot(event.clientX - x, event.clientY - y) <= 2 * CLICK_PX;
    this.#clicked = { at: again ? -Infinity : event.timeStamp, x: event.clientX, y: event.clientY };
    if (again) setTimeout(() => this.acts.reset()); // when plotly is done with this press
  }

  #escaped(event) {
    if (!this.#scrub) return;
    event.stopPropagation();
    this.#endScrub(this.#scrub.from);
  }

  #cancelled() {
    this.#press = null;
    if (this.#scrub) this.#endScrub(this.clock.frame);
  }

  #endScrub(frame) {
    const { pointer } = this.#scrub;
    this.#scrub = null;
    if (this.head.hasPointerCapture(pointer)) this.head.releasePointerCapture(pointer);
    this.clock.ask("seek", { frame });
  }

  #hovered(event) {
    const at = event.pointerType !== "touch" && !event.buttons && !event.target.closest(".modebar, .cvi-edge") ? this.#at(event) : null;
    this.acts.hover(at?.inside ? at : null);
  }
}
