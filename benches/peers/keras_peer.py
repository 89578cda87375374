"""The workloads in Keras 3, on jax (one jax.jit of the gradient), on tensorflow (tf.function), or on torch (eager).

The library's layers, and keras.layers.RNN over cells of one's own where it has none.  Sequences are [B, T, F] here.
"""

import os

from common import args, kind, normal, orthogonal, sequences, serve, spec, threads, vectors

backend = args.program.removeprefix("keras_")
os.environ["KERAS_BACKEND"] = backend
os.environ["KERAS_TORCH_DEVICE"] = "cpu"

if backend == "tensorflow":
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
elif backend == "torch":
    import torch

    torch.set_num_threads(threads)
else:
    import jax

import keras
import numpy as np
from keras import layers, ops


class Custom(keras.layers.Layer):
    """What the hand-written cells have in common: the weights."""

    gates, states = 4, 2

    def __init__(self, units):
        super().__init__()
        self.units = self.output_size = units
        self.state_size = [units] * self.states

    def build(self, shape):
        orthogonal_blocks = np.concatenate([orthogonal(self.units) for _ in range(self.gates)], 1)
        self.w = self.add_weight(shape=(shape[-1], self.gates * self.units), initializer="glorot_uniform")
        self.b = self.add_weight(shape=(self.gates * self.units,), initializer="zeros")
        self.u = self.add_weight(
            shape=orthogonal_blocks.shape, initializer=lambda *_, **__: ops.convert_to_tensor(orthogonal_blocks)
        )


class PlainLstm(Custom):
    def call(self, x, state):
        h, c = state
        i, f, g, o = ops.split(ops.matmul(x, self.w) + self.b + ops.matmul(h, self.u), 4, -1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        h = ops.sigmoid(o) * ops.tanh(c)
        return h, [h, c]


class Peephole(Custom):
    def build(self, shape):
        super().build(shape)
        self.p_i, self.p_f, self.p_o = (self.add_weight(shape=(self.units,), initializer="zeros") for _ in range(3))

    def call(self, x, state):
        h, c = state
        i, f, g, o = ops.split(ops.matmul(x, self.w) + self.b + ops.matmul(h, self.u), 4, -1)
        i, f = ops.sigmoid(i + self.p_i * c), ops.sigmoid(f + self.p_f * c)
        c = f * c + i * ops.tanh(g)
        h = ops.sigmoid(o + self.p_o * c) * ops.tanh(c)
        return h, [h, c]


class Mgu(Custom):
    gates, states = 1, 1

    def build(self, shape):
        super().build(shape)
        self.u_c = self.add_weight(shape=(self.units, self.units), initializer="orthogonal")
        self.w_c = self.add_weight(shape=(shape[-1], self.units), initializer="glorot_uniform")
        self.b_c = self.add_weight(shape=(self.units,), initializer="zeros")

    def call(self, x, state):
        (h,) = state
        f = ops.sigmoid(ops.matmul(x, self.w) + self.b + ops.matmul(h, self.u))
        c = ops.tanh(ops.matmul(x, self.w_c) + self.b_c + ops.matmul(f * h, self.u_c))
        h = h + f * (c - h)
        return h, [h]


class MinGru(Custom):
    gates, states = 2, 1

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 2 * self.units), initializer="glorot_uniform")
        self.b = self.add_weight(shape=(2 * self.units,), initializer="zeros")

    def call(self, x, state):
        (h,) = state
        z, n = ops.split(ops.matmul(x, self.w) + self.b, 2, -1)
        h = h + ops.sigmoid(z) * (n - h)
        return h, [h]


class LayerNormLstm(Custom):
    def build(self, shape):
        super().build(shape)
        self.norm_x, self.norm_h, self.norm_c = (layers.LayerNormalization(epsilon=1e-5) for _ in range(3))
        self.norm_x.build((None, 4 * self.units))
        self.norm_h.build((None, 4 * self.units))
        self.norm_c.build((None, self.units))

    def call(self, x, state):
        h, c = state
        gates = self.norm_x(ops.matmul(x, self.w)) + self.norm_h(ops.matmul(h, self.u)) + self.b
        i, f, g, o = ops.split(gates, 4, -1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        h = ops.sigmoid(o) * ops.tanh(self.norm_c(c))
        return h, [h, c]


LIBRARY = {"rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}
CUSTOM = {"plainlstm": PlainLstm, "peephole": Peephole, "mgu": Mgu, "lnlstm": LayerNormLstm, "mingru": MinGru}


def recurrent():
    tokens = "vocab" in spec
    model = [keras.Input((spec["T"],) if tokens else (spec["T"], spec["I"]), batch_size=spec["B"])]
    if tokens:
        model += [layers.Embedding(spec["vocab"], spec["I"])]
    for i, units in enumerate(spec["layers"]):
        sequence = spec.get("on") != "last" or i + 1 < len(spec["layers"])
        if spec["cell"] in CUSTOM:
            model += [layers.RNN(CUSTOM[spec["cell"]](units), return_sequences=sequence)]
        else:
            model += [LIBRARY[spec["cell"]](units, return_sequences=sequence)]
    if spec.get("dense"):
        model += [layers.Dense(spec["dense"])]
    inputs, targets = sequences()
    inputs = np.ascontiguousarray(np.swapaxes(inputs, 0, 1))
    if spec["loss"] == "xent":
        targets = np.ascontiguousarray(targets.T)
    return keras.Sequential(model), inputs, targets


def mlp():
    *hidden, outputs = spec["sizes"][1:]
    model = [keras.Input((spec["sizes"][0],), batch_size=spec["B"])]
    model += [layers.Dense(units, activation="relu") for units in hidden]
    return keras.Sequential([*model, layers.Dense(outputs)]), *vectors()


def loss_of(output, target):
    if target is None:
        return ops.mean(ops.square(output))
    if "int" in keras.backend.standardize_dtype(target.dtype):
        return ops.mean(keras.losses.sparse_categorical_crossentropy(target, output, from_logits=True))
    return ops.mean(ops.square(output - target))


def training(model, inputs, target):
    inputs, target = ops.convert_to_tensor(inputs), None if target is None else ops.convert_to_tensor(target)
    if backend == "jax":

        def loss(weights, state, xs, ys):
            return loss_of(model.stateless_call(weights, state, xs, training=True)[0], ys)

        weights, state = ([v.value for v in vs] for vs in (model.trainable_variables, model.non_trainable_variables))
        gradient = jax.jit(jax.value_and_grad(loss))
        return lambda: jax.block_until_ready(gradient(weights, state, inputs, target))
    if backend == "tensorflow":
        variables = [v.value for v in model.trainable_variables]

        @tf.function
        def step(xs, ys):
            with tf.GradientTape() as tape:
                loss = loss_of(model(xs, training=True), ys)
            return loss, tape.gradient(loss, variables)

        return lambda: step(inputs, target)[0].numpy()
    weights = [v.value for v in model.trainable_variables]

    def step():
        loss = loss_of(model(inputs, training=True), target)
        return loss, torch.autograd.grad(loss, weights)

    return step


def chain(link, count, x, y):
    """The gradient through `count` links with respect to both."""
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)

    def end(x, y):
        return ops.sum(ops.fori_loop(0, count, lambda _, x: link(x, y), x))

    if backend == "jax":
        gradient = jax.jit(jax.grad(end, argnums=(0, 1)))
        return lambda: jax.block_until_ready(gradient(x, y))
    if backend == "tensorflow":

        @tf.function
        def gradient(x, y):
            with tf.GradientTape() as tape:
                tape.watch([x, y])
                result = end(x, y)
            return tape.gradient(result, [x, y])

        return lambda: gradient(x, y)[0].numpy()
    x, y = x.requires_grad_(), y.requires_grad_()
    return lambda: torch.autograd.grad(end(x, y), (x, y))


if kind in ("seq", "custom"):
    step = training(*recurrent())
elif kind == "mlp":
    step = training(*mlp())
elif kind == "tape":
    step = chain(lambda x, y: ops.tanh(x * y + y), spec["iters"], normal(spec["size"]), normal(spec["size"]))
else:
    step = chain(ops.matmul, spec["count"], orthogonal(spec["n"]), orthogonal(spec["n"]))

serve(step, f"keras {keras.__version__} on {backend}")
