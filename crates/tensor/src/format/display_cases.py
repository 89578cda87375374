"""Writes display_cases.txt: arrays and the text that NumPy prints for them, which a test compares with `Display`.

Run with NumPy 2.4: `python display_cases.py > display_cases.txt`. Each case is a line with the element type, the shape,
the precision and the elements (or `mod 13`: each position in row-major order modulo 13), then NumPy's text, each line
of it after a colon.
"""

import numpy as np


def case(array, precision=8):
    shape = ",".join(map(str, array.shape))
    elements = "mod 13" if array.size > 1000 else " ".join(repr(x) for x in array.ravel().tolist())
    print(f"{array.dtype.name}|{shape}|{precision}|{elements}")
    with np.printoptions(precision=precision):
        print("\n".join(":" + line for line in str(array).split("\n")))


rng = np.random.default_rng(0)
nan, inf = np.nan, np.inf
lists = [
    [], [1.0], [0.0, -0.0], [1.5, 2.0, 3.25], [-1.0, 10.0, 0.5], [0.1, 0.2, 0.3], [1 / 3, 2 / 3], [nan], [inf, -inf, nan],
    [1.0, nan, -inf], [nan, 0.25], [1e-5, 1.0], [1e-4, 0.1], [0.99e-4], [1e8], [1e8 - 8], [123456.0, 1.0], [1000.0, 1.0],
    [1001.0, 1.0], [1e-30, -2.5e30], [1e20, inf], [1e-20, nan, 3.0], [5e-324, 1.0], [1.23456789012, 2.0],
    [0.1234567850001, 1.0], [1.23456789012e10, 3.0], [99999999.5], [0.000123456789], [-3.0, -4.0], [1e-3, 1.0, 0.1],
    [0.3333333333e-7, 0.25e-7], [-1976105.25], [2.0**0.5 * 10.0**k for k in range(-3, 8)],
]
for values in lists:
    for dtype in (np.float64, np.float32):
        with np.errstate(over="ignore"):
            case(np.array(values, dtype))
for value in [0.0, 1.0, -2.5, 0.1, 1 / 3, 1e-4, 1e-5, 1.5e-7, 123456789.0, 1e15, 1e16, 1.25e16, 1e100, nan, inf, -inf]:
    for dtype in (np.float64, np.float32):
        with np.errstate(over="ignore"):
            case(np.array(value, dtype))
for shape in [(2, 2), (1, 3), (3, 1), (2, 3, 2), (2, 1, 1, 2), (1, 2, 1, 2, 1), (1, 1, 1, 1, 1, 1), (0, 3), (2, 0), (3, 13), (25,)]:
    case(rng.normal(size=shape).astype(np.float32))
    case(rng.integers(-20, 20, size=shape).astype(np.float64))
for shape in [(2, 3), (11,)]:
    for precision in (0, 1, 3):
        case(rng.normal(size=shape), precision)
        case(np.exp(4 * rng.normal(size=shape)), precision)
    case(np.exp(9 * rng.normal(size=shape)).astype(np.float32))
for shape in [(1001,), (200, 6), (7, 200), (8, 9, 20), (1100, 1), (1, 1100), (7, 4, 7, 6)]:
    case((np.arange(np.prod(shape)).reshape(shape) % 13).astype(np.float32))
