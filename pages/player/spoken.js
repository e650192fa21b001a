// Lines of subtitles that hold the words of a query. A click opens the video there.

const WORD = /([\p{L}\p{N}]+)/u;

export function mount(host) {
  return new Spoken(host);
}

class Spoken {
  #tell = () => {};
  #count = 0;

  constructor(host) {
    [this.title, this.list] = [host.querySelector("p"), host.querySelector("div")];
  }

  update({ title, lines, words }, setStateValue) {
    this.#tell = setStateValue;
    this.title.textContent = title;
    const wanted = new Set(wordsOf(words).filter((_, place) => place % 2).map(plain));
    this.list.replaceChildren(...lines.map((line, place) => this.#button(line, place, wanted)));
  }

  unmount() {}

  #button({ name, time, text }, place, wanted) {
    const button = make("button", "cvi-said", "");
    const where = make("span", "cvi-where", "");
    where.append(make("bdi", "", name), make("time", "", time));
    const said = make("span", "cvi-text", "");
    said.dir = "auto";
    said.append(...wordsOf(text).map((word, at) => (at % 2 && wanted.has(plain(word)) ? make("mark", "", word) : word)));
    button.title = `${name} · ${time}\n${text}`;
    button.append(said, where);
    button.addEventListener("click", () => this.#tell("opens", { place, count: `${Date.now()} ${(this.#count += 1)}` }));
    return button;
  }
}

// What lies between words and the words in turn, so that the odd places hold words.
function wordsOf(text) {
  return text.split(WORD);
}

// Without capitals and accents, as they are searched.
function plain(word) {
  return word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function make(tag, className, text) {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}
