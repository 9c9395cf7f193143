# `make repro` runs the main job, `make test` the tests; both make their own environment first.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := true
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
export TF_CPP_MIN_LOG_LEVEL := 3

.PHONY: help env repro test audit lint format lock ui serve flows gallery docs clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

env: $(VENV)/ready  ## the environment, exactly as locked

$(VENV)/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

repro: env  ## pictures → trained, judged and registered model
	$(BIN)/python -m flows.repair_dvc_lock
	$(BIN)/dvc repro
	$(BIN)/stylefuse register

test: env lint  ## every check that CI runs
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

audit: env  ## known vulnerabilities of the locked packages, where a database can be asked
	$(BIN)/python .ci/audit.py

lint: env  ## style, unused names and types of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: env  ## put the code in its usual shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: env  ## resolve the dependencies again
	$(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-header \
	  --python-version 3.11 --extra dev pyproject.toml -o requirements.lock

ui: env  ## the MLflow UI on loopback
	$(BIN)/stylefuse ui

serve: env  ## the transfer model's champion, answering on loopback
	$(BIN)/stylefuse serve

flows: env  ## a Prefect server, a worker and the schedules, on loopback
	$(BIN)/python -m flows.serve

gallery: env  ## the README's pictures, from what `make repro` left
	$(BIN)/python -m tools.gallery

docs: env  ## these pages as HTML, in docs/build
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/build

clean:  ## remove the environment; data, models and registry stay
	rm -rf $(VENV)
