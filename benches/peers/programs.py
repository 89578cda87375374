"""Prints which of the programs beside this file the running Python can run, as a list in JSON."""

import importlib.util
import json


def has(module):
    return importlib.util.find_spec(module) is not None


programs = []
if has("torch"):
    programs += [("torch_eager", "torch_peer.py"), ("torch_script", "torch_peer.py")]
if has("jax"):
    programs += [("jax", "jax_peer.py")]
if has("keras"):
    backends = [backend for backend in ("jax", "torch", "tensorflow") if has(backend)]
    programs += [(f"keras_{backend}", "keras_peer.py") for backend in backends]
print(json.dumps([{"name": name, "script": script} for name, script in programs]))
