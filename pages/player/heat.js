// The heat map: a row of cells for each curve, its highest value in each column of pixels as a colour.

const GAP_PX = 1;
const MOST_HALF = 1.25; // a sample stands for half a step at each side, but for at most so many median steps

// Where what each sample stands for begins and ends. x: rising.
export function spansOf(x) {
  const n = x.length;
  const steps = Float64Array.from({ length: Math.max(0, n - 1) }, (_, place) => x[place + 1] - x[place]);
  const most = n > 1 ? MOST_HALF * medianOf(steps) : 0.5;
  const half = (place) => (n > 1 ? Math.min(most, steps[Math.max(0, Math.min(n - 2, place))] / 2) : most);
  const begins = Float64Array.from(x, (at, place) => at - half(place - 1));
  return { begins, ends: Float64Array.from(x, (at, place) => at + half(place)) };
}

function medianOf(values) {
  const sorted = values.slice().sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// The sample that the middle of each column belongs to, -1 where there is none. starts: of points.js.
export function ownersOf({ begins, ends }, starts, low, high) {
  const bins = starts.length - 1;
  return Int32Array.from({ length: bins }, (_, bin) => {
    const middle = low + ((high - low) * (bin + 0.5)) / bins;
    for (let place = Math.min(begins.length, starts[bin + 1] + 1) - 1; place >= Math.max(0, starts[bin] - 1); place -= 1) {
      if (begins[place] <= middle) return middle < ends[place] ? place : -1;
    }
    return -1;
  });
}

// The highest value of a curve in each column; NaN where no sample stands.
export function cellsOf(curve, starts, owners) {
  return Float32Array.from(owners, (owner, bin) => {
    let highest = NaN;
    for (let place = starts[bin]; place < starts[bin + 1]; place += 1) {
      if (!(curve[place] <= highest) && !Number.isNaN(curve[place])) highest = curve[place];
    }
    return Number.isNaN(highest) && owner >= 0 && starts[bin] >= starts[bin + 1] ? curve[owner] : highest;
  });
}

export class HeatMap {
  #picture = document.createElement("canvas");
  #x = null; // of which #spans are

  // Each of rows is {curve, row}; heat {colours, range, rows}; box {left, top, width, height} in pixels of the canvas.
  draw(context, rows, heat, x, starts, { low, high }, box, ratio) {
    if (x !== this.#x) [this.#x, this.spans] = [x, spansOf(x)];
    const owners = ownersOf(this.spans, starts, low, high);
    const palette = paletteOf(heat.colours);
    const bins = owners.length;
    Object.assign(this.#picture, { width: bins, height: 1 });
    const one = this.#picture.getContext("2d");
    const high_px = box.height / heat.rows;
    const gap = high_px > 4 * ratio ? GAP_PX * ratio : 0;
    context.imageSmoothingEnabled = false;
    for (const { curve, row } of rows) {
      const image = one.createImageData(bins, 1);
      paint(new Uint32Array(image.data.buffer), cellsOf(curve, starts, owners), palette, heat.range);
      one.putImageData(image, 0, 0);
      const [top, bottom] = [box.top + row * high_px, box.top + (row + 1) * high_px].map(Math.round);
      context.drawImage(this.#picture, 0, 0, bins, 1, box.left, top, box.width, Math.max(1, bottom - top - gap));
    }
  }
}

function paint(pixels, cells, palette, [low, high]) {
  const scale = (palette.length - 1) / (high - low);
  cells.forEach((value, bin) => {
    if (Number.isNaN(value)) return; // stays clear
    pixels[bin] = palette[Math.max(0, Math.min(palette.length - 1, Math.round((value - low) * scale)))];
  });
}

// 256 colours between those that are given, each as the number that a pixel is (little-endian: red first).
function paletteOf(colours) {
  const parts = colours.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  return Uint32Array.from({ length: 256 }, (_, number) => {
    const at = (number / 255) * (parts.length - 1);
    const first = Math.min(parts.length - 2, Math.floor(at));
    const [red, green, blue] = parts[first].map((part, k) => Math.round(part + (parts[first + 1][k] - part) * (at - first)));
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}
