"""Times several ways of doing a thing in turn, A B A B …, each in a process of its own.

What else the machine does then weighs on all of them alike, a ratio is of neighbours in time, and
no way meets another's threads or memory.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from statistics import median

Answer = dict[str, float]


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


def ratio(ours: list[Answer], theirs: list[Answer], figure: str) -> float:
    """The median over the rounds of how many times theirs ours is."""
    return median(a[figure] / b[figure] for a, b in zip(ours, theirs, strict=True))
