"use strict";
{
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const place = document.getElementById("chart");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const draw = (onPaper) => {
    const figure = (dark.matches && !onPaper && figures.dark) || figures.light;
    Plotly.react(place, figure.data, figure.layout, { responsive: true, displaylogo: false });
  };
  draw(false);
  dark.addEventListener("change", () => draw(false));
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw(false));
}
