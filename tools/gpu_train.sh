#!/usr/bin/env bash
# Train a model on an accelerator, and save its averaged weights with facts about the run in
# models/base/MODEL. A run that reaches its time limit can be resumed.
#
#   tools/gpu_train.sh [MODEL=transfer] [MINUTES=9] [PROFILE=gpu] [--fit] [--snapshots N]
#
# Needs Keras, JAX and ONNX, to which training exports at its end, and data/prepared of the profile or
# data/packed.zip (see tools/pack_data.py). Python packages are installed from wheels/ if that folder
# exists, so no network is needed. Where there is one, in an environment like the machine's,
#   tools/gpu_train.sh --wheels
# fills wheels/ with what painting, exporting and configuration need besides Keras and JAX.
# Exits with 75 if the time limit was reached: run it again to resume. With --fit it trains for the
# given minutes instead of `kimg`; --snapshots N saves the weights N times on the way.
set -euo pipefail
cd "$(dirname "$0")/.."
MODEL=${1:-transfer} MINUTES=${2:-9} PROFILE=${3:-gpu}
PYTHON=${PYTHON:-python3}
if [ "$MODEL" = --wheels ]; then
  PACKAGES="onnx|ml-dtypes|protobuf|onnxruntime|flatbuffers|pillow|filelock|cachetools|tqdm"
  PACKAGES+="|pydantic|pydantic-core|annotated-types|typing-inspection|typing-extensions|pyyaml"
  exec "$PYTHON" -m pip download --quiet --no-deps --only-binary :all: --dest wheels \
    $(sed -nE "s/^(($PACKAGES)==[^ ]+).*/\1/p" requirements.lock)
fi
if [ -d wheels ]; then
  "$PYTHON" -m pip install --quiet --no-index --find-links wheels --no-deps wheels/*.whl
fi
# trying all algorithms for each convolution takes longer than it saves in a run of minutes
export XLA_FLAGS="${XLA_FLAGS:---xla_gpu_autotune_level=1 --xla_gpu_enable_triton_gemm=false}"
export KERAS_BACKEND=jax PYTHONPATH="src:.:${PYTHONPATH:-}" TF_CPP_MIN_LOG_LEVEL=3
if [ -f data/packed.zip ] && [ ! -d data/prepared ]; then
  "$PYTHON" -m tools.pack_data unpack "$PROFILE"
fi
# before a training of minutes, not after it
for package in keras jax onnx onnxruntime; do
  "$PYTHON" -c "import importlib.util as u, sys; sys.exit(not u.find_spec('$package'))" || {
    echo "the package $package is missing; install it, or fill wheels/ (tools/gpu_train.sh --wheels)" >&2
    exit 2
  }
done
exec "$PYTHON" -m tools.gpu_train "$MODEL" --minutes "$MINUTES" --profile "$PROFILE" "${@:4}"
