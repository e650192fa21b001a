// The list of annotations and of false moments: a click on a row moves the player and the chart there.

import { clockText, leaveClock, takeClock } from "./clock.js";

const FILTERS = ["matched", "missed", "false"];

export function mount(host, { player }) {
  return new Annotations(host, player);
}

class Annotations {
  #stop = new AbortController();
  #data = null;
  #made = ""; // what the rows were made of
  #only = ""; // the state whose rows are shown, "" for all
  #set = () => {};

  constructor(host, player) {
    Object.assign(this, { host, player, clock: takeClock(player) });
    [this.states, this.list] = [host.querySelector(".cvi-states"), host.querySelector(".cvi-list")];
    host.addEventListener("click", (event) => this.#clicked(event), { signal: this.#stop.signal });
  }

  update(data, setStateValue = () => {}) {
    [this.#data, this.#set] = [data, setStateValue];
    const made = JSON.stringify(data.rows);
    if (made === this.#made) return;
    this.#made = made;
    const counts = countStates(data.rows);
    if (!counts.has(this.#only)) this.#only = "";
    const focused = [...this.list.querySelectorAll("button")].indexOf(document.activeElement);
    this.#drawStates(counts);
    this.list.replaceChildren(...data.rows.map(rowOf));
    this.#filter();
    if (focused >= 0) this.list.querySelectorAll("button")[focused]?.focus({ preventScroll: true });
  }

  unmount() {
    this.#stop.abort();
    leaveClock(this.player);
  }

  #drawStates(counts) {
    const shown = ["", ...FILTERS].filter((state) => counts.get(state));
    this.states.hidden = shown.length < 2;
    const buttons = shown.map((state) => Object.assign(document.createElement("button"), { textContent: `${state || "all"} ${counts.get(state)}` }));
    buttons.forEach((button, place) => (button.dataset.only = shown[place]));
    this.states.replaceChildren(...buttons);
  }

  #filter() {
    for (const button of this.states.children) button.ariaPressed = String(button.dataset.only === this.#only);
    for (const row of this.list.children) row.hidden = this.#only !== "" && row.dataset.state !== this.#only;
  }

  #clicked({ target }) {
    const button = target.closest("button");
    if (!button) return;
    if ("only" in button.dataset) {
      this.#only = button.dataset.only;
      this.#filter();
      return;
    }
    const item = button.closest("li");
    const row = this.#data.rows[[...this.list.children].indexOf(item)];
    if (button.classList.contains("cvi-drop")) this.#set("drop", { ...row, video: this.#data.video, at: Date.now() });
    else this.#go(row, item);
  }

  #go({ frame, start, end }, item) {
    for (const other of this.list.children) other.ariaCurrent = String(other === item);
    if (this.#data.direct) this.clock.ask("seek", { frame, bring: [start, end] });
    else this.#set("go", { frame, video: this.#data.video, at: Date.now() });
  }
}

function countStates(rows) {
  const counts = new Map([["", rows.length]]);
  for (const { state } of rows) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts;
}

function rowOf({ prompt, colour, state, start, end, iou, marks }) {
  const item = document.createElement("li");
  item.dataset.state = state;
  item.style.setProperty("--colour", colour);
  const go = item.appendChild(Object.assign(document.createElement("button"), { className: "cvi-go", disabled: start === null }));
  const times = start === null ? "" : start === end ? clockText(start) : `${clockText(start)} – ${clockText(end)}`;
  const parts = [["shape", ""], ["of", prompt], ["said", state], ["times", times], ["iou", iou === null ? "" : `IoU ${iou.toFixed(2)}`]];
  for (const [name, text] of parts) {
    go.appendChild(Object.assign(document.createElement("span"), { className: `cvi-${name}`, textContent: text }));
  }
  go.querySelector(".cvi-of").title = prompt;
  item.append(marks.length ? dropOf(prompt, times) : Object.assign(document.createElement("span"), { className: "cvi-nodrop" }));
  return item;
}

function dropOf(prompt, times) {
  const title = "Remove this mark";
  const ariaLabel = `${title}: ${prompt} ${times}`;
  return Object.assign(document.createElement("button"), { className: "cvi-drop", textContent: "×", title, ariaLabel });
}
