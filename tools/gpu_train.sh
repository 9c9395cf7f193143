#!/usr/bin/env bash
# Train a model on an accelerator, and save its averaged weights with facts about the run in
# models/base/MODEL. A run that reaches its time limit can be resumed.
#
#   tools/gpu_train.sh [MODEL=transfer] [MINUTES=9] [PROFILE=gpu] [--fit] [--snapshots N]
#
# Needs JAX, and data/prepared of the profile or data/packed.zip (see tools/pack_data.py). Python
# packages are installed from wheels/ if that folder exists, so no network is needed.
# Exits with 75 if the time limit was reached: run it again to resume. With --fit it trains for the
# given minutes instead of `kimg`; --snapshots N saves the weights N times on the way.
set -euo pipefail
cd "$(dirname "$0")/.."
MODEL=${1:-transfer} MINUTES=${2:-9} PROFILE=${3:-gpu}
PYTHON=${PYTHON:-python3}
if [ -d wheels ]; then
  "$PYTHON" -m pip install --quiet --no-index --find-links wheels --no-deps wheels/*.whl
fi
# trying all algorithms for each convolution takes longer than it saves in a run of minutes
export XLA_FLAGS="${XLA_FLAGS:---xla_gpu_autotune_level=1 --xla_gpu_enable_triton_gemm=false}"
export KERAS_BACKEND=jax PYTHONPATH="src:.:${PYTHONPATH:-}" TF_CPP_MIN_LOG_LEVEL=3
if [ -f data/packed.zip ] && [ ! -d data/prepared ]; then
  "$PYTHON" -m tools.pack_data unpack "$PROFILE"
fi
exec "$PYTHON" -m tools.gpu_train "$MODEL" --minutes "$MINUTES" --profile "$PROFILE" "${@:4}"
