"use strict";
{
  const PAPER_PX = 680; // what A4 and Letter leave between their margins
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const place = document.getElementById("chart");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const whole = (values) => (values?.array === undefined ? values : figures.arrays[values.array]); // see page.py
  const draw = (onPaper) => {
    const figure = (dark.matches && !onPaper && figures.dark) || figures.light;
    const data = figure.data.map(({ x, y, ...trace }) => ({
      ...trace, x: whole(x), y: whole(y), showlegend: Boolean(trace.name),
    }));
    const legend = { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" };
    const size = onPaper ? { autosize: false, width: PAPER_PX } : { autosize: true };
    const layout = { ...figure.layout, ...size, showlegend: true, legend };
    place.style.height = `${layout.height ?? 430}px`;
    Plotly.react(place, data, layout, { responsive: true, displaylogo: false });
  };
  draw(false);
  dark.addEventListener("change", () => draw(false));
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw(false));
}
