"""Train on an accelerator, and save the averaged weights with facts about the run.

`gpu_train.sh` prepares the environment and runs this module.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import jax
import numpy as np

from stylefuse.config import Params, load_params
from stylefuse.errors import EXIT_TRY_AGAIN
from stylefuse.fileio import sha256
from stylefuse.inference.model_folder import MANIFEST, WEIGHTS
from stylefuse.models.export import export
from stylefuse.models.saving import TRAINING_PICTURES, load_generator, save_generator
from stylefuse.paths import BASE_MODELS, MODELS, PREPARED, TRAINING_REPORTS
from stylefuse.training.compile_steps import compile_steps
from stylefuse.training.environment import environment
from stylefuse.training.schedule import Schedule
from stylefuse.training.state import TrainingState
from stylefuse.training.trainer import train

TIMED_CALLS = 3
PEAK_FLOPS = {
    "H100": 989e12,
    "H200": 989e12,
    "A100": 312e12,
}  # FLOP/s, dense bfloat16, from data sheets


def main() -> None:
    params = load_params()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=params.models)
    parser.add_argument("--minutes", type=float, default=9, help="time limit")
    parser.add_argument("--profile", default="gpu")
    parser.add_argument(
        "--fit", action="store_true", help="train for the given minutes instead of `kimg`"
    )
    parser.add_argument(
        "--snapshots", type=int, default=0, help="with --fit: number of intermediate saves"
    )
    args = parser.parse_args()
    deadline = time.monotonic() + 60 * args.minutes
    params = params.model_copy(update={"profile": args.profile})
    if args.fit:
        train_until(args.model, params, deadline, args.snapshots)
        return
    speed = measure_speed(args.model, params)
    print(json.dumps(speed, indent=1))
    if not train(args.model, params, stop=lambda: time.monotonic() > deadline):
        print("the time limit is reached; run the same command again to resume")
        sys.exit(EXIT_TRY_AGAIN)
    curves = (TRAINING_REPORTS / args.model / "curves.csv").read_text().splitlines()
    metrics = dict(zip(curves[0].split(","), map(float, curves[-1].split(",")), strict=True))
    save_base_weights(MODELS / args.model, BASE_MODELS / args.model, params, speed, metrics)


class DeadlineSchedule(Schedule):
    """A schedule whose learning rates decrease with the time instead of the steps.

    Attributes:
        progress: share of the time that has passed; the caller sets it.
    """

    progress = 0.0

    def learning_rates(self, step: int) -> tuple[float, float]:
        generator, discriminator = super().learning_rates(0)
        factor = (1 + math.cos(math.pi * self.progress)) / 2
        return generator * factor, discriminator * factor


def train_until(model: str, params: Params, deadline: float, snapshots: int) -> None:
    """Train until a time limit, at which the learning rates reach zero.

    This suits a machine that is available for minutes only.

    Args:
        model: its name in `params.yaml`.
        params: all parameters.
        deadline: on the monotonic clock, in seconds.
        snapshots: number of intermediate saves, at equal intervals.
    """
    state = TrainingState(model, params)
    state.schedule = schedule = DeadlineSchedule(state.task, state.settings)
    advance, count = compile_steps(state), state.settings.steps_per_call
    rows: list[dict[str, float]] = []
    times, saved = [time.monotonic()], 0
    step, compiled = 0, math.inf  # time at which the first call, which compiles, has ended

    def save(folder: Path, speed: dict[str, Any]) -> None:
        kimg = rows[-1]["kimg"]
        state.task.calibrate_batch_norm(state.averaged)
        save_generator(state.task, state.settings, state.averaged, MODELS / model)
        clock = {
            "kimg": kimg,
            "seconds": round(times[-1] - compiled),
            "seconds_to_compile": round(compiled - times[0]),
        }
        trained = with_kimg(model, params, kimg)
        save_base_weights(MODELS / model, folder, trained, speed | clock, rows[-1])

    while (now := time.monotonic()) < deadline:
        if now > compiled:
            schedule.progress = (now - compiled) / (deadline - compiled)
        if schedule.progress * (snapshots + 1) >= saved + 1:
            saved += 1
            save(BASE_MODELS / f"{model}-{round(rows[-1]['kimg'])}", {})
        metrics = advance(step, count)
        if not np.isfinite(metrics).all():
            raise SystemExit(
                f"training diverged before step {step + count}: a loss is not a finite number; "
                "lower learning_rate or raise r1 in params.yaml"
            )
        step += count
        times.append(time.monotonic())
        compiled = min(compiled, times[-1])
        means = dict(zip(state.metric_names, metrics.mean(0).round(6).tolist(), strict=True))
        rows.append({"kimg": step * state.settings.batch / 1000, **means})
        if len(rows) % 50 == 1:
            print(f"{times[-1] - times[0]:.0f} s: {json.dumps(rows[-1])}", flush=True)
    seconds_per_call = float(np.median(np.diff(times)[1:]))
    save(BASE_MODELS / model, speed_figures(state, advance, seconds_per_call))


def with_kimg(model: str, params: Params, kimg: float) -> Params:
    """The parameters with another length of the training."""
    settings = params.model_settings(model).model_copy(update={"kimg": kimg})
    return params.model_copy(update={"models": {model: {params.profile: settings}}})


def measure_speed(model: str, params: Params) -> dict[str, Any]:
    """Time some calls after the first one, which compiles; see `speed_figures`."""
    state = TrainingState(model, params)
    advance, count = compile_steps(state), state.settings.steps_per_call
    advance(0, count)  # compiles
    start = time.perf_counter()
    for call in range(1, 1 + TIMED_CALLS):
        advance(call * count, count)
    return speed_figures(state, advance, (time.perf_counter() - start) / TIMED_CALLS)


def speed_figures(state: TrainingState, advance: Any, seconds_per_call: float) -> dict[str, Any]:
    """Pictures per second, and the share of the device's peak performance that is used."""
    device, settings = jax.devices()[0], state.settings
    flops = (advance.flops() if hasattr(advance, "flops") else 0.0) / seconds_per_call
    peak = next((p for name, p in PEAK_FLOPS.items() if name in device.device_kind), None)
    pictures = settings.steps_per_call * settings.batch
    return {
        "device": device.device_kind,
        "devices": len(jax.devices()),
        "images_per_second": round(pictures / seconds_per_call, 1),
        "tera_flops_per_second": round(flops / 1e12, 2),
        "share_of_bfloat16_peak": round(flops / peak, 4) if peak and flops else None,
    }


def save_base_weights(
    trained: Path, base: Path, params: Params, speed: dict[str, Any], metrics: dict[str, float]
) -> None:
    """Save averaged weights as base weights, in half precision, with their graphs and facts about
    their run."""
    base.mkdir(parents=True, exist_ok=True)
    for file in trained.iterdir():
        (base / file.name).write_bytes(file.read_bytes())
    half_file = base / "half.h5"
    with h5py.File(base / WEIGHTS, "r") as full, h5py.File(half_file, "w") as half:
        full.visititems(lambda name, node: _copy_in_half_precision(half, name, node))
    half_file.replace(base / WEIGHTS)
    sums = json.loads((base / MANIFEST).read_text()) | {WEIGHTS: sha256(base / WEIGHTS)}
    (base / MANIFEST).write_text(json.dumps(sums, indent=1, sort_keys=True) + "\n")
    export(*load_generator(base), base)  # graphs of the rounded weights
    settings = params.model_settings(trained.name)
    tiles = json.loads((PREPARED / "tiles.json").read_text())
    pictures = {name for domain in settings.domains for name in tiles[f"train_{domain}"]}
    (base / TRAINING_PICTURES).write_text(json.dumps(sorted(pictures), indent=1) + "\n")
    facts = {
        "profile": params.profile,
        "seed": params.seed,
        "settings": settings.model_dump(mode="json"),
        "environment": environment(),
        "speed": speed,
        "last_metrics": metrics,
        "mebibytes": round((base / WEIGHTS).stat().st_size / 2**20, 2),
    }
    (base / "run.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts, indent=1), flush=True)


def _copy_in_half_precision(half: h5py.File, name: str, node: Any) -> None:
    if isinstance(node, h5py.Dataset):
        is_float32 = node.dtype == np.float32
        half.create_dataset(name, data=node[()].astype(np.float16) if is_float32 else node[()])
        return
    group = half.require_group(name)
    for key, value in node.attrs.items():
        group.attrs[key] = value


if __name__ == "__main__":
    main()
