"""The training of any model: a clock in thousands of pictures, and what is kept along the way."""

import csv
import json
import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from PIL import Image
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from stylefuse.config import Params, Train
from stylefuse.errors import UserError
from stylefuse.models.saving import (
    MANIFEST,
    WEIGHTS,
    save_generator,
    training_pictures,
    weights_hash,
)
from stylefuse.training.checkpoints import (
    code_digest,
    data_digest,
    forget,
    hold,
    load_checkpoint,
    run_key,
    save_checkpoint,
    sync,
)
from stylefuse.training.diagnostics import REMEDIES, alarms
from stylefuse.training.run import PREPARED, Run

MODELS = Path("models")
REPORTS = Path("reports/train")
CHECKPOINTS = Path(".ckpt")
NETWORKS = Path("data/networks")


class Tracker(Protocol):
    """Where a run may also be followed while it goes on; it must never raise.

    `step` counts the pictures shown so far. `start` is told the model, the run's key and settings,
    `finish` the SHA-256 of the weights that came out.
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
    """Train a model in the chosen profile, or go on where a stopped run of the same settings was.

    Writes `models/MODEL/` and, in `reports/train/MODEL/`, `curves.csv` and `samples/`.

    Args:
        stop: is asked at every tick; where it says yes, the run stops with a checkpoint.

    Returns:
        Whether the run has come to its end.

    Raises:
        UserError: the run diverged, and the last good checkpoint is kept; or another process is
            at this very training; or it would begin with weights that know held-out pictures.
    """
    settings = params.model_settings(model)
    tiles = json.loads((PREPARED / "tiles.json").read_text())
    if settings.init_from:
        _refuse_seen(settings.init_from, tiles)
    run = Run(model, params)
    key = run_key(
        model=model,
        seed=params.seed,
        settings=settings.model_dump(),
        data=data_digest(PREPARED, NETWORKS),
        start=weights_hash(Path(settings.init_from)) if settings.init_from else None,
        code=code_digest(),
        keras=keras.__version__,
        backend=keras.backend.backend(),
    )
    checkpoints, report = CHECKPOINTS / model / key, REPORTS / model
    with hold(checkpoints):
        if tracker:
            tracker.start(model, key, params)
        history = _advance(run, settings, checkpoints, report, tracker, stop)
        if not history:
            return False
        save_generator(run.task, settings, run.averaged, MODELS / model)
        with (report / "curves.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, history[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(history)
        if tracker:
            tracker.finish(json.loads((MODELS / model / MANIFEST).read_text())[WEIGHTS])
        sync(MODELS / model, MODELS, report, REPORTS)
        forget(checkpoints)
    return True


def _advance(
    run: Run,
    settings: Train,
    checkpoints: Path,
    report: Path,
    tracker: Tracker | None,
    stop: Callable[[], bool],
) -> list[dict]:
    """Go from the last checkpoint to the end of the run; a row of metrics for every tick, or none
    where it was stopped."""
    first, history = load_checkpoint(checkpoints, run.variables)
    shutil.rmtree(report, ignore_errors=True)
    report.mkdir(parents=True)
    steps = run.steps
    # ticks of one length, so that the last row of metrics is no mean of a few steps
    ticks = max(1, round(steps * settings.batch / (1000 * settings.tick_kimg)))
    tick = math.ceil(steps / ticks)
    # whole ticks, so that no row of metrics is begun before a checkpoint and ended after it
    samples = tick * max(1, round(settings.sample_kimg / settings.tick_kimg))

    recent: list[np.ndarray] = []
    raised: set[str] = set()
    with _progress() as progress:
        bar = progress.add_task(
            f"training {run.task.name}", total=steps, completed=first, note="compiling"
        )
        if first:
            begun = f"{first * settings.batch / 1000:g} kimg"
            progress.console.print(f"training {run.task.name} goes on at {begun}")
        done = first
        while done < steps:
            count = min(settings.steps_per_call, tick - done % tick, steps - done)
            reports = run.advance(done, count)
            recent.extend(reports)
            if not np.isfinite(reports).all():
                ill = done + int(np.argmin(np.isfinite(reports).all(axis=1)))
                raise UserError(
                    f"training diverged at step {ill}: a loss is no number. The last good "
                    f"checkpoint is kept in {checkpoints}. Lower learning_rate or raise r1 in "
                    "params.yaml, then run again.",
                    exit_code=1,
                )
            done += count
            seen = done * settings.batch
            if done % tick == 0 or done == steps:
                row = dict(zip(run.names, np.mean(recent, 0).round(6).tolist(), strict=True))
                row["accuracy_held_out"] = round(run.held_out_accuracy(done), 6)
                row["augment"] = round(float(run.augment.value), 6)
                history.append({"kimg": seen / 1000, **row})
                recent.clear()
                if tracker:
                    tracker.log_metrics(row, seen)
                for name in set(alarms(history)) - raised:
                    raised.add(name)
                    _raise_alarm(f"{name} at {seen / 1000:g} kimg; {REMEDIES[name]}", tracker)
            note = _note(history, progress.tasks[bar].speed, settings.batch)
            progress.update(bar, completed=done, note=note)
            if done % samples == 0 and not progress.console.is_terminal:  # a log shows no bars
                kimg = f"{seen / 1000:g} of {steps * settings.batch / 1000:g} kimg"
                progress.console.print(f"training {run.task.name}: {kimg}  {note}")
            if done % samples == 0 and done < steps:
                _sample(run, checkpoints, report, seen, tracker)
                save_checkpoint(checkpoints, done, run.variables, history)
            if done % tick == 0 and done < steps and stop():
                save_checkpoint(checkpoints, done, run.variables, history)
                return []

    _sample(run, checkpoints, report, steps * settings.batch, tracker)
    return history


def _refuse_seen(start: str, tiles: dict[str, list[str]]) -> None:
    """Whatever judges a model, or watches its discriminator, needs pictures that are new to it."""
    held_out = {
        name for part, names in tiles.items() if not part.startswith("train_") for name in names
    }
    if known := sorted(held_out & training_pictures(start)):
        raise UserError(
            f"the weights of {start} were trained on {len(known)} pictures that are held out now, "
            f"{known[0]} among them. Set seed and data.splits back in params.yaml, or set start to "
            '"" and learning_rate, discriminator_learning_rate and kimg to those of a training '
            "from nothing."
        )


def _raise_alarm(message: str, tracker: Tracker | None) -> None:
    sys.stderr.write(f"warning: {message}\n")
    if tracker:
        tracker.alarm(message)


def _sample(run: Run, checkpoints: Path, report: Path, seen: int, tracker: Tracker | None) -> None:
    """Save a sheet beside the checkpoints, and show all sheets so far: DVC empties the folder of
    reports before a stopped run goes on."""
    picture = checkpoints / "samples" / f"{seen:08d}.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    run.task.calibrate_batch_norm(run.averaged)
    Image.fromarray(run.task.sample_grid(run.averaged, run.held_out)).save(picture)
    sync(picture, picture.parent)
    shutil.copytree(picture.parent, report / "samples", dirs_exist_ok=True)
    if tracker:
        tracker.log_image(picture, seen)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"), refresh_per_second=2,
    )  # fmt: skip


def _note(history: list[dict], speed: float | None, batch: int) -> str:
    rate = f"{speed * batch:.0f} img/s" if speed else ""
    if not history:
        return rate
    last = history[-1]
    return (
        f"{rate}  D {last['discriminator_loss']:.2f} (real {last['accuracy_real']:.0%}, "
        f"fake {last['accuracy_fake']:.0%})  G {last['adversarial']:.2f}"
    )
