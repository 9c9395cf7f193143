"""The tracker continues a run after interruptions, and never disturbs the training."""

import json
import re
import shutil
import time
from pathlib import Path

import mlflow
import pytest
from PIL import Image

from stylefuse.password import read_or_create_password
from stylefuse.registry.store import ALARM_TAG, MODEL_TAG, RUN_TAG, WEIGHTS_TAG, open_store
from stylefuse.registry.tracking.tracker import MlflowTracker
from stylefuse.serving.mlflow_ui import PASSWORD_FILE
from tests.support.servers import free_port, ui, wait_for
from tests.support.stores import copy_empty_store
from tests.support.tiles import write_tiles
from tests.unit.test_config import SHIPPED


@pytest.fixture
def runs(params):
    """A function that finds all runs of a training, the newest first."""

    def find(key):
        client = open_store(params.registry)
        experiment = client.get_experiment_by_name(params.registry.experiment)
        return client.search_runs([experiment.experiment_id], f"tags.`{RUN_TAG}` = '{key}'")

    return find


def test_a_stopped_training_continues_its_run(project, params, runs):
    write_tiles(Path("data/prepared"))
    with pytest.raises(KeyboardInterrupt), MlflowTracker(params.registry) as tracker:
        tracker.start("restore", "key-1", params)
        tracker.log_metrics({"style": 2.0}, 4)
        raise KeyboardInterrupt
    (stopped,) = runs("key-1")
    assert stopped.info.status == "KILLED"

    with MlflowTracker(params.registry) as tracker:
        tracker.start("restore", "key-1", params)
    assert runs("key-1")[0].info.status == "KILLED"  # stopped at a tick, with no error

    with MlflowTracker(params.registry) as tracker:
        tracker.start("restore", "key-1", params)
        tracker.log_metrics({"style": 1.0}, 8)
        tracker.finish("0" * 64)
    (run,) = runs("key-1")
    assert run.info.status == "FINISHED"
    assert run.data.tags[WEIGHTS_TAG] == "0" * 64
    assert run.data.tags[MODEL_TAG] == "restore"
    assert run.data.tags["hardware"] and run.data.tags["mlflow.source.name"] == "stylefuse train"
    assert run.info.run_name == "restore-tiny-key-1"
    assert run.data.params["train.width"] == "4"
    adversarial = params.model_settings("restore").adversarial  # a setting of this model alone
    assert run.data.params["train.adversarial"] == str(adversarial)
    assert run.data.params["seed"] == str(params.seed)
    profiles = {i.dataset.name: json.loads(i.dataset.profile) for i in run.inputs.dataset_inputs}
    assert profiles.keys() == {f"photographs for {c}" for c in ("training", "validation")}
    tiles = json.loads(Path("data/prepared/tiles.json").read_text())["train_photograph"]
    assert profiles["photographs for training"] == {
        "pictures": len(set(tiles)),
        "tiles": len(tiles),
    }
    history = open_store(params.registry).get_metric_history(run.info.run_id, "style")
    assert [(metric.step, metric.value) for metric in history] == [(4, 2.0), (8, 1.0)]


def test_a_training_repeated_after_its_end_is_a_run_of_its_own(project, params, runs):
    for weights in ("1" * 64, "2" * 64):
        with MlflowTracker(params.registry) as tracker:
            tracker.start("restore", "key-2", params)
            tracker.finish(weights)
    assert [run.data.tags[WEIGHTS_TAG][0] for run in runs("key-2")] == ["2", "1"]


def test_alarms_stay_with_the_run(project, params, runs):
    with MlflowTracker(params.registry) as tracker:
        tracker.start("restore", "key-5", params)
        tracker.alarm("discriminator wins at 2 kimg")
        tracker.alarm("generator collapses at 4 kimg")
    (run,) = runs("key-5")
    assert run.data.tags[ALARM_TAG] == (
        "discriminator wins at 2 kimg\ngenerator collapses at 4 kimg"
    )


def use_all(tracker, params, folder):
    tracker.log_metrics({"style": 1.0}, 4)
    tracker.log_image(folder / "missing.png", 4)
    tracker.alarm("generator collapses")
    tracker.finish("0" * 64)


def test_a_store_that_cannot_be_opened_is_reported_once(params, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}")
    with MlflowTracker(params.registry) as tracker:
        tracker.start("restore", "key-3", params)
        use_all(tracker, params, tmp_path)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("MLflow cannot be used (")
    assert line.endswith("; training goes on, its metrics are in reports/train")


def test_a_store_that_breaks_during_training_is_reported_once(
    params, runs, shared_folder, tmp_path, monkeypatch, capsys
):
    path = copy_empty_store(shared_folder, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    with MlflowTracker(params.registry) as tracker:
        tracker.start("restore", "key-4", params)
        tracker.log_metrics({"style": 2.0}, 2)
        wait_for(lambda: (started := runs("key-4")) and started[0].data.metrics)
        path.write_bytes(b"words" * 9999)
        use_all(tracker, params, tmp_path)
    assert capsys.readouterr().err.count("MLflow cannot be used") == 1
    assert mlflow.active_run() is None  # or the next run of this process could not begin


@pytest.fixture
def address(project, monkeypatch):
    """The address of a server that is not running yet."""
    shutil.copy(SHIPPED, "params.yaml")
    address = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", read_or_create_password(PASSWORD_FILE))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "1")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "1")
    return address


def test_nothing_is_lost_while_the_server_is_away(
    address, params, runs, tmp_path, monkeypatch, capfd
):
    """It is away from the start and again in the middle; the machine is monitored meanwhile."""
    monkeypatch.setattr("stylefuse.registry.tracking.upload_queue.MAX_RETRY_PAUSE_S", 1)
    port, log = int(address.rpartition(":")[2]), tmp_path / "ui.log"
    stderr = []

    def reported(text, times):
        stderr.append(capfd.readouterr().err)
        lines = "".join(stderr).splitlines()
        return sum(line.startswith(f"MLflow {text}") for line in lines) == times

    for step in (4, 12):
        Image.new("RGB", (8, 8), (step, 0, 0)).save(tmp_path / f"{step}.png")
    tracker = MlflowTracker(params.registry)
    tracker.start("restore", "key-6", params)
    tracker.log_metrics({"style": 4.0}, 4)
    wait_for(lambda: reported("is unreachable", 1))
    with ui(port, log):
        tracker.log_image(tmp_path / "4.png", 4)
        tracker.log_metrics({"style": 8.0}, 8)
        wait_for(lambda: (run := runs("key-6")) and run[0].data.metrics.get("style") == 8.0)
    tracker.log_metrics({"style": 12.0}, 12)
    tracker.log_image(tmp_path / "12.png", 12)
    (tmp_path / "12.png").unlink()  # training moves its files
    tracker.alarm("generator collapses at 12 kimg")
    tracker.log_metrics({"style": 16.0}, 16)
    wait_for(lambda: reported("is unreachable", 2))
    back = time.time_ns() // 1_000_000
    with ui(port, log):
        with tracker:
            wait_for(lambda: reported("is back", 2))
            tracker.log_metrics({"style": 20.0}, 20)
            client, (run,) = open_store(params.registry), runs("key-6")

            def sampled():
                name = "system/cpu_utilization_percentage"
                return [row.timestamp for row in client.get_metric_history(run.info.run_id, name)]

            wait_for(lambda: any(at > back for at in sampled()))
            tracker.finish("6" * 64)
        (run,) = runs("key-6")
        style = client.get_metric_history(run.info.run_id, "style")
        images = [file.path for file in client.list_artifacts(run.info.run_id, "images")]
    assert [(row.step, row.value) for row in style] == [(n, float(n)) for n in range(4, 21, 4)]
    times = [row.timestamp for row in style]
    assert times == sorted(times)
    assert run.info.start_time <= times[0]
    assert times[3] <= back < times[4]
    samples = [re.findall(r"\+step\+(\d+)\+", path) for path in images if path.endswith(".png")]
    assert sorted(samples) == [["12"], ["4"]]
    assert run.info.status == "FINISHED"
    assert run.data.params["train.width"] == "4"
    assert run.data.tags[ALARM_TAG] == "generator collapses at 12 kimg"
    assert run.data.tags[WEIGHTS_TAG] == "6" * 64
    assert reported("", 4)  # away, back, away, back


def test_a_server_that_stays_away_is_given_up_at_the_end(
    address, params, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr("stylefuse.registry.tracking.tracker.UPLOAD_TIMEOUT_S", 1)
    with MlflowTracker(params.registry) as tracker:
        tracker.start("restore", "key-7", params)
        use_all(tracker, params, tmp_path)
    stderr = capfd.readouterr().err.splitlines()  # TensorFlow may write lines, too
    lost, waiting, given_up = [line for line in stderr if "MLflow" in line]
    assert lost.endswith("; training goes on, and its metrics are sent when MLflow is back")
    assert waiting == "waiting up to 1 s for MLflow: 5 calls to send"
    assert given_up == (
        "MLflow stayed unreachable: the last 5 calls of this training are lost; metrics and "
        "samples are in reports/train"
    )
