// Drives the page as a visitor would, and logs "the demo: passed" or what is wrong, which test.sh reads.
const problems = [];
const check = (holds, what) => holds || problems.push(what);
window.addEventListener("error", (event) => problems.push(`error: ${event.message}`));
window.addEventListener("unhandledrejection", (event) => problems.push(`rejection: ${event.reason}`));
const original = console.error;
console.error = (...what) => {
  problems.push(`console: ${what.join(" ")}`);
  original(...what);
};

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const isFinitePositive = (value) => Number.isFinite(value) && value > 0;

/** How many pixels of a picture are not empty. */
function inked({ canvas }) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, i) => i % 4 === 3 && value > 0).length;
}

async function trainBy(steps) {
  const cell = controls.cell();
  $("train").click();
  check($("train").textContent === "Pause", "the button of a running training pauses it");
  for (let waited = 0; runs[cell].losses.length < steps && training && waited < 60000; waited += 20) await pause(20);
  if (training) $("train").click();
  check(runs[cell].losses.length >= steps, `${CELLS[cell]}: ${runs[cell].losses.length} of ${steps} steps`);
  lookAt(cell);
  draw();
}

async function tryCell(name, cell) {
  const what = `${name}, ${CELLS[cell]}`;
  document.querySelector(`[name=cell][value="${cell}"]`).click();
  check(runs[cell].losses.length === 0 && runs[cell].flow.length > 0, `${what}: begins anew, with a gradient`);
  const before = inked(plots.loss);
  await trainBy(60);
  const { losses, flow } = runs[cell];
  const [early, late] = [mean(losses.slice(0, 5)), mean(losses)];
  check(losses.every(isFinitePositive), `${what}: losses are finite`);
  check(late < 0.8 * early, `${what}: the loss fell from ${early} to ${late} only`);
  check(forecast.length === FORECAST && forecast.every(Number.isFinite), `${what}: a forecast`);
  check(new Set(forecast).size > 1, `${what}: a forecast that moves`);
  check(flow.length === (cell === 1 ? 2 : 1), `${what}: ${flow.length} states`);
  check(flow.flat().length === flow.length * library.window() && flow.flat().every(isFinitePositive), `${what}: gradient norms`);
  check(isFinitePositive(library.gradient_norm()), `${what}: the gradient norm`);
  check(inked(plots.loss) > before, `${what}: a loss curve`);
  check($("flow-caption").textContent.includes(CELLS[cell]), `${what}: a sentence`);
}

async function test() {
  await ready;
  check((await load(FIT)).main(0, 0) === 0, "`fit` runs: examples/fit.rs");
  const far = runs.map((run) => run.flow.at(-1)[0]);
  check(far[0] < 1e-3 * far[1] && far[0] < 1e-3 * far[2], `before training SimpleRNN's gradient vanishes first: ${far}`);
  for (const button of document.querySelectorAll("[data-preset]")) {
    button.click();
    check(button.getAttribute("aria-pressed") === "true", "the chosen preset is marked");
    const cells = button.dataset.preset === "sines" ? [0, 1, 2] : [0];
    for (const cell of cells) await tryCell(button.dataset.preset, cell);
  }
  // By hand: a stroke from the left end to the middle, and the keys.
  const box = plots.series.canvas.getBoundingClientRect();
  const at = (type, x, y) =>
    new PointerEvent(type, { pointerId: 1, isPrimary: true, clientX: box.left + x, clientY: box.top + y, bubbles: true });
  plots.series.canvas.setPointerCapture = () => {};
  for (const event of [at("pointerdown", 10, 40), at("pointermove", box.width / 2, 40), at("pointerup", 0, 0)]) {
    plots.series.canvas.dispatchEvent(event);
  }
  check(new Set(series.slice(5, 100)).size === 1 && series[5] > 0.5, `a stroke draws a level line: ${series[5]}, ${series[99]}`);
  check(document.querySelector('[aria-pressed="true"]') === null, "a drawn series is no preset");
  const before = series[POINTS - 1];
  plots.series.canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp" }));
  check(series[POINTS - 1] > before, "the up key raises the points at the cursor");
  $("reset").click();
  check(runs[0].losses.length === 0 && !training, "reset begins anew");
  for (const picture of [plots.series, plots.loss, plots.flow]) check(inked(picture) > 500, `${picture.canvas.id}: a picture`);
  check($("message").hidden, $("message").textContent);
}

test()
  .catch((error) => problems.push(String(error)))
  .then(() => console.log(`the demo: ${problems.length ? "failed\n" + problems.join("\n") : "passed"}`));
