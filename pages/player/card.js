// One hit as a card. All texts come from files and visitors, so they are only ever set as text.

const SVG = "http://www.w3.org/2000/svg";
const STEP_MS = 220; // between two pictures of the moment

export class Card {
  #timer = 0;
  #frames = [];
  #picture = "";
  #strip = "";
  #curve = "";

  constructor(hits, hit, addressOf) {
    Object.assign(this, { hits, key: hit.key, addressOf });
    this.element = make("div", "cvi-card", { role: "option", tabIndex: -1 });
    this.element.dataset.key = hit.key;
    this.image = make("img", "", { alt: "", decoding: "async" });
    this.none = make("span", "cvi-none", { textContent: "No picture is stored", hidden: true });
    this.pick = make("button", "cvi-pick", { type: "button", tabIndex: -1, title: "Select (Space)", ariaLabel: "Select" });
    [this.when, this.flags] = [make("span", "cvi-over cvi-when"), make("span", "cvi-over cvi-flags")];
    [this.name, this.chip] = [make("bdi"), make("span", "cvi-chip")];
    this.curve = document.createElementNS(SVG, "svg");
    this.curve.setAttribute("class", "cvi-curve");
    this.curve.setAttribute("viewBox", "0 0 1 1");
    this.curve.setAttribute("preserveAspectRatio", "none");
    this.curve.setAttribute("aria-hidden", "true");
    this.strip = make("div", "cvi-strip", { title: "Where the hits of this video lie" });
    this.row = make("div", "cvi-row2");
    this.others = make("ul", "cvi-others", { hidden: true });
    const [picture, body, title] = [make("div", "cvi-picture"), make("div", "cvi-body"), make("div", "cvi-title")];
    picture.append(this.image, this.none, this.pick, this.when, this.flags);
    title.append(this.name, this.chip);
    body.append(title, this.curve, this.strip, this.row, this.others);
    this.element.append(picture, body);
    this.#listen();
  }

  #listen() {
    this.image.addEventListener("error", () => this.#noPicture(true));
    this.image.addEventListener("load", () => this.#noPicture(false));
    this.element.addEventListener("focus", () => this.hits.take(this.key));
    this.element.addEventListener("pointerenter", () => this.#play());
    this.element.addEventListener("pointerleave", () => this.still());
    this.element.addEventListener("click", (event) => {
      if (event.target.closest("button")) return;
      this.hits.open(this.key);
    });
    this.pick.addEventListener("click", () => this.hits.toggle(this.key));
  }

  fill(hit, places, { judges, silent, sure }) {
    this.element.classList.toggle("cvi-unsure", !(sure && hit.sure));
    if (this.#picture !== hit.picture) this.image.src = this.addressOf(hit.picture);
    this.#picture = hit.picture;
    this.name.textContent = hit.name;
    this.name.title = hit.name;
    this.when.textContent = hit.time;
    this.flags.textContent = [hit.new ? "new" : "", hit.offline ? "offline" : ""].filter(Boolean).join(" · ");
    this.flags.title = hit.offline ? "Its file is not there now. What is stored of it is shown." : "";
    this.chip.textContent = hit.beats === null ? hit.score : `${hit.sure ? "✓" : "?"} ${hit.beats} %`;
    this.chip.title = hit.beats === null ? `Score ${hit.score}` : `${hit.sure ? "There" : "Not sure"}: it beats ${hit.beats} % of neutral texts. Score ${hit.score}.`;
    for (const verdict of ["accepted", "rejected"]) this.element.classList.toggle(`cvi-${verdict}`, hit.verdict === verdict);
    this.element.ariaLabel = [hit.name, hit.time, this.chip.title, hit.verdict].filter(Boolean).join(", ");
    this.#fillStrip(places);
    this.#fillCurve(hit.curve);
    this.#fillRow(hit, judges, silent);
  }

  mark(selected, isAt) {
    this.element.ariaSelected = String(selected);
    this.pick.ariaPressed = String(selected);
    this.pick.textContent = selected ? "✓" : "";
    this.element.tabIndex = isAt ? 0 : -1;
  }

  still() {
    clearInterval(this.#timer);
    this.#timer = 0;
    if (this.#picture && this.image.dataset.moved) this.image.src = this.addressOf(this.#picture);
    delete this.image.dataset.moved;
  }

  // Show the pictures of the moment in turn; each is waited for, so that nothing flickers.
  #play() {
    if (this.#frames.length < 2 || this.#timer) return;
    const loaded = this.#frames.map((address) => Object.assign(new Image(), { src: this.addressOf(address) }));
    let place = 0;
    this.#timer = setInterval(() => {
      place = (place + 1) % loaded.length;
      const next = loaded[place];
      if (!next.complete || !next.naturalWidth) return;
      this.image.dataset.moved = "1";
      this.image.src = next.src;
    }, STEP_MS);
  }

  #noPicture(lacks) {
    this.image.hidden = lacks;
    this.none.hidden = !lacks;
  }

  #fillStrip(places) {
    const made = JSON.stringify(places);
    if (made === this.#strip) return;
    this.#strip = made;
    this.strip.replaceChildren(
      ...places.map(([start, end, key]) => {
        const tick = make("i", key === this.key ? "cvi-own" : "");
        tick.style.left = `min(${100 * start}%, calc(100% - 3px))`;
        tick.style.width = `${100 * Math.max(0, end - start)}%`;
        return tick;
      }),
    );
  }

  #fillCurve(curve) {
    const made = JSON.stringify(curve);
    if (made === this.#curve) return;
    this.#curve = made;
    this.#frames = curve?.frames ?? [];
    if (!curve?.points.length) return this.curve.replaceChildren();
    const [span, line] = ["rect", "path"].map((name) => document.createElementNS(SVG, name));
    const set = (element, values) => Object.entries(values).forEach(([name, value]) => element.setAttribute(name, value));
    set(span, { x: curve.span[0], y: 0, width: Math.max(0.01, curve.span[1] - curve.span[0]), height: 1 });
    set(line, { d: `M${curve.points.map(([x, y]) => `${x} ${(0.95 - 0.9 * y).toFixed(4)}`).join("L")}` });
    this.curve.replaceChildren(span, line);
    if (this.element.matches(":hover")) this.#play();
  }

  #fillRow(hit, judges, silent) {
    const [accept, reject] = [
      ["✓", "Accept (A)", "accept", "accepted"],
      ["✕", "Reject (X)", "reject", "rejected"],
    ].map(([sign, title, what, verdict]) => {
      const button = make("button", "", { type: "button", textContent: sign, tabIndex: -1 });
      button.ariaPressed = String(hit.verdict === verdict || (verdict === "accepted" && hit.verdict === "added"));
      button.ariaLabel = title;
      button.title = judges ? title : silent;
      button.disabled = !judges;
      button.addEventListener("click", () => this.hits.judge(what, [this.key]));
      return button;
    });
    const row = [accept, reject, make("span", "cvi-gap")];
    if (hit.also.length) row.push(this.#alsoButton(hit.also));
    if (hit.more) {
      const more = make("button", "cvi-more", { type: "button", tabIndex: -1, textContent: `${hit.more} more here`, title: "Show all hits of this video" });
      more.addEventListener("click", () => this.hits.showAll(this.key));
      row.push(more);
    }
    this.row.replaceChildren(...row);
  }

  #alsoButton(also) {
    const text = `also in ${also.length} ${also.length === 1 ? "file" : "files"}`;
    const button = make("button", "cvi-also", { type: "button", tabIndex: -1, textContent: text, ariaExpanded: String(!this.others.hidden) });
    button.addEventListener("click", () => {
      this.others.hidden = !this.others.hidden;
      button.ariaExpanded = String(!this.others.hidden);
    });
    this.others.replaceChildren(
      ...also.map(({ name, time }, place) => {
        const open = make("button", "", { type: "button", title: `Open ${name}` });
        open.append(Object.assign(make("bdi"), { textContent: name }), ` ${time}`);
        open.addEventListener("click", () => this.hits.open(this.key, place));
        const item = make("li");
        item.append(open);
        return item;
      }),
    );
    return button;
  }
}

function make(name, className = "", values = {}) {
  return Object.assign(document.createElement(name), { className }, values);
}
