"""Times several ways of doing a thing in turn, A B A B …, each in a process of its own.

What else the machine does then weighs on all of them alike, a ratio is of neighbours in time, and
no way meets another's threads or memory. Needs nothing but Python, as not every way has more.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import median, quantiles
from typing import Any

Answer = dict[str, Any]
THREADS = len(os.sched_getaffinity(0))  # that each way is given


def run(main: Callable[[], None], works: Sequence[Callable[..., Callable[[], Answer]]]) -> None:
    """Be a script, or the worker of it that `own` has started; `works` prepare what a turn does."""
    if sys.argv[1:2] != ["--work"]:
        main()
        return
    prepare = {f.__name__: f for f in works}[sys.argv[2]]
    serve(prepare(*sys.argv[3:]))


def serve(work: Callable[[], Answer]) -> None:
    """Be a worker: do the work once for each line on stdin, and answer with its figures."""
    for _ in sys.stdin:
        print(json.dumps(work()), flush=True)


class Worker:
    """A process that serves.

    Args:
        command: what starts it.
        environment: variables beside the present ones.
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
        raise SystemExit(f"{' '.join(self.command)} ended before its time")

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def own(work: str, *args: str, **environment: str) -> Worker:
    """The running script once more, as a worker of `run`."""
    return Worker(
        sys.executable, sys.argv[0], "--work", work, *args,
        TF_CPP_MIN_LOG_LEVEL="3", **environment,
    )  # fmt: skip


def take_turns(
    workers: Mapping[str, Worker], rounds: int, unheard: int = 2
) -> dict[str, list[Answer]]:
    """What each worker answers in each round, after a few rounds that only warm them up."""
    answers: dict[str, list[Answer]] = {name: [] for name in workers}
    for turn in range(unheard + rounds):
        for name, worker in workers.items():
            answer = worker.ask()
            if turn >= unheard:
                answers[name].append(answer)
    for worker in workers.values():
        worker.close()
    return answers


def middle(answers: list[Answer], figure: str) -> float:
    """The median over the rounds."""
    return median(answer[figure] for answer in answers)


def beside(ours: list[Answer], theirs: list[Answer], figure: str) -> str:
    """How many times theirs ours is, round by round: the median, and between which two values the
    middle half of the rounds is."""
    times = [a[figure] / b[figure] for a, b in zip(ours, theirs, strict=True)]
    low, half, high = quantiles(times, n=4, method="inclusive")
    return f"{half:.2f} ({low:.2f}–{high:.2f})"
