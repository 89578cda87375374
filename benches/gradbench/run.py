"""Runs evals of a checkout of GradBench with several tools in turn, without Docker, and prints a table.

    python3 run.py --suite ../gradbench --unspool target/release/unspool-gradbench --evals gmm,lse

Each tool has a process of its own eval, which also validates its outputs. All of them send the same
messages in the same order; one message at a time is passed on, to one tool after the other, so that
other load on the machine affects all tools. See README.md for what the table states.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

EVALS = ["hello", "gmm", "lstm", "kmeans", "lse", "llsq", "ode", "det", "ba", "ht", "saddle", "particle"]
TOOLS = ["unspool", "manual", "pytorch", "jax"]
OBJECTIVES = {"objective", "primal", "cost", "square"}
GRADIENTS = {"jacobian", "gradient", "dir", "double"}

# JAX returns before a result is there, and the tool of the suite does not wait for it.
WAITING_JAX = """
import runpy, sys
import jax
from gradbench import wrap
multiple_runs = wrap.multiple_runs
wrap.multiple_runs = lambda **how: lambda f: multiple_runs(**how)(lambda x: jax.block_until_ready(f(x)))
tool = sys.argv[1]
sys.path.insert(0, tool)
sys.argv = ["run.py", "--multithreaded"]  # without it, the tool leaves the core that it was given
runpy.run_path(tool + "/run.py", run_name="__main__")
"""


class Program:
    """An eval or a tool: lines of JSON out of it and into it."""

    def __init__(self, command, suite, core):
        environment = os.environ | {"PYTHONPATH": str(suite / "python/gradbench"), "OMP_NUM_THREADS": "1"}
        pinned = ["taskset", "-c", str(core)] if core is not None else []
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(pinned + command, cwd=suite, env=environment, text=True, **pipes)

    def send(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def receive(self):
        return self.process.stdout.readline()

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Session:
    """A tool with an eval of its own."""

    def __init__(self, name, arguments, eval_name):
        suite, python = arguments.suite.resolve(), str(arguments.python)
        tools = suite / "python/gradbench/gradbench/tools"
        command = {
            "unspool": [str(arguments.unspool.resolve())],
            "pytorch": [python, str(tools / "pytorch/run.py")],
            "jax": [python, "-c", WAITING_JAX, str(tools / "jax")],
        }.get(name, [sys.executable, str(suite / "python/gradbench/gradbench/cpp.py"), name])
        evaluation = [python, str(suite / f"python/gradbench/gradbench/evals/{eval_name}/run.py")]
        self.name, self.results, self.last, self.error = name, {}, None, None
        self.statistic = min if arguments.least else statistics.median
        self.eval = Program(evaluation + arguments.options.split(), suite, None)
        self.tool = Program(command, suite, arguments.core)
        self.message = None
        self.advance()

    def advance(self):
        """Passes messages on until the next evaluation, the last one of which was answered."""
        while line := self.eval.receive():
            message = json.loads(line)
            if message["kind"] == "evaluate":
                self.message = (line, message.get("description", ""), message["function"])
                return
            if message["kind"] == "analysis":
                self.last["valid"] = message["valid"]
                if not message["valid"]:
                    self.report(message["error"])
            if not self.pass_on(line):
                break
        self.message = None
        self.eval.stop()
        self.tool.stop()

    def pass_on(self, line):
        self.tool.send(line)
        answer = self.tool.receive()
        if not answer:
            self.report("the tool ended")
            return None
        response = json.loads(answer)
        if not response.get("success", True):
            self.report(response.get("error", "no success"))
        self.eval.send(answer)
        return response

    def evaluate(self):
        """Passes an evaluation on. Its time is the median of its runs, or the least."""
        line, size, function = self.message
        response = self.pass_on(line)
        self.last = {"valid": False, "seconds": None}
        self.results[size, function] = self.last
        if response and response.get("success"):
            runs = [t["nanoseconds"] for t in response["timings"] if t["name"] == "evaluate"]
            self.last["seconds"] = self.statistic(runs) / 1e9
        if response is None:
            self.message = None
            return
        self.advance()

    def cell(self, key):
        """The time in milliseconds, marked if the output was not valid."""
        result = self.results.get(key)
        if result is None or result["seconds"] is None:
            return "-"
        return f"{result['seconds'] * 1e3:.4g}{'' if result['valid'] else '!'}"

    def report(self, error):
        self.error = self.error or error
        print(f"  {self.name}: {error.strip().splitlines()[-1][:300]}", file=sys.stderr)


def run(eval_name, arguments):
    """The seconds and validity of each tool, size and function; the least of the rounds."""
    tools, results = arguments.tools.split(","), {}
    for _ in range(arguments.rounds):
        print(f"{eval_name + ', ms:':35}" + " ".join(f"{tool:>10}" for tool in tools), file=sys.stderr)
        sessions = [Session(tool, arguments, eval_name) for tool in tools]
        while any(session.message for session in sessions):
            key = next(session.message[1:] for session in sessions if session.message)
            for session in sessions:
                if session.message:
                    session.evaluate()
            cells = [session.cell(key) for session in sessions]
            print(f"  {key[0]:22} {key[1]:10}" + " ".join(f"{cell:>10}" for cell in cells), file=sys.stderr, flush=True)
        for session in sessions:
            of_tool = results.setdefault(session.name, {})
            for key, result in session.results.items():
                best = of_tool.setdefault(key, result)
                best["valid"] = best["valid"] and result["valid"]
                if result["seconds"] is not None and best["seconds"] is not None:
                    best["seconds"] = min(best["seconds"], result["seconds"])
    return results


def seconds(results, tool, size, functions):
    found = [r["seconds"] for (s, f), r in results.get(tool, {}).items() if s == size and f in functions and r["valid"]]
    return found[0] if found else None


def ratio(results, of, to):
    """The geometric mean, over the sizes that both have, of the time of one over that of the other."""
    sizes = dict.fromkeys(size for size, _ in results.get(of[0], {}))
    pairs = [(seconds(results, of[0], size, of[1]), seconds(results, to[0], size, to[1])) for size in sizes]
    logs = [math.log(a / b) for a, b in pairs if a and b]
    return f"{math.exp(sum(logs) / len(logs)):.3g}" if logs else "-"


def table(all_results):
    print("| eval | valid | gradient / manual | objective / manual | gradient / PyTorch | objective / PyTorch "
          "| gradient / JAX | objective / JAX | gradient / objective |")
    print("|---|---|---|---|---|---|---|---|---|")
    for eval_name, results in all_results.items():
        ours = results.get("unspool", {})
        valid = f"{sum(r['valid'] for r in ours.values())} of {len(ours)}"
        row = [ratio(results, ("unspool", f), (tool, f))
               for tool in ("manual", "pytorch", "jax") for f in (GRADIENTS, OBJECTIVES)]
        row.append(ratio(results, ("unspool", GRADIENTS), ("unspool", OBJECTIVES)))
        print(f"| {eval_name} | {valid} | {' | '.join(row)} |")


def table_of_modes(all_results):
    """The times of functions that are no objective with a gradient, but the same program in several modes."""
    modes = [(eval_name, tool, key[1], result) for eval_name, results in all_results.items()
             for tool, of_tool in results.items() for key, result in of_tool.items()
             if key[1] not in OBJECTIVES | GRADIENTS and result["valid"]]
    if modes:
        print("\n| eval | tool | mode | ms |\n|---|---|---|---|")
    for eval_name, tool, mode, result in modes:
        print(f"| {eval_name} | {tool} | {mode} | {result['seconds'] * 1e3:.3g} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, required=True, help="the checkout of gradbench/gradbench")
    parser.add_argument("--unspool", type=Path, default=Path("target/release/unspool-gradbench"), help="our program")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="a Python with what evals and tools need")
    parser.add_argument("--evals", default=",".join(EVALS))
    parser.add_argument("--tools", default=",".join(TOOLS), help="also any C++ tool of the suite that builds here")
    parser.add_argument("--options", default="", help="of the evals: '--min-runs 5 --min-seconds 0.5'")
    parser.add_argument("--core", type=int, help="the one core that the tools run on")
    parser.add_argument("--rounds", type=int, default=1, help="of each eval; the least time counts")
    parser.add_argument("--least", action="store_true", help="the least time of the runs counts, not their median: "
                        "where the machine has other work to do")
    arguments = parser.parse_args()
    all_results = {}
    for eval_name in arguments.evals.split(","):
        all_results[eval_name] = run(eval_name, arguments)
    table(all_results)
    table_of_modes(all_results)


if __name__ == "__main__":
    main()
