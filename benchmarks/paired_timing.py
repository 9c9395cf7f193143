"""Paired timing: candidates take turns (A B A B …), each in its own process.

Other load on the machine then affects all candidates alike, ratios compare neighbouring turns, and
candidates share neither threads nor memory. This module uses the standard library only, because
some candidates run in environments that have nothing else.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import median, quantiles
from typing import Any

Measurements = dict[str, Any]
THREADS = len(os.sched_getaffinity(0))  # for each candidate


def run(
    main: Callable[[], None], candidates: Sequence[Callable[..., Callable[[], Measurements]]]
) -> None:
    """Run `main`, or, in a process that `own` started, one of the candidates.

    Args:
        main: of the benchmark.
        candidates: functions that prepare a candidate and return what it does in each turn; a
            worker finds its own by name.
    """
    if sys.argv[1:2] != ["--work"]:
        main()
        return
    prepare = {f.__name__: f for f in candidates}[sys.argv[2]]
    serve(prepare(*sys.argv[3:]))


def serve(take_turn: Callable[[], Measurements]) -> None:
    """Take one turn for each line on stdin, and print its measurements as JSON."""
    for _ in sys.stdin:
        print(json.dumps(take_turn()), flush=True)


class Worker:
    """A process that runs `serve`.

    Args:
        command: starts the process.
        environment: variables in addition to the current ones.
    """

    def __init__(self, *command: str, **environment: str):
        self.command = command
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )

    def take_turn(self) -> Measurements:
        """Make the process take one turn."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit(f"{' '.join(self.command)} ended early")

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def own(candidate: str, *args: str, **environment: str) -> Worker:
    """Start the running module once more, as a worker of `run`."""
    module = sys.modules["__main__"].__spec__
    assert module, "run it as a module: python -m benchmarks.…"
    return Worker(
        sys.executable, "-m", module.name, "--work", candidate, *args,
        TF_CPP_MIN_LOG_LEVEL="3", **environment,
    )  # fmt: skip


def take_turns(
    workers: Mapping[str, Worker], rounds: int, warm_up: int = 2
) -> dict[str, list[Measurements]]:
    """The measurements of each worker in each round.

    Args:
        workers: by name; they are closed at the end.
        rounds: that are measured.
        warm_up: rounds before them.
    """
    measurements: dict[str, list[Measurements]] = {name: [] for name in workers}
    for turn in range(warm_up + rounds):
        for name, worker in workers.items():
            result = worker.take_turn()
            if turn >= warm_up:
                measurements[name].append(result)
    for worker in workers.values():
        worker.close()
    return measurements


def median_of(turns: list[Measurements], name: str) -> float:
    """The median of a measurement over the rounds."""
    return median(turn[name] for turn in turns)


def ratio(first: list[Measurements], second: list[Measurements], name: str) -> str:
    """First ÷ second, round by round: median and interquartile range."""
    ratios = [a[name] / b[name] for a, b in zip(first, second, strict=True)]
    low, half, high = quantiles(ratios, n=4, method="inclusive")
    return f"{half:.2f} ({low:.2f}–{high:.2f})"
