#!/usr/bin/env bash
# Train a profile of a model on an accelerator, in pieces that can be resumed, and leave its
# averaged weights in models/base/MODEL with the figures of the run.
#   benchmarks/gpu_train.sh [MODEL=transfer] [MINUTES=9] [PROFILE=gpu] [--fit] [--snapshots N]
# Needs JAX, and data/prepared of that profile or data/packed.zip (see benchmarks/pack_data.py); Python
# packages that are missing are taken from wheels/ where that folder is, so no network is needed.
# Exits with 75 when the time was up before the end: run it again. With --fit it trains for all of
# the minutes, whatever `kimg` says, and ends with them; --snapshots N also leaves the weights of
# N moments on the way, beside the last ones.
set -euo pipefail
cd "$(dirname "$0")/.."
MODEL=${1:-transfer} MINUTES=${2:-9} PROFILE=${3:-gpu}
PYTHON=${PYTHON:-python3}
if [ -d wheels ]; then
  "$PYTHON" -m pip install --quiet --no-index --find-links wheels --no-deps wheels/*.whl
fi
# choosing among all algorithms for a convolution takes longer than the choice saves in minutes
export XLA_FLAGS="${XLA_FLAGS:---xla_gpu_autotune_level=1 --xla_gpu_enable_triton_gemm=false}"
export KERAS_BACKEND=jax PYTHONPATH="src:${PYTHONPATH:-}" TF_CPP_MIN_LOG_LEVEL=3
if [ -f data/packed.zip ] && [ ! -d data/prepared ]; then
  "$PYTHON" benchmarks/pack_data.py unpack "$PROFILE"
fi
exec "$PYTHON" benchmarks/gpu_train.py "$MODEL" --minutes "$MINUTES" --profile "$PROFILE" "${@:4}"
