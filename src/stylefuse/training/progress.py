"""Progress of a training on the terminal, and in logs."""

from collections.abc import Mapping, Sequence
from types import TracebackType

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class TrainingProgress:
    """A progress bar with speed and the newest metrics; a context manager.

    Args:
        model: the model's name.
        steps: of the whole run.
        batch: pictures in a step.
    """

    def __init__(self, model: str, steps: int, batch: int):
        self.model, self.steps, self.batch = model, steps, batch
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"), refresh_per_second=2,
        )  # fmt: skip

    def __enter__(self) -> "TrainingProgress":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def start(self, step: int) -> None:
        """Show the bar; a resumed run starts at a later step than 0."""
        self._task = self._progress.add_task(
            f"training {self.model}", total=self.steps, completed=step, note="compiling"
        )
        if step:
            self._progress.console.print(
                f"training {self.model} resumes at {self._kimg(step)} kimg"
            )

    def update(self, step: int, history: Sequence[Mapping[str, float]]) -> None:
        """Move the bar."""
        note = self._note(history)
        self._progress.update(self._task, completed=step, note=note)

    def log(self, step: int, history: Sequence[Mapping[str, float]]) -> None:
        """Print a line where the output is a file, which shows no bar."""
        if not self._progress.console.is_terminal:
            kimg = f"{self._kimg(step)} of {self._kimg(self.steps)} kimg"
            self._progress.console.print(f"training {self.model}: {kimg}  {self._note(history)}")

    def _kimg(self, step: int) -> str:
        return f"{step * self.batch / 1000:g}"

    def _note(self, history: Sequence[Mapping[str, float]]) -> str:
        speed = self._progress.tasks[self._task].speed
        rate = f"{speed * self.batch:.0f} img/s" if speed else ""
        if not history:
            return rate
        row = history[-1]
        return (
            f"{rate}  D {row['discriminator_loss']:.2f} (real {row['accuracy_real']:.0%}, "
            f"fake {row['accuracy_fake']:.0%})  G {row['adversarial']:.2f}"
        )
