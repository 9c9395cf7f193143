"""The tracker follows a run across interruptions, and never gets in training's way."""

import mlflow
import pytest

from stylefuse.registry.store import ALARM_TAG, MODEL_TAG, RUN_TAG, WEIGHTS_TAG, open_store
from stylefuse.registry.tracker import MlflowTracker


@pytest.fixture
def runs(params):
    """All runs of a training, the newest first."""

    def find(key):
        client = open_store(params.registry)
        experiment = client.get_experiment_by_name(params.registry.experiment)
        return client.search_runs([experiment.experiment_id], f"tags.`{RUN_TAG}` = '{key}'")

    return find


def test_a_stopped_training_goes_on_in_its_run(project, params, runs):
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
    assert run.info.run_name == "restore-tiny-key-1"
    assert run.data.params["train.width"] == "4"
    adversarial = params.train("restore").adversarial  # a setting of this model alone
    assert run.data.params["train.adversarial"] == str(adversarial)
    assert run.data.params["seed"] == str(params.seed)
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


def test_a_store_that_cannot_be_opened_is_told_once(params, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}")
    with MlflowTracker(params.registry) as tracker:
        tracker.start("restore", "key-3", params)
        use_all(tracker, params, tmp_path)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("MLflow cannot be reached (")
    assert line.endswith("; training goes on, its metrics are in reports/train")


def test_a_store_that_breaks_on_the_way_is_told_once(params, tmp_path, monkeypatch, capsys):
    path = tmp_path / "store.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    with MlflowTracker(params.registry) as tracker:
        tracker.start("restore", "key-4", params)
        path.write_bytes(b"words" * 9999)
        use_all(tracker, params, tmp_path)
    assert capsys.readouterr().err.count("MLflow cannot be reached") == 1
    assert mlflow.active_run() is None  # or the next run of this process could not begin
