// The keys of the player, the same on all its parts, and only while one of them has the focus.

export const KEYS = [
  { keys: [" ", "k"], shown: "Space", what: "toggle", says: "play, pause" },
  { keys: ["ArrowLeft", ","], shown: "← ,", what: "step", by: -1, says: "back one frame" },
  { keys: ["ArrowRight", "."], shown: "→ .", what: "step", by: 1, says: "forward one frame" },
  { keys: ["Shift+ArrowLeft"], shown: "Shift ←", what: "seconds", by: -1, says: "back one second" },
  { keys: ["Shift+ArrowRight"], shown: "Shift →", what: "seconds", by: 1, says: "forward one second" },
  { keys: ["[", "p"], shown: "[", what: "moment", by: -1, says: "previous moment" },
  { keys: ["]", "n"], shown: "]", what: "moment", by: 1, says: "next moment" },
  { keys: ["l"], shown: "L", what: "loop", says: "repeat the moment" },
  { keys: ["i"], shown: "I", what: "mark_in", says: "in: a stretch begins" },
  { keys: ["o"], shown: "O", what: "mark_out", says: "out: it ends" },
  { keys: ["<", ">"], shown: "< >", what: "speed", says: "slower, faster" },
  { keys: ["m"], shown: "M", what: "mute", says: "sound on, off" },
  { keys: ["f"], shown: "F", what: "fullscreen", says: "full screen" },
  { keys: ["Home"], shown: "Home", what: "reset", says: "to the start" },
  { keys: ["End"], shown: "End", what: "end", says: "to the last frame" },
  { keys: [], shown: "A", says: "accept the moment" }, // this one and the next two are heard by judge.js
  { keys: [], shown: "X", says: "reject the moment" },
  { keys: [], shown: "Ctrl Z", says: "take that back" },
  { keys: ["?"], shown: "?", what: "help", says: "these keys" },
];

const named = new Map(KEYS.flatMap((entry) => entry.keys.map((key) => [key, entry])));

const NO_TEXT = ["checkbox", "radio", "range", "button", "submit"];

// Whether a key goes into a text; in what lies in another document, such as the chart of the frames, none is heard.
export function isTyping(event) {
  const [target] = event.composedPath();
  const field = target.closest?.("input, textarea, select");
  return Boolean(target.isContentEditable || (field && !NO_TEXT.includes(field.type)));
}

// Listen on an element; returns how to stop.
export function listenForKeys(element, clock) {
  const pressed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.length === 1) event.stopPropagation(); // Streamlit has keys of its own: c and r
    if (event.target.closest("select, input:not([type=range]), textarea")) return;
    if ([" ", "Enter"].includes(event.key) && event.target.closest("button")) return; // it presses the button
    const arrow = event.key.startsWith("Arrow");
    const name = arrow && event.shiftKey ? `Shift+${event.key}` : event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const entry = named.get(name);
    if (!entry) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat && !entry.by) return; // held down, it would play and pause and play
    const by = entry.what === "speed" ? (name === "<" ? -1 : 1) : entry.by;
    clock.ask(entry.what, { by });
  };
  element.addEventListener("keydown", pressed);
  return () => element.removeEventListener("keydown", pressed);
}
