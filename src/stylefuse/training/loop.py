"""The training run of the transfer model: phases in turn, a clock in thousands of pictures."""

import csv
import json
import math
import shutil
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from stylefuse.config import Params, Train
from stylefuse.data.batches import Batches
from stylefuse.errors import UserError
from stylefuse.models.stylizer import MANIFEST, WEIGHTS, save_generator
from stylefuse.models.transfer import build_generator, build_networks
from stylefuse.training.average import WeightAverage
from stylefuse.training.backend import gradient_step
from stylefuse.training.checkpoints import load_checkpoint, run_key, save_checkpoint
from stylefuse.training.objectives import discriminator_objective, generator_objective
from stylefuse.training.samples import SampleGrid

PREPARED = Path("data/prepared")
MODEL = Path("models/transfer")
REPORT = Path("reports/train")
CHECKPOINTS = Path(".ckpt/transfer")

STEP_METRICS = (
    "discriminator_loss", "accuracy_real", "accuracy_fake",
    "adversarial", "reconstruction", "content",
)  # fmt: skip


class Tracker(Protocol):
    """Where a run may also be followed while it goes on; it must never raise.

    `step` counts the photographs shown so far. `start` is told the run's key and settings,
    `finish` the SHA-256 of the weights that came out.
    """

    def start(self, key: str, params: Params) -> None: ...
    def log_metrics(self, metrics: dict[str, float], step: int) -> None: ...
    def log_image(self, path: Path, step: int) -> None: ...
    def finish(self, weights_hash: str) -> None: ...


class Run:
    """Networks, optimisers, data and clock of one training run."""

    def __init__(self, params: Params, prepared: Path = PREPARED):
        self.settings: Train = params.active.train
        settings = self.settings
        keras.utils.set_random_seed(params.seed)
        self.data = Batches(prepared, "train", settings.crop, settings.batch, params.seed)
        self.held_out = Batches(prepared, "validation", settings.crop, settings.batch, params.seed)
        self.generator, self.discriminator = build_networks(
            settings.width, settings.blocks, settings.code, settings.discriminator_width
        )
        averaged = build_generator(settings.width, settings.blocks, settings.code)
        self.average = WeightAverage(self.generator, averaged, settings.ema_kimg)
        self.averaged = averaged
        self.steps = max(1, math.ceil(settings.kimg * 1000 / settings.batch))
        self._make_phases()
        self.grid = SampleGrid(self.held_out.photographs, self.held_out.paintings)
        self.variables = [
            *self.generator.variables, *self.discriminator.variables, *averaged.variables,
            *self.generator_optimizer.variables, *self.discriminator_optimizer.variables,
        ]  # fmt: skip

    def _make_phases(self) -> None:
        settings = self.settings

        def adam(rate, model):
            falling = keras.optimizers.schedules.CosineDecay(rate, self.steps)
            optimizer = keras.optimizers.Adam(falling, settings.beta_1, settings.beta_2, 1e-8)
            optimizer.build(model.trainable_variables)
            return optimizer

        g, d = self.generator, self.discriminator
        self.generator_optimizer = adam(settings.learning_rate, g)
        self.discriminator_optimizer = adam(settings.discriminator_learning_rate, d)
        self.discriminator_steps = [
            gradient_step(
                discriminator_objective(g, d, settings, penalise),
                d.trainable_variables, self.discriminator_optimizer, g.trainable_variables,
            )
            for penalise in (False, True)
        ]  # fmt: skip
        self.generator_step = gradient_step(
            generator_objective(g, d, settings),
            g.trainable_variables, self.generator_optimizer, d.trainable_variables,
        )  # fmt: skip

    def step(self, index: int) -> np.ndarray:
        """Train discriminator, then generator, on the batch of one step; returns STEP_METRICS."""
        batch = self.data.at(index)
        penalise = index % self.settings.r1_interval == 0
        judged = self.discriminator_steps[penalise](*batch)
        painted = self.generator_step(*batch[:3])
        batch_kimg = self.settings.batch / 1000
        self.average.update(batch_kimg, (index + 1) * batch_kimg)
        return np.array([float(value) for value in (*judged, *painted)])

    def held_out_accuracy(self, index: int) -> float:
        """Share of patches of validation paintings that the discriminator takes for real."""
        batch = self.held_out.at(index)
        logits = self.discriminator(batch.painting, self.discriminator.features(batch.reference))
        return float(np.mean(np.asarray(logits) > 0))


def train(params: Params, tracker: Tracker | None = None) -> None:
    """Train with the active profile, or go on where a stopped run of the same settings was.

    Writes `models/transfer/`, `reports/train/transfer.csv` and `reports/train/samples/`.

    Raises:
        UserError: the run diverged; the last good checkpoint is kept.
    """
    settings = params.active.train
    run = Run(params)
    key = run_key(
        seed=params.seed,
        settings=settings.model_dump(),
        data=json.loads((PREPARED / "tiles.json").read_text()),
        keras=keras.__version__,
        backend=keras.backend.backend(),
    )
    if tracker:
        tracker.start(key, params)
    checkpoints = CHECKPOINTS / key
    first, history = load_checkpoint(checkpoints, run.variables)
    shutil.rmtree(REPORT / "samples", ignore_errors=True)
    steps = run.steps
    tick = max(1, round(settings.tick_kimg * 1000 / settings.batch))
    # whole ticks, so that no row of metrics is begun before a checkpoint and ended after it
    samples = tick * max(1, round(settings.sample_kimg / settings.tick_kimg))

    recent: list[np.ndarray] = []
    with _progress() as progress:
        bar = progress.add_task("training", total=steps, completed=first, note="compiling")
        for index in range(first, steps):
            recent.append(run.step(index))
            if not np.isfinite(recent[-1]).all():
                raise UserError(
                    f"training diverged at step {index}: a loss is no number. The last good "
                    f"checkpoint is kept in {checkpoints}. Lower learning_rate or raise r1 in "
                    "params.yaml, then run again.",
                    exit_code=1,
                )
            seen = (index + 1) * settings.batch
            if (index + 1) % tick == 0 or index + 1 == steps:
                row = dict(zip(STEP_METRICS, np.mean(recent, 0).round(6).tolist(), strict=True))
                row["accuracy_held_out"] = round(run.held_out_accuracy(index), 6)
                history.append({"kimg": seen / 1000, **row})
                recent.clear()
                if tracker:
                    tracker.log_metrics(row, seen)
            note = _note(history, progress.tasks[bar].speed, settings.batch)
            progress.update(bar, completed=index + 1, note=note)
            if (index + 1) % samples == 0 and index + 1 < steps:
                _sample(run, checkpoints, seen, tracker)
                save_checkpoint(checkpoints, index + 1, run.variables, history)

    _sample(run, checkpoints, steps * settings.batch, tracker)
    _finish(run, history, tracker)
    shutil.rmtree(checkpoints, ignore_errors=True)


def _sample(run: Run, checkpoints: Path, seen: int, tracker: Tracker | None) -> None:
    """Save a grid beside the checkpoints, and show all grids so far: DVC empties the folder of
    reports before a stopped run goes on."""
    picture = checkpoints / "samples" / f"{seen:08d}.png"
    run.grid.save(run.averaged, picture)
    shutil.copytree(picture.parent, REPORT / "samples", dirs_exist_ok=True)
    if tracker:
        tracker.log_image(picture, seen)


def _finish(run: Run, history: list[dict], tracker: Tracker | None) -> None:
    save_generator(run.averaged, MODEL)
    with (REPORT / "transfer.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, history[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
    if tracker:
        tracker.finish(json.loads((MODEL / MANIFEST).read_text())[WEIGHTS])


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
        f"fake {last['accuracy_fake']:.0%})  G {last['adversarial']:.2f}  "
        f"rec {last['reconstruction']:.3f}"
    )
