"""What the programs share: their arguments, their cores, their data, and the conversation.

A program says {"ready": "its version"}, or {"skip": "why"}, when its work is made and has run a few times.  To a
number it answers how many nanoseconds that many steps took, to "memory" by how many bytes its resident memory had
grown at most since before the first step.  It ends with its input.

Import this before the libraries: they look at the cores and the environment when they start.
"""

import argparse
import json
import os
import sys
import time

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--workload", required=True)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--list", default=os.path.join(os.path.dirname(__file__), "..", "workloads.json"))
args = parser.parse_args()

threads = args.threads
if hasattr(os, "sched_setaffinity"):  # jax has no setting for its threads: it counts the cores
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = str(threads)
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
if threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false " + os.environ.get("XLA_FLAGS", "")

with open(args.list) as file:
    spec = json.load(file)[args.workload]
kind = spec["kind"]
if kind == "custom":
    spec["layers"] = [spec["H"]]
random = np.random.default_rng(0)


def normal(*shape, scale=0.5):
    return (random.normal(size=shape) * scale).astype(np.float32)


def orthogonal(n):
    return np.linalg.qr(random.normal(size=(n, n)))[0].astype(np.float32)


def sequences():
    """Inputs and targets [T, B, ..] of recurrent layers; there is no target for the mean of the squared output."""
    time_and_batch = (spec["T"], spec["B"])
    if "vocab" in spec:
        inputs = random.integers(spec["vocab"], size=time_and_batch)
    else:
        inputs = normal(*time_and_batch, spec["I"])
    targets = {
        "mse": lambda: normal(spec["B"], spec["dense"]),
        "xent": lambda: random.integers(spec["dense"], size=time_and_batch),
        "meansq": lambda: None,
    }[spec["loss"]]()
    return inputs, targets


def vectors():
    """Inputs [B, F] and classes [B]."""
    sizes = spec["sizes"]
    return normal(spec["B"], sizes[0]), random.integers(sizes[-1], size=spec["B"])


def skip(why):
    print(json.dumps({"skip": why}), flush=True)
    sys.exit()


def status(field):
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field))
    except OSError:
        return None


def serve(step, version):
    """Answers for `step`, a function that does one step to its end."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the peak starts again from here
    except OSError:
        pass
    baseline = status("VmRSS:")
    started, steps = time.perf_counter(), 0
    while steps < 4 or time.perf_counter() - started < 0.2:  # the first ones compile
        step()
        steps += 1
    print(json.dumps({"ready": version}), flush=True)
    for line in sys.stdin:
        if line.strip() == "memory":
            print(json.dumps(baseline and status("VmHWM:") - baseline), flush=True)
            continue
        count = int(line)
        started = time.perf_counter_ns()
        for _ in range(count):
            step()
        print(time.perf_counter_ns() - started, flush=True)
