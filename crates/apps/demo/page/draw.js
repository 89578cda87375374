// Drawing the series: with the mouse, a finger or a pen, or with the arrow keys.

/** Calls `changed` while points of `series` are moved, and `ended` after. `plot` places them. */
function drawing(plot, series, changed, ended) {
  const canvas = plot.canvas;
  let last = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const { left, right, top, bottom } = plot.area;
    const t = ((event.clientX - box.left - left) / (right - left)) * (POINTS + FORECAST - 1);
    const value = 1 - (2 * (event.clientY - box.top - top)) / (bottom - top);
    return [Math.round(Math.min(Math.max(t, 0), POINTS - 1)), Math.min(Math.max(value, -1), 1)];
  };
  const move = (event) => {
    const [t, value] = place(event);
    const [from, start] = last ?? [t, value];
    const steps = Math.max(1, Math.abs(t - from));
    for (let i = 0; i <= steps; i++) {
      series[from + Math.sign(t - from) * i] = start + ((value - start) * i) / steps;
    }
    last = [t, value];
    changed();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    last = null;
    move(event);
    event.preventDefault();
    canvas.focus({ preventScroll: true, focusVisible: false });
  });
  canvas.addEventListener("pointermove", (event) => last && move(event));
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (last) ended();
      last = null;
    });
  }
  const cursor = { t: POINTS - 1, visible: false };
  const WIDTH = 5;
  canvas.addEventListener("keydown", (event) => {
    const [along, up] = { ArrowLeft: [-2, 0], ArrowRight: [2, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key] ?? [];
    if (along === undefined) return;
    event.preventDefault();
    cursor.t = Math.min(Math.max(cursor.t + along, 0), POINTS - 1);
    for (let t = 0; up && t < POINTS; t++) {
      const value = series[t] + up * Math.exp(-(((t - cursor.t) / WIDTH) ** 2));
      series[t] = Math.min(Math.max(value, -1), 1);
    }
    changed();
    if (up) ended();
  });
  canvas.addEventListener("focus", () => {
    cursor.visible = canvas.matches(":focus-visible");
    changed();
  });
  canvas.addEventListener("blur", () => {
    cursor.visible = false;
    changed();
  });
  return cursor;
}
