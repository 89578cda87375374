"""Train the forecasting example's models with Keras 3, for comparison.

    python benches/peers/keras_forecast.py --model deep --seeds 3 --threads 1

Prints one JSON line per fit.  "seconds" is the wall clock of model.fit alone,
which includes the per-epoch validation and, with jax, the compilation of the
model; "test_mse" is measured on the 1000 test series.  Works with keras
3.15.1 and jax 0.10.2 or torch 2.15.0; needs only numpy besides those.
"""

import argparse
import json
import os
import time

MODELS = ["dense", "rnn1", "deep", "deep_dense", "lstm", "gru"]

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--backend", choices=["jax", "tensorflow", "torch"], default="jax")
parser.add_argument("--threads", type=int, help="run on this many cores (Linux); default all")
parser.add_argument("--model", action="append", choices=MODELS, help="repeatable; default all")
parser.add_argument("--seeds", type=int, default=1, help="fit with seeds 0..SEEDS-1")
parser.add_argument("--epochs", type=int, default=20)
args = parser.parse_args()

# The backend and the cores must be settled before the libraries start their
# thread pools.  jax has no setting for its CPU threads: it counts the cores
# that the process may use, so the process is pinned.
os.environ["KERAS_BACKEND"] = args.backend
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["KERAS_TORCH_DEVICE"] = "cpu"
if args.threads is not None:
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= args.threads <= len(cores):
        parser.error(f"--threads must be 1 to {len(cores)} here")
    os.sched_setaffinity(0, cores[: args.threads])
    os.environ["OMP_NUM_THREADS"] = str(args.threads)

import keras
import numpy as np
from keras import layers

if args.backend == "torch" and args.threads is not None:
    import torch

    torch.set_num_threads(args.threads)


def generate(n_series, n_steps):
    """The same series as the Rust example: [n_series, n_steps, 1]."""
    np.random.seed(42)
    f1, f2, o1, o2 = np.random.rand(4, n_series, 1)
    t = np.linspace(0, 1, n_steps)
    s = 0.5 * np.sin((t - o1) * (f1 * 10 + 10))
    s += 0.2 * np.sin((t - o2) * (f2 * 20 + 20))
    s += 0.1 * (np.random.rand(n_series, n_steps) - 0.5)
    return s[:, :, None].astype(np.float32)


def build(name):
    if name == "dense":
        return keras.Sequential([keras.Input((50, 1)), layers.Flatten(), layers.Dense(1)])
    stack = {
        "rnn1": lambda: [layers.SimpleRNN(1)],
        "deep": lambda: [
            layers.SimpleRNN(20, return_sequences=True),
            layers.SimpleRNN(20, return_sequences=True),
            layers.SimpleRNN(1),
        ],
        "deep_dense": lambda: [
            layers.SimpleRNN(20, return_sequences=True),
            layers.SimpleRNN(20),
            layers.Dense(1),
        ],
        "lstm": lambda: [layers.LSTM(20, return_sequences=True), layers.LSTM(20), layers.Dense(1)],
        "gru": lambda: [layers.GRU(20, return_sequences=True), layers.GRU(20), layers.Dense(1)],
    }
    return keras.Sequential([keras.Input((None, 1)), *stack[name]()])


series = generate(10000, 51)
x, y = series[:, :50], series[:, 50]
train, valid, test = slice(0, 7000), slice(7000, 9000), slice(9000, None)

for name in args.model or MODELS:
    for seed in range(args.seeds):
        keras.utils.set_random_seed(seed)
        model = build(name)
        model.compile(loss="mse", optimizer=keras.optimizers.Adam())
        start = time.perf_counter()
        model.fit(
            x[train], y[train], epochs=args.epochs, batch_size=32,
            validation_data=(x[valid], y[valid]), verbose=0,
        )
        seconds = time.perf_counter() - start
        test_mse = model.evaluate(x[test], y[test], verbose=0)
        print(json.dumps({
            "model": name, "seed": seed, "seconds": round(seconds, 3),
            "test_mse": float(test_mse), "epochs": args.epochs,
            "backend": args.backend, "threads": args.threads,
        }), flush=True)
