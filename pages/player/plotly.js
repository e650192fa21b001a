// plotly.js, fetched once for the page, and how its charts behave here.

const LOADING = Symbol.for("clip-video-investigator.plotly");

export function loadPlotly(address) {
  document[LOADING] ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const failed = () => {
      script.remove();
      document[LOADING] = undefined; // the next caller tries again
      reject(new Error("plotly.js did not arrive"));
    };
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : failed());
    script.onerror = failed;
    script.src = address;
    document.head.append(script);
  });
  return document[LOADING];
}

// reset(): show the whole again. picture(): keep the chart as a file. Both are ours: plotly knows neither the curves
// nor, after new data, what the whole is.
export function configOf(Plotly, { reset, picture }) {
  const button = (name, title, icon, click) => ({ name, title, icon, click });
  return {
    displaylogo: false,
    doubleClick: false,
    showTips: false,
    plotlyServerURL: "",
    modeBarButtons: [
      [button("picture", "Download the chart as a picture", Plotly.Icons.camera, picture)],
      ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", button("whole", "Show the whole (double click)", Plotly.Icons.home, reset)],
    ],
  };
}

// The chart with its curves as a PNG.
export function downloadPicture(Plotly, plot, canvas) {
  const { l, t, w, h } = plot._fullLayout._size;
  const { width, height } = plot._fullLayout;
  const place = { xref: "paper", yref: "paper", x: -l / w, y: 1 + t / h, sizex: width / w, sizey: height / h };
  const image = { ...place, source: canvas.toDataURL(), sizing: "stretch", layer: "above" };
  const figure = { data: plot.data, layout: { ...plot.layout, width, height, images: [image] } };
  return Plotly.downloadImage(figure, { format: "png", width, height, scale: 2, filename: "curves" });
}
