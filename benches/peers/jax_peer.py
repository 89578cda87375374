"""The workloads in JAX: one jax.jit of jax.value_and_grad, and lax.scan over the steps with the inputs projected before it."""

from common import kind, normal, orthogonal, sequences, serve, spec, vectors

import os

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn


def weight(inputs, outputs):
    return normal(inputs, outputs, scale=inputs**-0.5)


def dense(inputs, outputs):
    return {"w": weight(inputs, outputs), "b": np.zeros(outputs, np.float32)}


def apply(layer, x):
    return x @ layer["w"] + layer["b"]


def norm(layer, x):
    centred = x - x.mean(-1, keepdims=True)
    return centred * lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * layer["w"] + layer["b"]


GATES = {"rnn": 1, "mgu": 2, "mingru": 2, "gru": 3, "lstm": 4, "plainlstm": 4, "peephole": 4, "lnlstm": 4}


def cell(inputs, hidden):
    """Fresh weights."""
    gates = GATES[spec["cell"]]
    p = dense(inputs, gates * hidden) | {"u": np.concatenate([orthogonal(hidden) for _ in range(gates)], 1)}
    if spec["cell"] == "mingru":
        del p["u"]
    if spec["cell"] == "gru":
        p["b_n"] = np.zeros(hidden, np.float32)
    if spec["cell"] == "mgu":
        p["u_f"], p["u_c"] = np.split(p.pop("u"), 2, 1)
    if spec["cell"] == "peephole":
        p |= {name: np.full(hidden, value, np.float32) for name, value in (("p_i", 0.1), ("p_f", 0.2), ("p_o", -0.1))}
    if spec["cell"] == "lnlstm":
        del p["b"]
        widths = {"norm_x": gates * hidden, "norm_h": gates * hidden, "norm_c": hidden}
        p |= {name: {"w": np.ones(n, np.float32), "b": np.zeros(n, np.float32)} for name, n in widths.items()}
    return p


def rnn(p, h, x):
    h = jnp.tanh(x + h @ p["u"])
    return h, h


def lstm(p, state, x):
    h, c = state
    i, f, g, o = jnp.split(x + h @ p["u"], 4, -1)
    c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
    h = nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def gru(p, h, x):
    (xr, xz, xn), (hr, hz, hn) = jnp.split(x, 3, -1), jnp.split(h @ p["u"], 3, -1)
    r, z = nn.sigmoid(xr + hr), nn.sigmoid(xz + hz)
    n = jnp.tanh(xn + r * (hn + p["b_n"]))
    h = (1 - z) * n + z * h
    return h, h


def peephole(p, state, x):
    h, c = state
    i, f, g, o = jnp.split(x + h @ p["u"], 4, -1)
    i, f = nn.sigmoid(i + p["p_i"] * c), nn.sigmoid(f + p["p_f"] * c)
    c = f * c + i * jnp.tanh(g)
    h = nn.sigmoid(o + p["p_o"] * c) * jnp.tanh(c)
    return (h, c), h


def mgu(p, h, x):
    xf, xc = jnp.split(x, 2, -1)
    f = nn.sigmoid(xf + h @ p["u_f"])
    c = jnp.tanh(xc + (f * h) @ p["u_c"])
    h = h + f * (c - h)
    return h, h


def lnlstm(p, state, x):
    h, c = state
    i, f, g, o = jnp.split(x + norm(p["norm_h"], h @ p["u"]), 4, -1)
    c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
    h = nn.sigmoid(o) * jnp.tanh(norm(p["norm_c"], c))
    return (h, c), h


STEPS = {"rnn": rnn, "gru": gru, "lstm": lstm, "plainlstm": lstm, "peephole": peephole, "mgu": mgu, "lnlstm": lnlstm}


def min_gru(p, xs):
    z, n = jnp.split(apply(p, xs), 2, -1)
    z = nn.sigmoid(z)
    join = lambda left, right: (left[0] * right[0], right[0] * left[1] + right[1])
    return lax.associative_scan(join, (1 - z, z * n))[1]


def min_gru_scan(p, xs):
    z, n = jnp.split(apply(p, xs), 2, -1)
    def step(h, gates):
        h = h + gates[0] * (gates[1] - h)
        return h, h
    return lax.scan(step, jnp.zeros(z.shape[1:]), (nn.sigmoid(z), n))[1]


def layer(p, xs):
    name = spec["cell"]
    if name == "mingru":
        return (min_gru_scan if os.environ.get("MIN_GRU") == "scan" else min_gru)(p, xs)
    hidden = p["u_f" if name == "mgu" else "u"].shape[0]
    projected = norm(p["norm_x"], xs @ p["w"]) if name == "lnlstm" else apply(p, xs)
    zeros = jnp.zeros((xs.shape[1], hidden))
    state = zeros if name in ("rnn", "gru", "mgu") else (zeros, zeros)
    unroll = 5 if xs.shape[1] == 1 else 1  # what was fastest of 1, 2, 5, 10: a sixth at B = 1, a loss elsewhere
    return lax.scan(lambda state, x: STEPS[name](p, state, x), state, projected, unroll=unroll)[1]


def model():
    """Fresh weights."""
    widths = [spec["I"], *spec["layers"]]
    weights = {"layers": [cell(a, b) for a, b in zip(widths, widths[1:])]}
    if "vocab" in spec:
        weights["embedding"] = normal(spec["vocab"], spec["I"])
    if spec.get("dense"):
        weights["head"] = dense(widths[-1], spec["dense"])
    return weights


def recurrent(weights, xs):
    if "embedding" in weights:
        xs = weights["embedding"][xs]
    for p in weights["layers"]:
        xs = layer(p, xs)
    if spec.get("on") == "last":
        xs = xs[-1]
    return apply(weights["head"], xs) if "head" in weights else xs


def mlp(layers, x):
    for p in layers[:-1]:
        x = nn.relu(apply(p, x))
    return apply(layers[-1], x)


def loss_of(output, target):
    if target is None:
        return (output**2).mean()
    if jnp.issubdtype(target.dtype, jnp.integer):
        return -jnp.take_along_axis(nn.log_softmax(output), target[..., None], -1).mean()
    return ((output - target) ** 2).mean()


def training(forward, weights, inputs, target):
    weights, inputs = jax.tree.map(jnp.asarray, (weights, inputs))
    target = None if target is None else jnp.asarray(target)
    gradient = jax.jit(jax.value_and_grad(lambda weights, xs, ys: loss_of(forward(weights, xs), ys)))
    return lambda: jax.block_until_ready(gradient(weights, inputs, target))


def chain(link, count, x, y):
    """The gradient through `count` links with respect to both."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    end = lambda x, y: lax.scan(lambda x, _: (link(x, y), None), x, length=count)[0].sum()
    gradient = jax.jit(jax.grad(end, argnums=(0, 1)))
    return lambda: jax.block_until_ready(gradient(x, y))


if kind in ("seq", "custom"):
    step = training(recurrent, model(), *sequences())
elif kind == "mlp":
    step = training(mlp, [dense(a, b) for a, b in zip(spec["sizes"], spec["sizes"][1:])], *vectors())
elif kind == "tape":
    step = chain(lambda x, y: jnp.tanh(x * y + y), spec["iters"], normal(spec["size"]), normal(spec["size"]))
else:
    step = chain(lambda x, w: x @ w, spec["count"], orthogonal(spec["n"]), orthogonal(spec["n"]))

serve(step, f"jax {jax.__version__}")
