// The figure's colours come from Python, which is not told when the system switches to dark.

export class ColoursAsked {
  #background = "";

  constructor(host) {
    this.host = host;
  }

  // Ask for the figure in the colours of the page; once for each background.
  ask(figure, setStateValue) {
    const background = getComputedStyle(this.host).getPropertyValue("--st-background-color").trim().toLowerCase();
    const differs = background.startsWith("#") && background !== figure.layout.paper_bgcolor;
    if (differs && background !== this.#background) setStateValue("theme", background);
    this.#background = differs ? background : "";
  }
}
