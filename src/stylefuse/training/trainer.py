"""The training loop of every model: steps, metrics, samples, checkpoints and the saved model."""

import csv
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from PIL import Image

from stylefuse.config import Params, Train
from stylefuse.errors import UserError
from stylefuse.fileio import flush_to_disk
from stylefuse.inference.model_folder import MANIFEST, WEIGHTS, weights_hash
from stylefuse.models.saving import save_generator, training_pictures
from stylefuse.paths import CHECKPOINTS, MODELS, NETWORKS, PREPARED, REPORTS, TRAINING_REPORTS
from stylefuse.training.checkpoints import (
    code_digest,
    data_digest,
    delete_checkpoints,
    load_checkpoint,
    lock_checkpoints,
    run_key,
    save_checkpoint,
)
from stylefuse.training.compile_steps import compile_steps
from stylefuse.training.diagnostics import ADVICE, alarms
from stylefuse.training.environment import write_environment
from stylefuse.training.progress import TrainingProgress
from stylefuse.training.state import TrainingState


class Tracker(Protocol):
    """Follows a training while it runs. No method may raise.

    `step` counts the pictures shown so far. `key` names everything that determines what the
    training computes, so that a resumed run has the same one.
    """

    def start(self, model: str, key: str, params: Params) -> None: ...
    def log_metrics(self, metrics: dict[str, float], step: int) -> None: ...
    def log_image(self, path: Path, step: int) -> None: ...
    def alarm(self, message: str) -> None: ...
    def finish(self, weights_hash: str) -> None: ...


def train(
    model: str,
    params: Params,
    tracker: Tracker | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Train a model in the chosen profile, or resume a stopped run of the same settings.

    Writes `models/MODEL/`, `reports/train/MODEL/` (`curves.csv` and `samples/`) and
    `reports/environments/MODEL.json`.

    Args:
        model: its name in `params.yaml`.
        params: all parameters.
        tracker: follows the run.
        stop: is called at every tick. If it returns True, the run saves a checkpoint and stops.

    Returns:
        Whether the run is finished.

    Raises:
        UserError: the run diverged (the last good checkpoint is kept), another process runs the
            same training, or the initial weights were trained on pictures that are held out now.
    """
    settings = params.model_settings(model)
    if settings.init_from:
        _check_held_out_pictures(settings.init_from)
    key = _key(model, params)
    checkpoints, report = CHECKPOINTS / model / key, TRAINING_REPORTS / model
    with lock_checkpoints(checkpoints):
        state = TrainingState(model, params)
        if tracker:
            tracker.start(model, key, params)
        run = _Run(state, checkpoints, report, tracker)
        if not run.advance_to_end(stop):
            return False
        save_generator(state.task, settings, state.averaged, MODELS / model)
        weights = json.loads((MODELS / model / MANIFEST).read_text())[WEIGHTS]
        _write_curves(run.history, report / "curves.csv")
        write_environment(model, weights)
        if tracker:
            tracker.finish(weights)
        flush_to_disk(MODELS / model, report)
        flush_to_disk(MODELS, TRAINING_REPORTS, REPORTS, recursive=False)
        delete_checkpoints(checkpoints)
    return True


class _Run:
    """A training on its way from the last checkpoint to the last step.

    Attributes:
        history: a row of metrics for every tick so far.
    """

    def __init__(
        self, state: TrainingState, checkpoints: Path, report: Path, tracker: Tracker | None
    ):
        self.state, self.checkpoints, self.report = state, checkpoints, report
        self.tracker = tracker
        self.step, self.history = load_checkpoint(checkpoints, state.variables)
        self._metrics: list[np.ndarray] = []  # of the steps since the last tick
        self._alarms: set[str] = set()  # each is raised once

    def advance_to_end(self, stop: Callable[[], bool]) -> bool:
        """Make the remaining steps; returns False if `stop` ended them before the last one."""
        shutil.rmtree(self.report, ignore_errors=True)
        self.report.mkdir(parents=True)
        schedule, settings = self.state.schedule, self.state.settings
        tick, samples = schedule.tick_steps, schedule.sample_steps
        advance = compile_steps(self.state)
        with TrainingProgress(self.state.task.name, schedule.steps, settings.batch) as progress:
            progress.start(self.step)
            while self.step < schedule.steps:
                to_tick = tick - self.step % tick
                count = min(settings.steps_per_call, to_tick, schedule.steps - self.step)
                self._take(advance(self.step, count))
                last = self.step == schedule.steps
                if self.step % tick == 0 or last:
                    self._end_tick()
                progress.update(self.step, self.history)
                if self.step % samples == 0:
                    progress.log(self.step, self.history)
                    if not last:
                        self._save_samples()
                        self._save_checkpoint()
                if self.step % tick == 0 and not last and stop():
                    self._save_checkpoint()
                    return False
        self._save_samples()
        return True

    @property
    def pictures(self) -> int:
        """Pictures shown so far."""
        return self.step * self.state.settings.batch

    def _take(self, metrics: np.ndarray) -> None:
        """Count steps and keep their metrics, `[steps, names]`."""
        finite = np.isfinite(metrics).all(axis=1)
        if not finite.all():
            raise UserError(
                f"training diverged at step {self.step + int(np.argmin(finite))}: a loss is not a "
                f"finite number. The last good checkpoint is kept in {self.checkpoints}. Lower "
                "learning_rate or raise r1 in params.yaml, then run again.",
                exit_code=1,
                code="training-diverged",
            )
        self._metrics.extend(metrics)
        self.step += len(metrics)

    def _end_tick(self) -> None:
        """Add a row to the history, and raise the alarms that it gives reason for."""
        state, kimg = self.state, self.pictures / 1000
        means = np.mean(self._metrics, 0).round(6).tolist()
        row = dict(zip(state.metric_names, means, strict=True))
        row["accuracy_held_out"] = round(state.held_out_accuracy(self.step), 6)
        row["augment"] = round(float(state.augment.value), 6)
        self.history.append({"kimg": kimg, **row})
        self._metrics.clear()
        if self.tracker:
            self.tracker.log_metrics(row, self.pictures)
        for name in set(alarms(self.history)) - self._alarms:
            self._alarms.add(name)
            message = f"{name} at {kimg:g} kimg; {ADVICE[name]}"
            sys.stderr.write(f"warning: {message}\n")
            if self.tracker:
                self.tracker.alarm(message)

    def _save_samples(self) -> None:
        """Save a sample grid beside the checkpoints, and copy all of them into the report: DVC
        empties the folder of reports before a stopped run is resumed."""
        state, path = self.state, self.checkpoints / "samples" / f"{self.pictures:08d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        state.task.calibrate_batch_norm(state.averaged)
        Image.fromarray(state.task.sample_grid(state.averaged, state.held_out)).save(path)
        flush_to_disk(path.parent)
        shutil.copytree(path.parent, self.report / "samples", dirs_exist_ok=True)
        if self.tracker:
            self.tracker.log_image(path, self.pictures)

    def _save_checkpoint(self) -> None:
        save_checkpoint(self.checkpoints, self.step, self.state.variables, self.history)


def _key(model: str, params: Params) -> str:
    """A hash of everything that determines what a training computes."""
    settings: Train = params.model_settings(model)
    initial = Path(settings.init_from) if settings.init_from else None
    return run_key(
        model=model,
        seed=params.seed,
        settings=settings.model_dump(),
        data=data_digest(PREPARED, NETWORKS),
        initial_weights=weights_hash(initial) if initial else None,
        code=code_digest(),
        keras=keras.__version__,
        backend=keras.backend.backend(),
    )


def _check_held_out_pictures(init_from: str) -> None:
    """Evaluation and the discriminator's held-out accuracy need pictures that are new to a model.

    Raises:
        UserError: the initial weights were trained on some of them.
    """
    tiles: dict[str, list[str]] = json.loads((PREPARED / "tiles.json").read_text())
    held_out = {
        name for part, names in tiles.items() if not part.startswith("train_") for name in names
    }
    if known := sorted(held_out & training_pictures(init_from)):
        raise UserError(
            f"the weights of {init_from} were trained on {len(known)} pictures that are held out "
            f"now, {known[0]} among them. Set seed and data.splits back in params.yaml, or set "
            'init_from to "" and learning_rate, discriminator_learning_rate and kimg to those of a '
            "training from random weights.",
            code="held-out-pictures-known",
        )


def _write_curves(history: list[dict], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, history[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
