// The box of the query. Enter searches; a picture is dropped, pasted or chosen, and made small here before it is sent.

import { isTyping } from "./keys.js";

const MOST_PX = 768; // of the longer side: models see at most half of it
const QUALITY = 0.9;
const TO_CARDS = "cvi-to-cards"; // an event: the cursor leaves the box for the cards

export function mount(host) {
  return new QueryBox(host);
}

class QueryBox {
  #stop = new AbortController();
  #tell = () => {};
  #count = 0;
  #puts = null;
  #most = Infinity;

  constructor(host) {
    this.host = host;
    const find = (selector) => host.querySelector(selector);
    [this.text, this.file, this.says] = [find("textarea"), find("input[type=file]"), find(".cvi-says")];
    this.example = find(".cvi-example");
    const on = (target, type, act) => target.addEventListener(type, act, { signal: this.#stop.signal });
    on(document, "keydown", (event) => this.#anywhere(event));
    on(this.text, "keydown", (event) => this.#typed(event));
    on(this.text, "input", () => this.#fit());
    on(this.text, "paste", (event) => this.#take(event, event.clipboardData));
    on(find(".cvi-go"), "click", () => this.#ask());
    on(this.file, "change", () => this.#read(this.file.files[0]));
    on(this.example.querySelector("button"), "click", () => this.#report("dropped", {}));
    for (const type of ["dragenter", "dragover"]) on(host, type, (event) => this.#over(event));
    for (const type of ["dragleave", "drop"]) on(host, type, () => host.classList.remove("cvi-over"));
    on(host, "drop", (event) => this.#take(event, event.dataTransfer));
  }

  update({ text, puts, example, error, most }, setStateValue) {
    this.#tell = setStateValue;
    this.#most = most;
    this.text.disabled = false; // what is typed before would be lost
    if (puts !== this.#puts) this.text.value = text; // else the visitor may be typing
    this.#puts = puts;
    this.says.textContent = error;
    this.example.hidden = example === null;
    const [picture, name] = this.example.children;
    picture.hidden = !example?.uri;
    if (example?.uri) picture.src = example.uri;
    name.textContent = example?.name ?? "";
    name.title = name.textContent;
    this.#fit();
  }

  unmount() {
    this.#stop.abort();
  }

  #report(name, value) {
    this.#tell(name, { ...value, count: `${Date.now()} ${(this.#count += 1)}` }); // the same again is another report
  }

  #anywhere(event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    event.preventDefault();
    this.text.focus();
    this.text.select();
  }

  #typed(event) {
    event.stopPropagation(); // Streamlit has keys of its own
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#ask();
    }
    const atEnd = this.text.selectionEnd === this.text.value.length;
    if (event.key === "Escape" || (event.key === "ArrowDown" && atEnd)) {
      event.preventDefault();
      document.dispatchEvent(new Event(TO_CARDS));
    }
  }

  #ask() {
    const { length } = this.text.value;
    const over = length > this.#most;
    this.says.textContent = over ? `The query has ${length.toLocaleString("en")} letters; at most ${this.#most.toLocaleString("en")} are searched.` : "";
    if (!over) this.#report("asked", { text: this.text.value });
  }

  #over(event) {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    this.host.classList.add("cvi-over");
  }

  // A picture among what was dropped or pasted; text goes its own way.
  #take(event, given) {
    const [file] = given?.files ?? [];
    if (!file) return;
    event.preventDefault();
    this.#read(file);
  }

  async #read(file) {
    if (!file) return;
    this.file.value = ""; // the same file again is another choice
    try {
      const uri = await shrunk(file);
      this.says.textContent = "";
      this.#report("picture", { uri, name: file.name || "picture" });
    } catch {
      this.says.textContent = `${file.name.slice(0, 60)} cannot be read as a picture. Save it as PNG or JPEG.`;
    }
  }

  #fit() {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight}px`;
  }
}

async function shrunk(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, MOST_PX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff"; // transparent places show white
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", QUALITY);
}
