"""What `gpu_train.sh` runs: one piece of a training on an accelerator, and its figures."""

import argparse
import json
import math
import sys
import time
from pathlib import Path

import h5py
import jax
import numpy as np

from stylefuse.config import Params, load_params
from stylefuse.fileio import sha256
from stylefuse.models.saving import MANIFEST, TRAINING_PICTURES, WEIGHTS, save_generator
from stylefuse.training.run import PREPARED, Run
from stylefuse.training.trainer import MODELS, REPORTS, train

BASE = Path("models/base")
TIMED_CALLS = 3
PEAK = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense bfloat16 FLOP/s, from data sheets


def main() -> None:
    params = load_params()
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=params.models)
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--profile", default="gpu")
    parser.add_argument("--fit", action="store_true", help="train for the minutes, not for kimg")
    parser.add_argument("--snapshots", type=int, default=0, help="with --fit: moments to keep")
    args = parser.parse_args()
    ends = time.monotonic() + 60 * args.minutes
    params = params.model_copy(update={"profile": args.profile})
    if args.fit:
        fit(args.model, params, ends, args.snapshots)
        return
    measured = speed(args.model, params)
    print(json.dumps(measured, indent=1))
    if not train(args.model, params, stop=lambda: time.monotonic() > ends):
        print("the time is up; run this again to go on")
        sys.exit(75)
    curves = (REPORTS / args.model / "curves.csv").read_text().splitlines()
    last = dict(zip(curves[0].split(","), map(float, curves[-1].split(",")), strict=True))
    keep(MODELS / args.model, BASE / args.model, params, measured, last)


def fit(model: str, params: Params, ends: float, snapshots: int) -> None:
    """Train until a time of the monotonic clock, with learning rates that fall along that clock to
    a zero at its end, for a machine that is lent for minutes: how far they lead is seen then."""
    run = Run(model, params)
    settings, count = run.settings, run.settings.steps_per_call
    full = run.rates(0)
    rows, seconds, kept = [], [time.monotonic()], 0
    done, begins = 0, math.inf

    def save(folder: Path, measured: dict) -> None:
        run.task.calibrate_batch_norm(run.averaged)
        save_generator(run.task, settings, run.averaged, MODELS / model)
        clock = {
            "kimg": rows[-1]["kimg"],
            "seconds": round(seconds[-1] - begins),
            "seconds_to_compile": round(begins - seconds[0]),
        }
        so_far = lasting(model, params, rows[-1]["kimg"])
        keep(MODELS / model, folder, so_far, measured | clock, rows[-1])

    while (now := time.monotonic()) < ends:
        past = 0.0 if begins > now else (now - begins) / (ends - begins)
        if past * (snapshots + 1) >= kept + 1:
            kept += 1
            save(BASE / f"{model}-{round(rows[-1]['kimg'])}", {})
        rates = [rate * (1 + math.cos(math.pi * past)) / 2 for rate in full]
        run.rates = lambda index, rates=rates: rates
        reports = run.advance(done, count)
        if not np.isfinite(reports).all():
            raise SystemExit(f"training diverged before step {done + count}: a loss is no number")
        done += count
        seconds.append(time.monotonic())
        begins = min(begins, seconds[-1])  # the first call compiles
        means = dict(zip(run.names, reports.mean(0).round(6).tolist(), strict=True))
        rows.append({"kimg": done * settings.batch / 1000, **means})
        if len(rows) % 50 == 1:
            print(f"{seconds[-1] - seconds[0]:.0f} s: {json.dumps(rows[-1])}", flush=True)
    save(BASE / model, figures(run, float(np.median(np.diff(seconds)[1:]))))


def lasting(model: str, params: Params, kimg: float) -> Params:
    """The same parameters for a run of another length."""
    settings = params.model_settings(model).model_copy(update={"kimg": kimg})
    return params.model_copy(update={"models": {model: {params.profile: settings}}})


def speed(model: str, params: Params) -> dict:
    """What `figures` says of a few calls."""
    run = Run(model, params)
    count = run.settings.steps_per_call
    run.advance(0, count)  # compiles
    start = time.perf_counter()
    for call in range(1, 1 + TIMED_CALLS):
        run.advance(call * count, count)
    return figures(run, (time.perf_counter() - start) / TIMED_CALLS)


def figures(run, seconds: float) -> dict:
    """Pictures per second of whole calls, and the share of the chip's peak that they use."""
    device = jax.devices()[0]
    flops = (run.advance.flops() if hasattr(run.advance, "flops") else 0.0) / seconds
    peak = next((p for name, p in PEAK.items() if name in device.device_kind), None)
    return {
        "device": device.device_kind,
        "devices": len(jax.devices()),
        "images_per_second": round(run.settings.steps_per_call * run.settings.batch / seconds, 1),
        "tera_flops_per_second": round(flops / 1e12, 2),
        "share_of_bfloat16_peak": round(flops / peak, 4) if peak and flops else None,
    }


def keep(made: Path, base: Path, params: Params, speed: dict, last: dict) -> None:
    """Put averaged weights where others begin, in half precision, with how they were made."""
    base.mkdir(parents=True, exist_ok=True)
    for file in made.iterdir():
        (base / file.name).write_bytes(file.read_bytes())
    with h5py.File(base / WEIGHTS, "r") as full, h5py.File(base / "half.h5", "w") as half:
        full.visititems(lambda name, node: _copy_half(half, name, node))
    (base / "half.h5").replace(base / WEIGHTS)
    sums = json.loads((base / MANIFEST).read_text()) | {WEIGHTS: sha256(base / WEIGHTS)}
    (base / MANIFEST).write_text(json.dumps(sums, indent=1, sort_keys=True) + "\n")
    settings = params.model_settings(made.name)
    tiles = json.loads((PREPARED / "tiles.json").read_text())
    seen = {name for domain in settings.domains for name in tiles[f"train_{domain}"]}
    (base / TRAINING_PICTURES).write_text(json.dumps(sorted(seen), indent=1) + "\n")
    facts = {
        "profile": params.profile,
        "seed": params.seed,
        "settings": settings.model_dump(mode="json"),
        "speed": speed,
        "last_metrics": last,
        "mebibytes": round((base / WEIGHTS).stat().st_size / 2**20, 2),
    }
    (base / "run.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts, indent=1), flush=True)


def _copy_half(half: h5py.File, name: str, node) -> None:
    if isinstance(node, h5py.Dataset):
        short = node.dtype == np.float32
        half.create_dataset(name, data=node[()].astype(np.float16) if short else node[()])
        return
    group = half.require_group(name)
    for key, value in node.attrs.items():
        group.attrs[key] = value


if __name__ == "__main__":
    main()
