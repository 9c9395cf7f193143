# `make repro` runs the main job, `make test` the tests; both create the environment first.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := true
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
export TF_CPP_MIN_LOG_LEVEL := 3

.PHONY: help env repro test test-all e2e audit lint format lock experiments ui serve flows wheel gallery docs clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

env: $(VENV)/ready  ## the environment, as locked in requirements.lock

# --no-compile: modules are compiled when they are first imported, and most never are
$(VENV)/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

repro: env  ## pictures → trained, evaluated and registered models
	$(BIN)/python -m flows.repair_dvc_lock
	$(BIN)/dvc repro
	$(BIN)/stylefuse register
	$(BIN)/stylefuse gate --promote

# three workers for two cores: a third of a worker's time is spent waiting for servers and disks
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test: env lint  ## lint, unit and integration tests
	$(PYTEST) tests/unit tests/integration

e2e: env
	$(PYTEST) tests/e2e

test-all: env lint  ## the end-to-end tests too, in one run, so that no worker waits between the two
	$(PYTEST) tests

audit: env  ## known vulnerabilities of the locked packages, if a database can be reached
	$(BIN)/python .ci/audit.py

lint: env  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -f src/stylefuse/web/*.pyi  # Gradio writes them when the page runs; they may be of older code
	$(BIN)/mypy

format: env  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: env  ## resolve the dependencies again
	$(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-header \
	  --python-version 3.11 --extra dev pyproject.toml -o requirements.lock

experiments: env  ## the main metrics at the last ten commits, and what else differs between them
	$(BIN)/dvc exp show --num 10 --only-changed \
	  --keep '(.*:)?methods\.stylefuse\.(stroke_score|kid|psnr)$$' \
	  --drop '(.*:)?(weights|cases|per_kind|fusion|half_against_half|discriminator|over_classical|methods)\b' \
	  --drop '(src|data|models|reports)/(?!.*:)'

ui: env  ## the MLflow UI, on loopback
	$(BIN)/stylefuse ui

serve: env  ## serve the transfer model's champion, on loopback
	$(BIN)/stylefuse serve

flows: env  ## Prefect server, worker and schedules, on loopback
	$(BIN)/python -m flows.serve

wheel: env  ## the package for painting, with its models, in dist
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

gallery: env  ## the pictures of README and gallery, after `make repro`
	$(BIN)/python -m tools.gallery
	$(BIN)/python -m tools.character_grid

docs: env  ## the documentation as HTML, in docs/build
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/build

clean:  ## remove the environment; data, models and registry are kept
	rm -rf $(VENV)
