#!/usr/bin/env bash
# Train a profile of the transfer model on an accelerator, in pieces that can be resumed, and leave
# its averaged weights in models/base/transfer with the figures of the run.
#   benchmarks/gpu_train.sh [MINUTES=9] [PROFILE=gpu] [--fit]
# Needs JAX, and data/prepared of that profile or data/packed.zip (see benchmarks/pack_data.py); Python
# packages that are missing are taken from wheels/ where that folder is, so no network is needed.
# Exits with 75 when the time was up before the end: run it again. With --fit it trains for all of
# the minutes, whatever `kimg` says, and ends with them.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
if [ -d wheels ]; then
  "$PYTHON" -m pip install --quiet --no-index --find-links wheels --no-deps wheels/*.whl
fi
# choosing among all algorithms for a convolution takes longer than the choice saves in minutes
export XLA_FLAGS="${XLA_FLAGS:---xla_gpu_autotune_level=1 --xla_gpu_enable_triton_gemm=false}"
export KERAS_BACKEND=jax PYTHONPATH="src:${PYTHONPATH:-}" TF_CPP_MIN_LOG_LEVEL=3
if [ -f data/packed.zip ] && [ ! -d data/prepared ]; then
  "$PYTHON" benchmarks/pack_data.py unpack "${2:-gpu}"
fi
exec "$PYTHON" benchmarks/gpu_train.py --minutes "${1:-9}" --profile "${2:-gpu}" ${3:+"$3"}
