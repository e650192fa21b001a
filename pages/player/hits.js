// The hits of a search as cards. One card has the place of the keys; what is done with a card is reported to the page.

import { Card } from "./card.js";
import { isTyping } from "./keys.js";

const TO_CARDS = "cvi-to-cards"; // an event of the box, which the cursor leaves
const JUDGE = { a: "accept", x: "reject" };

export function mount(host, { addressOf }) {
  return new Hits(host, addressOf);
}

class Hits {
  #stop = new AbortController();
  #tell = () => {};
  #count = 0;
  #search = null;
  #cards = new Map(); // by key, in their order
  #selected = new Set();
  #at = null; // the key of the card that has the place of the keys
  #asked = ""; // for which cards curves were asked
  #judges = false;

  constructor(host, addressOf) {
    Object.assign(this, { host, addressOf });
    [this.reason, this.box] = [host.querySelector(".cvi-reason"), host.querySelector(".cvi-cards")];
    const on = (type, act) => document.addEventListener(type, act, { signal: this.#stop.signal });
    on("keydown", (event) => this.#pressed(event));
    on(TO_CARDS, () => this.#focus(this.#at ?? [...this.#cards.keys()][0]));
  }

  update(data, setStateValue) {
    this.#tell = setStateValue;
    const isOther = data.search !== this.#search;
    if (isOther) this.#begin(data);
    this.#judges = data.judges;
    this.reason.hidden = !data.reason;
    this.reason.textContent = data.reason;
    this.#place(data);
    if (!this.#cards.has(this.#at)) this.#at = this.#cards.keys().next().value ?? null;
    this.#show();
    this.#askForCurves(data);
  }

  unmount() {
    this.#stop.abort();
    for (const card of this.#cards.values()) card.still();
  }

  // Another search: nothing of the last one stays, and what is selected is what the page says.
  #begin({ search, selected }) {
    for (const card of this.#cards.values()) card.still();
    this.#cards.clear();
    [this.#search, this.#selected, this.#at, this.#asked] = [search, new Set(selected), null, ""];
  }

  // Cards that are listed already stay the elements that they are: the one with the focus keeps it.
  #place(data) {
    const before = this.#cards;
    this.#cards = new Map(data.hits.map((hit) => [hit.key, before.get(hit.key) ?? new Card(this, hit, this.addressOf)]));
    for (const [key, card] of before) if (!this.#cards.has(key)) card.still();
    for (const hit of data.hits) this.#cards.get(hit.key).fill(hit, data.strips[hit.video] ?? [], data);
    const elements = [...this.#cards.values()].map((card) => card.element);
    const stands = elements.length === this.box.children.length && elements.every((element, place) => this.box.children[place] === element);
    if (!stands) this.box.replaceChildren(...elements);
  }

  #show() {
    for (const [key, card] of this.#cards) card.mark(this.#selected.has(key), key === this.#at);
  }

  // Once for each set of cards that lack theirs: the page sends as many as it computes in a moment.
  #askForCurves(data) {
    const lacking = data.hits.filter((hit) => hit.curve === null).map((hit) => hit.key).join(" ");
    if (lacking && lacking !== this.#asked) requestAnimationFrame(() => this.report("lacking", {}));
    this.#asked = lacking;
  }

  report(name, value) {
    this.#tell(name, { ...value, count: `${Date.now()} ${(this.#count += 1)}` }); // the same again is another report
  }

  open(key, other = null) {
    this.report("opens", { key, other });
  }

  showAll(key) {
    this.report("more", { key });
  }

  judge(what, keys) {
    if (this.#judges) this.report("judged", { what, keys });
  }

  toggle(key) {
    if (!this.#selected.delete(key)) this.#selected.add(key);
    this.#show();
    this.report("selected", { keys: [...this.#cards.keys()].filter((each) => this.#selected.has(each)) });
  }

  // A card got the focus, by a key or a click.
  take(key) {
    this.#at = key;
    this.#show();
  }

  #focus(key) {
    const card = this.#cards.get(key);
    card?.element.focus({ preventScroll: true });
    card?.element.scrollIntoView({ block: "nearest" });
  }

  #pressed(event) {
    if (isTyping(event) || event.altKey || event.target.closest?.("[role=dialog], [data-baseweb=popover]")) return;
    const { key } = event;
    if (event.ctrlKey || event.metaKey) {
      if (key.toLowerCase() === "z" && !event.shiftKey) this.#act(event, () => this.judge("undo", []));
      return;
    }
    const inside = event.target.closest?.(".cvi-card");
    if (!inside && event.target !== document.body) return;
    if (key.startsWith("Arrow")) this.#act(event, () => this.#move(key, Boolean(inside)));
    else if (key.toLowerCase() in JUDGE && !event.repeat) this.#act(event, () => this.#judgeAt(JUDGE[key.toLowerCase()]));
    else if (inside && event.target === inside) this.#onCard(event, inside.dataset.key);
  }

  #onCard(event, key) {
    if (event.key === "Enter") this.#act(event, () => this.open(key));
    if (event.key === " ") this.#act(event, () => this.toggle(key));
    if (event.key === "Escape" && this.#selected.size) {
      this.#act(event, () => {
        this.#selected.clear();
        this.#show();
        this.report("selected", { keys: [] });
      });
    }
  }

  #act(event, act) {
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  // The selected hits, if the one with the focus is among them; else that one. Then the next card is at hand.
  #judgeAt(what) {
    if (this.#at === null) return;
    const several = this.#selected.has(this.#at) && this.#selected.size > 1;
    this.judge(what, several ? [...this.#selected] : [this.#at]);
    if (!several && this.#judges) this.#move("ArrowRight", true);
  }

  #move(arrow, isInside) {
    const keys = [...this.#cards.keys()];
    if (!keys.length) return;
    const at = keys.indexOf(this.#at);
    if (!isInside) return this.#focus(keys[Math.max(0, at)]);
    const tops = [...this.#cards.values()].map((card) => card.element.offsetTop);
    const columns = Math.max(1, tops.filter((top) => top === tops[0]).length);
    const rtl = getComputedStyle(this.box).direction === "rtl";
    const by = { ArrowLeft: rtl ? 1 : -1, ArrowRight: rtl ? -1 : 1, ArrowUp: -columns, ArrowDown: columns }[arrow];
    const to = at + by;
    this.#focus(keys[to < 0 || to >= keys.length ? (Math.abs(by) === 1 ? at : by > 0 ? keys.length - 1 : at) : to]);
  }
}
