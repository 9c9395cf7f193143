"""Paired timing: candidates take turns (A B A B …), each in a process of its own.

Other load on the machine then affects all candidates alike, ratios compare neighbours in time, and no
candidate shares threads or memory with another. Needs only Python, because some candidates have no more.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import median, quantiles
from typing import Any

Answer = dict[str, Any]
THREADS = len(os.sched_getaffinity(0))  # for each candidate


def run(main: Callable[[], None], works: Sequence[Callable[..., Callable[[], Answer]]]) -> None:
    """Run `main`, or a worker that `own` has started.

    Args:
        main: of the benchmark.
        works: functions that prepare what a worker does in each turn, found by name.
    """
    if sys.argv[1:2] != ["--work"]:
        main()
        return
    prepare = {f.__name__: f for f in works}[sys.argv[2]]
    serve(prepare(*sys.argv[3:]))


def serve(work: Callable[[], Answer]) -> None:
    """Do the work once for each line on stdin, and answer with its measurements as JSON."""
    for _ in sys.stdin:
        print(json.dumps(work()), flush=True)


class Worker:
    """A process that runs `serve`.

    Args:
        command: starts it.
        environment: variables beside the current ones.
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

    def ask(self) -> Answer:
        """Have the work done once."""
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


def own(work: str, *args: str, **environment: str) -> Worker:
    """The running module once more, as a worker of `run`."""
    module = sys.modules["__main__"].__spec__
    assert module, "run it as a module: python -m benchmarks.…"
    return Worker(
        sys.executable, "-m", module.name, "--work", work, *args,
        TF_CPP_MIN_LOG_LEVEL="3", **environment,
    )  # fmt: skip


def take_turns(
    workers: Mapping[str, Worker], rounds: int, warm_up: int = 2
) -> dict[str, list[Answer]]:
    """The answers of each worker in each round, after the rounds of warm-up."""
    answers: dict[str, list[Answer]] = {name: [] for name in workers}
    for turn in range(warm_up + rounds):
        for name, worker in workers.items():
            answer = worker.ask()
            if turn >= warm_up:
                answers[name].append(answer)
    for worker in workers.values():
        worker.close()
    return answers


def median_of(answers: list[Answer], name: str) -> float:
    """The median over the rounds."""
    return median(answer[name] for answer in answers)


def ratio(first: list[Answer], second: list[Answer], name: str) -> str:
    """First ÷ second, round by round: median and interquartile range."""
    ratios = [a[name] / b[name] for a, b in zip(first, second, strict=True)]
    low, half, high = quantiles(ratios, n=4, method="inclusive")
    return f"{half:.2f} ({low:.2f}–{high:.2f})"
