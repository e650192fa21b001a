// What Streamlit runs for each of the three components, again at every change of their data or the theme:
// fetch the part's own script once, then hand the data on.

const PART = Symbol.for("clip-video-investigator.part");
const SINCE = Symbol.for("clip-video-investigator.since"); // when it came to the page: whoever left before has arrived

// Streamlit's own scripts were really loaded from somewhere: that is right under a base path and behind a
// proxy that rewrites paths, whatever the page's address looks like.
function appAddress() {
  const own = [...document.scripts]
    .map((script) => script.src)
    .find((src) => src.includes("/static/js/") && new URL(src).origin === location.origin);
  return own ? own.slice(0, own.lastIndexOf("/static/js/") + 1) : new URL("./", document.baseURI).href;
}

// A report that overtakes the visit of another page brings the old page back, because Streamlit runs what it heard
// last: after a press on a link, or a way back in the history, reports wait, and go only if the page is still there.
const LEAVING = Symbol.for("clip-video-investigator.leaving");
const WAIT_MS = 2000;

function watchLinks() {
  if (LEAVING in document) return;
  document[LEAVING] = -Infinity;
  const pressed = ({ target }) => target.closest?.("a") && (document[LEAVING] = performance.now());
  for (const type of ["pointerdown", "click"]) document.addEventListener(type, pressed, true);
  window.addEventListener("popstate", () => (document[LEAVING] = performance.now()));
}

function whenStaying(host, setStateValue) {
  return (name, value) => {
    const left = document[LEAVING] + WAIT_MS - performance.now();
    if (left <= 0 || document[LEAVING] < host[SINCE]) setStateValue(name, value);
    else setTimeout(() => host.isConnected && setStateValue(name, value), left);
  };
}

export default async function ({ parentElement, data, setStateValue }) {
  const host = parentElement.querySelector("[data-part]");
  host[SINCE] ??= performance.now();
  const app = appAddress();
  watchLinks();
  try {
    const { mount } = await import(new URL(data.script, app).href);
    host[PART] ??= mount(host, { addressOf: (path) => new URL(path, app).href, player: data.player });
    host[PART].update(data, whenStaying(host, setStateValue));
  } catch (error) {
    console.error(error);
    host.textContent = "This part of the player could not be loaded. Reload the page; if that does not help, start the app with `streamlit run app.py`.";
  }
  // Streamlit also calls this when a later change overtook this one: then the part stays.
  return () => {
    if (host.isConnected) return;
    host[PART]?.unmount();
    delete host[PART];
  };
}
