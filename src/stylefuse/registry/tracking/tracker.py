"""Tracks a training run in MLflow while it goes on."""

import getpass
import logging
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylefuse.config import Params, Registry
from stylefuse.errors import UserError
from stylefuse.images.open import open_picture
from stylefuse.registry.integrity.provenance import commit_tags, environment_tags
from stylefuse.registry.store import (
    ALARM_TAG,
    MODEL_TAG,
    RUN_TAG,
    WEIGHTS_TAG,
    load_mlflow,
    open_store,
)
from stylefuse.registry.tracking.datasets import dataset_inputs
from stylefuse.registry.tracking.runs import run_params
from stylefuse.registry.tracking.upload_queue import UploadQueue
from stylefuse.training.environment import environment

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
    from PIL import Image

UPLOAD_TIMEOUT_S = 60  # that a finished training waits for a store that is unreachable
INTERRUPTED_UPLOAD_TIMEOUT_S = 10  # the same for an interrupted training


@dataclass(frozen=True)
class _NewRun:
    """What a run is created with."""

    name: str
    tags: dict[str, str]
    params: dict[str, Any]
    datasets: "list[DatasetInput]"
    start_time: int  # milliseconds since 1970


class MlflowTracker:
    """Streams a training run to MLflow; a `stylefuse.training.trainer.Tracker` that never raises.

    No call waits for MLflow: an upload queue sends the calls in the background, with their times,
    and keeps them while the store is unreachable. A resumed training continues its run. Use the
    tracker as a context manager: a run that does not finish is marked as failed after an error and
    as killed after an interruption, and the queue is emptied.
    """

    def __init__(self, registry: Registry):
        self.registry = registry
        self.alarms: list[str] = []
        self.started = False  # and not finished
        self._queue = UploadQueue()
        # the thread of the queue sets and uses these
        self._client: MlflowClient
        self._run_id: str
        self._monitor: SystemMetricsMonitor | None = None

    def __enter__(self) -> "MlflowTracker":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        interrupted = self.started
        if interrupted:
            status = "FAILED" if kind and issubclass(kind, Exception) else "KILLED"
            end_time = _now_ms()
            self._queue.put(lambda: self._end(status, end_time))
        timeout_s = INTERRUPTED_UPLOAD_TIMEOUT_S if interrupted else UPLOAD_TIMEOUT_S
        if lost := self._queue.close(timeout_s):
            sys.stderr.write(
                f"MLflow stayed unreachable: the last {lost} calls of this training are lost; "
                "metrics and samples are in reports/train\n"
            )

    def start(self, model: str, key: str, params: Params) -> None:
        """Create the run of a training, or continue it.

        Args:
            model: its name in `params.yaml`.
            key: of the training: a hash of everything that its weights depend on.
            params: are logged with a new run.
        """
        with suppress(Exception):  # it fails again in the queue, which reports it
            load_mlflow()  # in this thread: imports in two threads at a time may deadlock
        name, tags = f"{model}-{params.profile}-{key[:6]}", {RUN_TAG: key, MODEL_TAG: model}
        settings = run_params(params, model) | {"backend": _backend()}
        start_time = _now_ms()
        self.started = True

        def begin() -> None:
            datasets = dataset_inputs(params, model)
            self._begin(_NewRun(name, tags, settings, datasets, start_time))

        self._queue.put(begin)

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Log a row of metrics; `step` counts the pictures shown so far."""
        row, time_ms = dict(metrics), _now_ms()
        self._queue.put(lambda: self._log_metrics(row, step, time_ms))

    def log_image(self, path: Path, step: int) -> None:
        """Log a sample grid; the UI shows all of them with one slider."""
        time_ms = _now_ms()
        with suppress(UserError):  # not a picture; the other calls go on
            picture = open_picture(path)  # now: training moves its files when it ends
            self._queue.put(lambda: self._log_picture(picture, step, time_ms))

    def alarm(self, message: str) -> None:
        """Add an alarm to the run's tag; a run may have several."""
        self.alarms.append(message)
        text = "\n".join(self.alarms)
        self._queue.put(lambda: self._client.set_tag(self._run_id, ALARM_TAG, text))

    def finish(self, weights_hash: str) -> None:
        """End the run; tag it with its weights, by which `register` finds it, and with the
        environment of the training."""
        end_time = _now_ms()
        self.started = False
        tags = environment_tags(environment()) | {WEIGHTS_TAG: weights_hash}
        self._queue.put(lambda: self._set_tags(tags))
        self._queue.put(lambda: self._end("FINISHED", end_time))

    def _begin(self, new: _NewRun) -> None:
        client = open_store(self.registry)
        from mlflow.entities import Param

        experiment = client.get_experiment_by_name(self.registry.experiment).experiment_id
        query = f"tags.`{RUN_TAG}` = '{new.tags[RUN_TAG]}'"
        runs = client.search_runs([experiment], query)
        if runs and WEIGHTS_TAG not in runs[0].data.tags:
            run = runs[0]
            client.update_run(run.info.run_id, "RUNNING")
        else:
            run = client.create_run(experiment, new.start_time, new.tags | _system_tags(), new.name)
        if not run.data.params:  # a new run, or one whose creation was interrupted here
            params = [Param(key, str(value)) for key, value in new.params.items()]
            client.log_batch(run.info.run_id, params=params)
            client.log_inputs(run.info.run_id, datasets=new.datasets)
        self._client, self._run_id = client, run.info.run_id
        self._monitor_machine()

    def _log_metrics(self, row: dict[str, float], step: int, time_ms: int) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(name, value, time_ms, step) for name, value in row.items()]
        self._client.log_batch(self._run_id, metrics=metrics)
        self._monitor_machine()

    def _set_tags(self, tags: dict[str, str]) -> None:
        from mlflow.entities import RunTag

        run_tags = [RunTag(name, value) for name, value in tags.items()]
        self._client.log_batch(self._run_id, tags=run_tags)

    def _log_picture(self, picture: "Image.Image", step: int, time_ms: int) -> None:
        self._client.log_image(
            self._run_id, picture, key="samples", step=step, timestamp=time_ms, synchronous=True
        )

    def _end(self, status: str, time_ms: int) -> None:
        self._client.set_terminated(self._run_id, status, time_ms)
        if self._monitor:
            self._monitor.finish()

    def _monitor_machine(self) -> None:
        """Log CPU, memory and GPU metrics, too; the monitor ends whenever the store is away."""
        if self._monitor and not self._monitor.ended:
            return
        self._monitor = _system_metrics_monitor(self._run_id, self._client.tracking_uri)
        self._monitor.start()


def _system_metrics_monitor(run_id: str, tracking_uri: str) -> Any:
    """MLflow's monitor of the machine, with an attribute that tells when its thread has ended."""
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    logging.getLogger("mlflow.system_metrics").setLevel(logging.CRITICAL)

    class Monitor(SystemMetricsMonitor):
        ended = False

        def monitor(self) -> None:
            try:
                super().monitor()
            finally:
                self.ended = True

    return Monitor(run_id, resume_logging=True, tracking_uri=tracking_uri)


def _system_tags() -> dict[str, str]:
    """MLflow's system tags of a run: who started which program, from which commit."""
    tags = {"mlflow.source.name": "stylefuse train", "mlflow.source.type": "LOCAL"}
    with suppress(OSError, KeyError):  # a user without a name
        tags["mlflow.user"] = getpass.getuser()
    if commit := commit_tags().get("git.commit"):
        tags["mlflow.source.git.commit"] = commit
    return tags


def _backend() -> str:
    import keras

    return keras.backend.backend()


def _now_ms() -> int:
    """MLflow's clock: milliseconds since 1970."""
    return time.time_ns() // 1_000_000
