// The page: what is trained, what is shown, and the controls.
const CELLS = ["SimpleRNN", "LSTM", "GRU"];
const $ = (id) => document.getElementById(id);
const controls = {
  cell: () => Number(document.querySelector("[name=cell]:checked").value),
  hidden: () => Number($("hidden").value),
  rate: () => 10 ** Number($("rate").value),
  clip: () => 10 ** Number($("clip").value),
};

const series = preset("sine");
/** For each cell what its last training has shown: losses, and the norms of each state. */
const runs = CELLS.map(() => ({ losses: [], flow: [] }));
let forecast = [];
let library = null;
let training = false;
let seed = 0;

/** Gives the library the series and a new network of this cell. */
function start(cell) {
  library.clear();
  series.forEach((point) => library.push(point));
  const parameters = library.start(cell, controls.hidden(), seed);
  if (!parameters) throw new Error("the series cannot be learned");
  library.tune(controls.rate(), controls.clip());
  runs[cell] = { losses: [], flow: [], parameters };
  lookAt(cell);
}

/** Computes the forecast, and the gradient norms of each state as multiples of those of the last step. */
function lookAt(cell) {
  library.forecast(FORECAST);
  forecast = Array.from({ length: FORECAST }, (_, i) => library.forecast_at(i));
  const length = library.window();
  runs[cell].flow = Array.from({ length: library.flow() }, (_, state) => {
    const norms = Array.from({ length }, (_, t) => library.flow_at(state, t));
    return norms.map((norm) => norm / norms[length - 1]);
  });
}

/** New networks of all cells, so that their gradients can be compared before training. */
function restart() {
  const chosen = controls.cell();
  CELLS.forEach((_, cell) => cell !== chosen && start(cell));
  start(chosen);
  draw();
}

function setTraining(on) {
  training = on;
  $("train").textContent = on ? "Pause" : "Train";
  if (on) requestAnimationFrame(frame);
}

const FRAME = 14; // milliseconds of training between two pictures
const LOOK = 250; // milliseconds between two looks at forecast and gradient, at least
let nextLook = 0;

function frame() {
  if (!training) return;
  try {
    const [cell, begun] = [controls.cell(), performance.now()];
    do runs[cell].losses.push(library.step());
    while (performance.now() - begun < FRAME);
    if (performance.now() > nextLook) {
      const before = performance.now();
      lookAt(cell);
      // Of a large network it takes long: most of the time is for training.
      nextLook = performance.now() + Math.max(LOOK, 3 * (performance.now() - before));
    }
    draw();
    requestAnimationFrame(frame);
  } catch (error) {
    report(error);
  }
}

function report(error) {
  setTraining(false);
  $("message").hidden = false;
  $("message").textContent = `The program stopped: ${error.message ?? error}. Reload the page to begin again.`;
  console.error(error);
}

/** Does it, or reports why not. */
const attempt = (action) => (...given) => {
  try {
    action(...given);
  } catch (error) {
    report(error);
  }
};

function newSeries() {
  document.querySelectorAll("[data-preset]").forEach((button) => button.setAttribute("aria-pressed", false));
  restart();
}

function choosePreset(name) {
  series.set(preset(name));
  newSeries();
  document.querySelector(`[data-preset=${name}]`).setAttribute("aria-pressed", true);
}

function tune() {
  $("rate-value").textContent = controls.rate().toPrecision(2);
  $("clip-value").textContent = controls.clip().toPrecision(2);
  library?.tune(controls.rate(), controls.clip());
}

/** Connects the controls, once the library is there. */
function connect() {
  const cursor = drawing(plots.series, series, draw, attempt(newSeries));
  plots.cursor = cursor;
  document.querySelectorAll("[data-preset]").forEach((button) => {
    button.addEventListener("click", attempt(() => choosePreset(button.dataset.preset)));
  });
  document.querySelectorAll("[name=cell]").forEach((input) => {
    input.addEventListener("change", attempt(() => (start(controls.cell()), draw())));
  });
  $("hidden").addEventListener("change", attempt(restart));
  $("rate").addEventListener("input", attempt(tune));
  $("clip").addEventListener("input", attempt(tune));
  $("train").addEventListener("click", () => setTraining(!training));
  $("reset").addEventListener("click", attempt(() => (seed++, setTraining(false), restart())));
  window.addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

tune();
const ready = load(WASM).then((exports) => {
  library = exports;
  choosePreset("sine");
  connect();
  $("controls").inert = false;
});
ready.catch(report);
