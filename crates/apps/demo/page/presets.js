// The series that can be chosen: POINTS values between -1 and 1.
const POINTS = 240;
const FORECAST = 96;

/** A generator of numbers between 0 and 1 whose noise is the same on every visit (Lehmer 1949). */
function noise(seed) {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

const PRESETS = {
  sine: (t) => 0.8 * Math.sin((2 * Math.PI * t) / 40),
  sines: (t) => 0.5 * Math.sin((2 * Math.PI * t) / 40) + 0.35 * Math.sin((2 * Math.PI * t) / 15),
  square: (t) => (t % 40 < 20 ? 0.7 : -0.7),
  trend: (t, random) => -0.8 + (1.2 * t) / POINTS + 0.2 * Math.sin((2 * Math.PI * t) / 30) + 0.2 * (random() - 0.5),
};

function preset(name) {
  const random = noise(1);
  return Float32Array.from({ length: POINTS }, (_, t) => PRESETS[name](t, random));
}
