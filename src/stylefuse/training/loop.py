"""The training run of any model: phases in turn, a clock in thousands of pictures."""

import csv
import json
import math
import shutil
import sys
import time
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from PIL import Image
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from stylefuse.config import Params
from stylefuse.data.batches import arrays
from stylefuse.errors import UserError
from stylefuse.models.blocks.augment import adapt
from stylefuse.models.files import MANIFEST, WEIGHTS, save_generator
from stylefuse.models.recipe import find_recipe
from stylefuse.training.average import WeightAverage, keep_share
from stylefuse.training.backend import (
    compile_objective,
    computing_in,
    gradient_step,
    use_all_devices,
)
from stylefuse.training.checkpoints import load_checkpoint, run_key, save_checkpoint
from stylefuse.training.health import REMEDIES, alarms

PREPARED = Path("data/prepared")
MODELS = Path("models")
REPORTS = Path("reports/train")
CHECKPOINTS = Path(".ckpt")

AUGMENT_SPAN = 0.25  # share of a run that augmentation takes from never to always
JUDGED = ("discriminator_loss", "accuracy_real", "accuracy_fake")


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


class Run:
    """Networks, optimisers, data and clock of one training run."""

    def __init__(self, model: str, params: Params, prepared: Path = PREPARED):
        self.settings = settings = params.train(model)
        self.recipe = recipe = find_recipe(model)
        use_all_devices(settings.batch)
        keras.utils.set_random_seed(params.seed)
        self.data = recipe.batches(prepared, "train", settings, params.seed)
        self.held_out = recipe.batches(prepared, "validation", settings, params.seed)
        shape = {key: getattr(settings, key) for key in recipe.shape}
        with computing_in(settings.precision):
            self.generator = recipe.build_generator(**shape)
        self.discriminator = recipe.build_discriminator(settings)
        self.averaged = recipe.build_generator(**shape)
        self.average = WeightAverage(self.generator, self.averaged)
        self.augment = keras.Variable(0.0, trainable=False, name="augment")  # its probability
        self.judged = keras.Variable(np.zeros(len(JUDGED)), trainable=False, name="judged")
        self.steps = max(1, math.ceil(settings.kimg * 1000 / settings.batch))
        self.names = (*JUDGED, *recipe.reports)
        self.pictures_per_turn = settings.batch * settings.discriminator_interval
        self.span = 1000 * settings.kimg * AUGMENT_SPAN

        def adam(rate, network):
            falling = keras.optimizers.schedules.CosineDecay(rate, self.steps)
            optimizer = keras.optimizers.Adam(falling, settings.beta_1, settings.beta_2, 1e-8)
            optimizer.build(network.trainable_variables)
            return optimizer

        self.generator_optimizer = adam(settings.learning_rate, self.generator)
        self.discriminator_optimizer = adam(
            settings.discriminator_learning_rate, self.discriminator
        )
        self.variables = [
            *self.generator.variables, *self.discriminator.variables, *self.averaged.variables,
            *self.generator_optimizer.variables, *self.discriminator_optimizer.variables,
            self.augment, self.judged,
        ]  # fmt: skip
        self._phases: dict = {}
        self.advance = self._advance
        if settings.steps_per_call > 1 and keras.backend.backend() == "jax":
            from stylefuse.training.fused import FusedSteps

            self.advance = FusedSteps(self)

    def judges(self, index: int) -> bool:
        """Whether the discriminator is trained in a step."""
        return index % self.settings.discriminator_interval == 0

    def penalises(self, index: int) -> bool:
        """Whether its gradient is penalised in a step in which it is trained."""
        turn = index // self.settings.discriminator_interval
        return bool(self.settings.r1) and turn % self.settings.r1_interval == 0

    def objective(self, name: str, stage: int):
        """The objective of a phase: "generator", "discriminator" or "penalised"."""
        networks = self.generator, self.discriminator
        if name == "generator":
            return self.recipe.generator_objective(*networks, self.settings, stage)
        penalise = name == "penalised"
        return self.recipe.discriminator_objective(*networks, self.settings, penalise, stage)

    def step(self, index: int) -> np.ndarray:
        """Train discriminator, then generator, on the batch of one step; returns `names`."""
        stage = self.recipe.stage(index, self.settings)
        batch = (*arrays(self.data.at(index)), np.asarray(self.augment.value, np.float32))
        if self.judges(index):
            phase = self._phase("penalised" if self.penalises(index) else "discriminator", stage)
            self.judged.assign(np.array([float(value) for value in phase(*batch)]))
            if target := self.settings.augment_target:
                accuracy = self.judged.value[1]
                self.augment.assign(
                    adapt(self.augment.value, accuracy, target, self.pictures_per_turn, self.span)
                )
        made = self._phase("generator", stage)(*batch)
        self.average.update(keep_share(self.settings, index))
        return np.array([*np.asarray(self.judged.value), *(float(value) for value in made)])

    def held_out_accuracy(self, index: int) -> float:
        """Share of held-out pictures that the discriminator takes for real."""
        stage = self.recipe.stage(index, self.settings)
        batch = (*arrays(self.held_out.at(index)), np.float32(0))
        return float(self._phase("judge", stage)(*batch)[1])

    def _advance(self, first: int, count: int) -> np.ndarray:
        """Train steps `first` to `first + count`; returns their reports, `[count, names]`."""
        return np.stack([self.step(index) for index in range(first, first + count)])

    def _phase(self, name: str, stage: int):
        """A compiled phase, made when it is first needed."""
        if (name, stage) not in self._phases:
            self._phases[name, stage] = self._compiled(name, stage)
        return self._phases[name, stage]

    def _compiled(self, name: str, stage: int):
        g, d = self.generator, self.discriminator
        if name == "judge":
            both = [*g.variables, *d.variables]
            return compile_objective(self.objective("discriminator", stage), both)
        moving, optimizer, fixed = (
            (g, self.generator_optimizer, d)
            if name == "generator"
            else (d, self.discriminator_optimizer, g)
        )
        return gradient_step(
            self.objective(name, stage), moving.trainable_variables, optimizer,
            [*moving.non_trainable_variables, *fixed.variables],
        )  # fmt: skip


def train(
    model: str, params: Params, tracker: Tracker | None = None, until: float = math.inf
) -> bool:
    """Train a model in the chosen profile, or go on where a stopped run of the same settings was.

    Writes `models/MODEL/` and, in `reports/train/MODEL/`, `curves.csv` and `samples/`.

    Args:
        until: `time.monotonic()` after which the run stops at its next tick, with a checkpoint.

    Returns:
        Whether the run has come to its end.

    Raises:
        UserError: the run diverged; the last good checkpoint is kept.
    """
    settings = params.train(model)
    run = Run(model, params)
    key = run_key(
        model=model,
        seed=params.seed,
        settings=settings.model_dump(),
        data=json.loads((PREPARED / "tiles.json").read_text()),
        keras=keras.__version__,
        backend=keras.backend.backend(),
    )
    if tracker:
        tracker.start(model, key, params)
    checkpoints, report = CHECKPOINTS / model / key, REPORTS / model
    first, history = load_checkpoint(checkpoints, run.variables)
    shutil.rmtree(report, ignore_errors=True)
    report.mkdir(parents=True)
    steps = run.steps
    tick = max(1, round(settings.tick_kimg * 1000 / settings.batch))
    # whole ticks, so that no row of metrics is begun before a checkpoint and ended after it
    samples = tick * max(1, round(settings.sample_kimg / settings.tick_kimg))

    recent: list[np.ndarray] = []
    raised: set[str] = set()
    with _progress() as progress:
        bar = progress.add_task(f"training {model}", total=steps, completed=first, note="compiling")
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
            if done % samples == 0 and done < steps:
                _sample(run, checkpoints, report, seen, tracker)
                save_checkpoint(checkpoints, done, run.variables, history)
            if done % tick == 0 and done < steps and time.monotonic() > until:
                save_checkpoint(checkpoints, done, run.variables, history)
                return False

    _sample(run, checkpoints, report, steps * settings.batch, tracker)
    save_generator(run.recipe, settings, run.averaged, MODELS / model)
    with (report / "curves.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, history[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
    if tracker:
        tracker.finish(json.loads((MODELS / model / MANIFEST).read_text())[WEIGHTS])
    shutil.rmtree(checkpoints, ignore_errors=True)
    return True


def _raise_alarm(message: str, tracker: Tracker | None) -> None:
    sys.stderr.write(f"warning: {message}\n")
    if tracker:
        tracker.alarm(message)


def _sample(run: Run, checkpoints: Path, report: Path, seen: int, tracker: Tracker | None) -> None:
    """Save a sheet beside the checkpoints, and show all sheets so far: DVC empties the folder of
    reports before a stopped run goes on."""
    picture = checkpoints / "samples" / f"{seen:08d}.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    run.recipe.settle(run.averaged)
    Image.fromarray(run.recipe.show(run.averaged, run.held_out)).save(picture)
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
