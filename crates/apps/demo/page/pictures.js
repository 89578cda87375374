// The three pictures, and the sentence under each.
const plots = { series: new Plot("series"), loss: new Plot("loss"), flow: new Plot("flow"), cursor: null };

function draw() {
  const cell = controls.cell();
  drawSeries(cell);
  drawLosses(cell);
  drawFlow(cell);
  const { losses, parameters } = runs[cell];
  $("numbers").textContent = losses.length
    ? `${CELLS[cell]}, ${parameters} parameters. Step ${losses.length}: loss ${mean(losses).toPrecision(3)}, gradient norm ${library.gradient_norm().toPrecision(3)} before clipping.`
    : `${CELLS[cell]}, ${parameters} parameters, not trained yet.`;
}

/** The mean of the last 20 at most. */
function mean(losses) {
  const last = losses.slice(-20);
  return last.reduce((sum, loss) => sum + loss, 0) / last.length;
}

function drawSeries(cell) {
  const plot = plots.series;
  const ticks = [0, 60, 120, 180, 240, 300];
  plot.begin(
    { range: [0, POINTS + FORECAST - 1], ticks, label: "time step", format: String },
    { range: [-1, 1], ticks: [-1, -0.5, 0, 0.5, 1] },
  );
  const c = plot.context;
  c.strokeStyle = color("line");
  plot.segment(plot.x(POINTS - 1), plot.area.top, plot.x(POINTS - 1), plot.area.bottom);
  plot.curve([...series].map((value, t) => [t, value]), color("series"));
  const continued = [series[POINTS - 1], ...forecast].map((value, i) => [POINTS - 1 + i, value]);
  plot.curve(continued, color(`cell-${cell}`), { width: 2.5 });
  if (plots.cursor?.visible) {
    c.fillStyle = color("accent");
    c.beginPath();
    c.arc(plot.x(plots.cursor.t), plot.y(series[plots.cursor.t]), 6, 0, 2 * Math.PI);
    c.fill();
  }
  plot.legend([{ name: "series", stroke: color("series") }, { name: "forecast", stroke: color(`cell-${cell}`), width: 2.5 }]);
  $("series-caption").textContent =
    "Left of the vertical line is the series: draw over it. " +
    `Right of it ${CELLS[cell]} continues the series for ${FORECAST} points from its own forecasts` +
    (runs[cell].losses.length ? "." : "; before training they follow nothing.");
}

/** The cells that have something to show, the chosen one last, on top. */
function inOrder(cell, has) {
  return [0, 1, 2].filter((i) => i !== cell && has(runs[i])).concat(has(runs[cell]) ? [cell] : []);
}

function legendOf(order, cell) {
  const entry = (i) => ({ name: CELLS[i], stroke: color(`cell-${i}`), width: i === cell ? 2.5 : 1 });
  return [...order].sort().map(entry);
}

/** At most one point for each of 400 places: the mean of the losses there. */
function thinned(losses) {
  const every = Math.ceil(losses.length / 400);
  const points = [];
  for (let i = 0; i < losses.length; i += every) {
    const some = losses.slice(i, i + every);
    points.push([i + 1 + (some.length - 1) / 2, some.reduce((sum, loss) => sum + loss, 0) / some.length]);
  }
  return points;
}

function drawLosses(cell) {
  const order = inOrder(cell, (run) => run.losses.length > 0);
  const curves = order.map((i) => thinned(runs[i].losses));
  const values = curves.flat().map(([, loss]) => loss).filter((loss) => loss > 0 && Number.isFinite(loss));
  const range = [Math.min(0.1, ...values) / 1.3, Math.max(1, ...values) * 1.3];
  const steps = Math.max(100, ...order.map((i) => runs[i].losses.length));
  plots.loss.begin(
    { range: [1, steps], ticks: [1, Math.round(steps / 2), steps], label: "training step", format: String },
    { range, ticks: powers(range), log: true, label: "mean squared error", format: power },
  );
  order.forEach((i, at) => plots.loss.curve(curves[at], color(`cell-${i}`), i === cell ? { width: 2.5 } : { width: 1 }));
  plots.loss.legend(legendOf(order, cell));
  const { losses } = runs[cell];
  $("loss-caption").textContent = losses.length
    ? `The mean squared error of each training step, in units of the series' variance: always forecasting the mean gives 1, ${CELLS[cell]} is now at ${mean(losses).toPrecision(2)}.`
    : "The mean squared error of each training step will appear here, in units of the series' variance: always forecasting the mean gives 1.";
}

const LEAST = 1e-14;

function drawFlow(cell) {
  const order = inOrder(cell, (run) => run.flow.length > 0);
  const values = order.flatMap((i) => runs[i].flow.flat()).filter((norm) => norm > 0 && Number.isFinite(norm));
  const range = [Math.max(LEAST, Math.min(0.1, ...values) / 2), Math.max(1, ...values) * 2];
  const length = library.window();
  plots.flow.begin(
    { range: [1 - length, 0], ticks: [-40, -30, -20, -10, 0], label: "time steps before the last", format: (t) => String(Math.abs(t)) },
    { range, ticks: powers(range), log: true, label: "|\u2202L/\u2202h\u209c|, at the last step 1", format: power },
  );
  for (const i of order) {
    runs[i].flow.forEach((norms, state) => {
      const points = norms.map((norm, t) => [t + 1 - length, norm]);
      plots.flow.curve(points, color(`cell-${i}`), { width: i === cell ? 2.5 : 1, dash: state ? [5, 4] : [] });
    });
  }
  plots.flow.legend(legendOf(order, cell));
  $("flow-caption").textContent = flowSentence(cell, length);
}

function flowSentence(cell, length) {
  const first = runs[cell].flow.map((norms) => norms[0]);
  const carried = first[first.length - 1];
  const verb = carried < 1e-3 ? "vanishes" : carried > 10 ? "explodes" : "lasts";
  const ofCell = first.length > 1 ? `, that of its cell state c (dashed) ${times(first[1])}` : "";
  return (
    `On its way back through time the gradient ${verb}: ${length - 1} steps before the last, that of ${CELLS[cell]}'s state h ` +
    `is ${times(first[0])} what it is at the last step${ofCell}. Thin lines: the other cells, as last seen.`
  );
}

/** A ratio with one digit: 3 times, 0.02 times, 4 · 10⁻⁶ times. */
function times(ratio) {
  if (ratio === 0 || (ratio > 0.001 && ratio < 1000)) return `${Number(ratio.toPrecision(1))} times`;
  const [digit, exponent] = ratio.toExponential(0).split("e").map(Number);
  return `${digit} \u00b7 ${power(10 ** exponent)} times`;
}
