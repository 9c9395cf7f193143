"""Training, followed in MLflow while it goes on."""

import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylefuse.config import Params, Registry
from stylefuse.errors import UserError
from stylefuse.images.open import open_picture
from stylefuse.registry.store import (
    ALARM_TAG,
    MODEL_TAG,
    RUN_TAG,
    WEIGHTS_TAG,
    load_mlflow,
    open_store,
)
from stylefuse.registry.tracking.datasets import dataset_inputs
from stylefuse.registry.tracking.flatten import flatten
from stylefuse.registry.tracking.upload_queue import UploadQueue

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from PIL import Image

PATIENCE = 60  # seconds that a training which has ended waits for a store that is away
HURRY = 10  # the same for one that was stopped


class MlflowTracker:
    """Streams a training run to MLflow; a `stylefuse.training.trainer.Tracker` that never raises.

    Nothing here waits for MLflow: an outbox sends what is logged, with the time that it belongs
    to, and keeps it while the store is away. A training that was stopped goes on in the run that
    it began. As a context manager the tracker also marks the run where training does not come to
    its end, as failed after an error, as killed where it was stopped; and it sees to what is left.
    """

    def __init__(self, registry: Registry):
        self.registry = registry
        self.alarms: list[str] = []
        self.open = False  # begun, and not ended
        self._outbox = UploadQueue()
        self._client: MlflowClient  # these are the outbox's, from the first call on
        self._run_id: str
        self._monitor: Any = None

    def __enter__(self) -> "MlflowTracker":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        stopped = self.open
        if stopped:
            status = "FAILED" if kind and issubclass(kind, Exception) else "KILLED"
            ended = _now()
            self._outbox.put(lambda: self._end(status, ended))
        left = self._outbox.close(HURRY if stopped else PATIENCE)
        if left:
            sys.stderr.write(
                f"MLflow did not come back: the last {left} calls of this training are lost to "
                "it; the metrics and samples are in reports/train\n"
            )

    def start(self, model: str, key: str, params: Params) -> None:
        """Begin the run of a training, or go on with it.

        Args:
            model: what is trained.
            key: names everything that decides what the training computes.
            params: logged where the run is new.
        """
        with suppress(Exception):  # then it fails in the outbox, too, which tells it
            load_mlflow()  # here, since training may import things at the same time
        name, tags = f"{model}-{params.profile}-{key[:6]}", {RUN_TAG: key, MODEL_TAG: model}
        settings = run_params(params, model) | {"backend": _backend()}
        began, data = _now(), partial(dataset_inputs, params, model)
        self.open = True
        self._outbox.put(lambda: self._begin(name, tags, settings, data, began))

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Log a row of metrics; `step` counts the pictures shown so far."""
        row, at = dict(metrics), _now()
        self._outbox.put(lambda: self._log_row(row, step, at))

    def log_image(self, path: Path, step: int) -> None:
        """Log a sample grid; the UI shows all of them behind one slider."""
        at = _now()
        with suppress(UserError):  # it is no picture; the rest is not lost for that
            picture = open_picture(path)  # now: training moves its files when it has ended
            self._outbox.put(lambda: self._log_picture(picture, step, at))

    def alarm(self, message: str) -> None:
        """Mark the run; of several alarms, each of which training tells once, all are kept."""
        self.alarms.append(message)
        text = "\n".join(self.alarms)
        self._outbox.put(lambda: self._client.set_tag(self._run_id, ALARM_TAG, text))

    def finish(self, weights_hash: str) -> None:
        """End the run and note which weights it made, so that `register` finds it."""
        ended = _now()
        self.open = False
        self._outbox.put(lambda: self._client.set_tag(self._run_id, WEIGHTS_TAG, weights_hash))
        self._outbox.put(lambda: self._end("FINISHED", ended))

    def _begin(
        self,
        name: str,
        tags: dict[str, str],
        settings: dict[str, Any],
        data: Callable[[], list[Any]],
        at: int,
    ) -> None:
        client = open_store(self.registry)
        from mlflow.entities import Param
        from mlflow.tracking.context.registry import resolve_tags

        experiment = client.get_experiment_by_name(self.registry.experiment).experiment_id
        runs = client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{tags[RUN_TAG]}'")
        if runs and WEIGHTS_TAG not in runs[0].data.tags:
            run = runs[0]
            client.update_run(run.info.run_id, "RUNNING")
        else:
            run = client.create_run(experiment, at, resolve_tags(tags), name)
        if not run.data.params:  # new, or it was lost right after it was made
            listed = [Param(key, str(value)) for key, value in settings.items()]
            client.log_batch(run.info.run_id, params=listed)
            client.log_inputs(run.info.run_id, datasets=data())
        self._client, self._run_id = client, run.info.run_id
        self._watch()

    def _log_row(self, row: dict[str, float], step: int, at: int) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(name, value, at, step) for name, value in row.items()]
        self._client.log_batch(self._run_id, metrics=metrics)
        self._watch()

    def _log_picture(self, picture: "Image.Image", step: int, at: int) -> None:
        self._client.log_image(
            self._run_id, picture, key="samples", step=step, timestamp=at, synchronous=True
        )

    def _end(self, status: str, at: int) -> None:
        self._client.set_terminated(self._run_id, status, at)
        self._monitor.finish()

    def _watch(self) -> None:
        """Have MLflow follow the machine, too; its thread ends whenever the store is away."""
        if self._monitor and self._monitor._process.is_alive():
            return
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        logging.getLogger("mlflow.system_metrics").setLevel(logging.CRITICAL)
        self._monitor = SystemMetricsMonitor(
            self._run_id, resume_logging=True, tracking_uri=self._client.tracking_uri
        )
        self._monitor.start()


def run_params(params: Params, model: str) -> dict[str, Any]:
    """What a training run is shown with: the model's settings by dotted name, seed and profile."""
    chosen = {"prepare": params.prepare[params.profile], "train": params.model_settings(model)}
    settings = {name: section.model_dump() for name, section in chosen.items()}
    return {"profile": params.profile, "seed": params.seed, **flatten(settings)}


def _backend() -> str:
    import keras

    return keras.backend.backend()


def _now() -> int:
    """MLflow's clock: milliseconds since 1970."""
    return time.time_ns() // 1_000_000
