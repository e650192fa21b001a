// Streamlit runs this for each component, and again whenever its data or the theme changes:
// fetch the part's own script once, then hand the data on.

const PART = Symbol.for("clip-video-investigator.part");
const SINCE = Symbol.for("clip-video-investigator.since"); // when the part was mounted: a page change that began earlier is over

// The address from which Streamlit's own scripts were loaded is right under a base path and behind a proxy that
// rewrites paths; the page's address may not be.
function appAddress() {
  const own = [...document.scripts]
    .map((script) => script.src)
    .find((src) => src.includes("/static/js/") && new URL(src).origin === location.origin);
  return own ? own.slice(0, own.lastIndexOf("/static/js/") + 1) : new URL("./", document.baseURI).href;
}

// A report sent while the visitor is leaving for another page would bring the old page back, because Streamlit runs
// the last message. So after a click on a link or Back, reports wait, and are sent only if the page is still there.
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
  // Streamlit also calls this when a newer change replaced this one: then the part stays mounted.
  return () => {
    if (host.isConnected) return;
    host[PART]?.unmount();
    delete host[PART];
  };
}
