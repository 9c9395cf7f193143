"""What `gpu_train.sh` runs: one piece of a training on an accelerator, and its figures."""

import argparse
import json
import sys
import time
from pathlib import Path

import h5py
import jax
import numpy as np

from stylefuse.config import load_params
from stylefuse.models.files import MANIFEST, WEIGHTS, sha256
from stylefuse.training.loop import MODELS, REPORTS, train
from stylefuse.training.run import Run

BASE = Path("models/base")
TIMED_CALLS = 3
PEAK = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense bfloat16 FLOP/s, from data sheets


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--profile", default="gpu")
    args = parser.parse_args()
    ends = time.monotonic() + 60 * args.minutes
    params = load_params().model_copy(update={"profile": args.profile})

    figures = speed(params)
    print(json.dumps(figures, indent=1))
    if not train("transfer", params, stop=lambda: time.monotonic() > ends):
        print("the time is up; run this again to go on")
        sys.exit(75)
    keep(params, figures)


def speed(params) -> dict:
    """Pictures per second of whole calls, and the share of the chip's peak that they use."""
    run = Run("transfer", params)
    count = run.settings.steps_per_call
    run.advance(0, count)  # compiles
    start = time.perf_counter()
    for call in range(1, 1 + TIMED_CALLS):
        run.advance(call * count, count)
    seconds = (time.perf_counter() - start) / TIMED_CALLS
    device = jax.devices()[0]
    flops = getattr(run.advance, "flops", 0.0) / seconds
    peak = next((p for name, p in PEAK.items() if name in device.device_kind), None)
    return {
        "device": device.device_kind,
        "devices": len(jax.devices()),
        "images_per_second": round(count * run.settings.batch / seconds, 1),
        "tera_flops_per_second": round(flops / 1e12, 2),
        "share_of_bfloat16_peak": round(flops / peak, 4) if peak and flops else None,
    }


def keep(params, figures: dict) -> None:
    """Put the averaged weights into `models/base`, in half precision, with how they were made."""
    BASE.mkdir(parents=True, exist_ok=True)
    for file in (MODELS / "transfer").iterdir():
        (BASE / file.name).write_bytes(file.read_bytes())
    with h5py.File(BASE / WEIGHTS, "r") as full, h5py.File(BASE / "half.h5", "w") as half:
        full.visititems(lambda name, node: _copy_half(half, name, node))
    (BASE / "half.h5").replace(BASE / WEIGHTS)
    sums = json.loads((BASE / MANIFEST).read_text()) | {WEIGHTS: sha256(BASE / WEIGHTS)}
    (BASE / MANIFEST).write_text(json.dumps(sums, indent=1, sort_keys=True) + "\n")
    curves = (REPORTS / "transfer/curves.csv").read_text().splitlines()
    last = dict(zip(curves[0].split(","), map(float, curves[-1].split(",")), strict=True))
    facts = {
        "profile": params.profile,
        "seed": params.seed,
        "settings": params.train("transfer").model_dump(mode="json"),
        "speed": figures,
        "last_metrics": last,
        "mebibytes": round((BASE / WEIGHTS).stat().st_size / 2**20, 2),
    }
    (BASE / "run.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts, indent=1))


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
