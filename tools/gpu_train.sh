#!/usr/bin/env bash
# Train a profile of a model on an accelerator, in pieces that can be resumed, and save its averaged
# weights with the figures of the run in models/base/MODEL.
#
#   tools/gpu_train.sh [MODEL=transfer] [MINUTES=9] [PROFILE=gpu] [--fit] [--snapshots N]
#
# It needs JAX, and data/prepared of that profile or data/packed.zip (see tools/pack_data.py). Python
# packages are installed from wheels/ if that folder exists, so no network is needed.
# It exits with 75 when the time is up before the end: run it again. With --fit it trains for all of
# the minutes, whatever `kimg` says; --snapshots N also saves the weights N times on the way.
set -euo pipefail
cd "$(dirname "$0")/.."
MODEL=${1:-transfer} MINUTES=${2:-9} PROFILE=${3:-gpu}
PYTHON=${PYTHON:-python3}
if [ -d wheels ]; then
  "$PYTHON" -m pip install --quiet --no-index --find-links wheels --no-deps wheels/*.whl
fi
# choosing among all algorithms for a convolution takes longer than the choice saves in minutes
export XLA_FLAGS="${XLA_FLAGS:---xla_gpu_autotune_level=1 --xla_gpu_enable_triton_gemm=false}"
export KERAS_BACKEND=jax PYTHONPATH="src:.:${PYTHONPATH:-}" TF_CPP_MIN_LOG_LEVEL=3
if [ -f data/packed.zip ] && [ ! -d data/prepared ]; then
  "$PYTHON" -m tools.pack_data unpack "$PROFILE"
fi
exec "$PYTHON" -m tools.gpu_train "$MODEL" --minutes "$MINUTES" --profile "$PROFILE" "${@:4}"
