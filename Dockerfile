# The environment exactly as locked, and the code. docs/guides/work-pools.md says how runs use it.
FROM python:3.11-slim-bookworm

RUN apt-get update \
 && apt-get install --yes --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home stylefuse

WORKDIR /srv/stylefuse
COPY requirements.lock ./
RUN python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY . .
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation -e .

# --build-arg BACKEND=jax: an image for GPUs, with CUDA, which the lock does not pin
ARG BACKEND=tensorflow
RUN [ "$BACKEND" != jax ] || python -m pip install --no-cache-dir --no-build-isolation -e ".[gpu]"
ENV KERAS_BACKEND=$BACKEND

# stylefuse sets this, too; here also for a process that imports ONNX Runtime before it
ENV ORT_DISABLE_TELEMETRY=1

USER 1000:1000
