// Curves on a canvas, in the colors of the style sheet.
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** A linear or logarithmic scale from values to pixels. */
function scale([low, high], [from, to], log = false) {
  const f = log ? Math.log10 : (v) => v;
  return (v) => from + ((f(v) - f(low)) / (f(high) - f(low))) * (to - from);
}

class Plot {
  constructor(id) {
    this.canvas = document.getElementById(id);
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  /** Clears the picture and draws its axes. `x` and `y`: `{ range, ticks, label, log, format }`. */
  begin(x, y) {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const c = this.context;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    // Where label and legend do not fit next to each other, the legend is below.
    this.legendAt = y.label && width < 440 ? 26 : 8;
    this.area = { left: y.label ? 52 : 8, right: width - 10, top: this.legendAt + 16, bottom: height - 38 };
    const { left, right, top, bottom } = this.area;
    this.x = scale(x.range, [left, right], x.log);
    this.y = scale(y.range, [bottom, top], y.log);
    c.font = "12px system-ui, sans-serif";
    c.lineWidth = 1;
    c.strokeStyle = color("grid");
    c.fillStyle = color("muted");
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (const tick of y.ticks) {
      this.segment(left, this.y(tick), right, this.y(tick));
      if (y.label) c.fillText(y.format(tick), left - 6, this.y(tick));
    }
    c.textAlign = "center";
    c.textBaseline = "top";
    for (const tick of x.ticks) {
      const half = c.measureText(x.format(tick)).width / 2;
      c.fillText(x.format(tick), Math.min(this.x(tick), right - half), bottom + 5);
    }
    c.strokeStyle = color("line");
    this.segment(left, bottom, right, bottom);
    c.fillText(x.label, (left + right) / 2, bottom + 21);
    if (y.label) {
      c.textAlign = "left";
      c.fillText(y.label, 0, 2);
    }
  }

  segment(x0, y0, x1, y1) {
    this.context.beginPath();
    this.context.moveTo(x0, y0);
    this.context.lineTo(x1, y1);
    this.context.stroke();
  }

  /** A curve through `[x, y]`; what the axis has no place for is a gap. */
  curve(points, stroke, { width = 2, dash = [], alpha = 1 } = {}) {
    const c = this.context;
    const { left, right, top, bottom } = this.area;
    c.save();
    c.beginPath();
    c.rect(left, top - 2, right - left + 2, bottom - top + 4);
    c.clip();
    Object.assign(c, { strokeStyle: stroke, lineWidth: width, lineJoin: "round", globalAlpha: alpha });
    c.setLineDash(dash);
    c.beginPath();
    let drawing = false;
    for (const [px, py] of points) {
      const [x, y] = [this.x(px), this.y(py)];
      if (!Number.isFinite(y)) drawing = false;
      else if (drawing) c.lineTo(x, y);
      else c.moveTo(x, y), (drawing = true);
    }
    c.stroke();
    c.restore();
  }

  /** Names at the upper right, each after a piece of its line. */
  legend(entries) {
    const c = this.context;
    c.textAlign = "left";
    c.textBaseline = "middle";
    let x = this.area.right - entries.reduce((sum, entry) => sum + c.measureText(entry.name).width + 36, -8);
    for (const { name, stroke, dash = [], width = 2 } of entries) {
      Object.assign(c, { strokeStyle: stroke, lineWidth: width });
      c.setLineDash(dash);
      this.segment(x, this.legendAt, x + 18, this.legendAt);
      c.setLineDash([]);
      c.fillStyle = color("ink");
      c.fillText(name, x + 22, this.legendAt);
      x += c.measureText(name).width + 36;
    }
  }
}

/** The powers of ten in a range, at most `most` of them. */
function powers([low, high], most = 7) {
  const [first, last] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
  const every = Math.max(1, Math.ceil((last - first + 1) / most));
  const exponents = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => last - i);
  return exponents.filter((_, i) => i % every === 0).map((k) => 10 ** k);
}

const SUPERSCRIPT = { "-": "\u207b", 0: "\u2070", 1: "\u00b9", 2: "\u00b2", 3: "\u00b3", 4: "\u2074", 5: "\u2075", 6: "\u2076", 7: "\u2077", 8: "\u2078", 9: "\u2079" };

/** 1000 as 10 with an exponent. */
function power(value) {
  const exponent = Math.round(Math.log10(value));
  return exponent === 0 ? "1" : "10" + [...String(exponent)].map((digit) => SUPERSCRIPT[digit]).join("");
}
