#!/usr/bin/env bash
# Train a profile of the transfer model on an accelerator, in pieces that can be resumed, and leave
# its averaged weights in models/base/ with the figures of the run.
#   benchmarks/gpu_train.sh [MINUTES=9] [PROFILE=gpu]
# Needs JAX, and data/prepared of that profile or data/packed (see benchmarks/pack_tiles.py); Python
# packages that are missing are taken from wheels/ where that folder is, so no network is needed.
# Exits with 75 when the time was up before the end: run it again.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
if [ -d wheels ]; then
  "$PYTHON" -m pip install --quiet --no-index --find-links wheels --no-deps wheels/*.whl
fi
export KERAS_BACKEND=jax PYTHONPATH="src:${PYTHONPATH:-}" TF_CPP_MIN_LOG_LEVEL=3
[ -d data/packed ] && [ ! -d data/prepared ] && "$PYTHON" benchmarks/pack_tiles.py unpack
exec "$PYTHON" benchmarks/gpu_train.py --minutes "${1:-9}" --profile "${2:-gpu}"
