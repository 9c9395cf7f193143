"""A champion changes completely or not at all, even if the process dies, and can be rolled back."""

import json
import multiprocessing
import os
import re
import signal
from dataclasses import asdict
from pathlib import Path

import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.registry import promotion
from stylefuse.registry.promotion import (
    HISTORY_TAG,
    JOURNAL,
    LEFT_TAG,
    MOVED_TAG,
    Move,
    promote,
    rollback,
)
from stylefuse.registry.store import CHAMPION, open_store, registered_name
from tests.support.stores import copy_empty_store
from tests.unit.test_config import SHIPPED

NAME = registered_name("transfer")
STEPS = ("journal written", "tag", "history", "alias", "journal deleted")


@pytest.fixture
def registry(shared_folder, tmp_path, monkeypatch):
    """A store with three versions of a model, of which the first is champion."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    copy_empty_store(shared_folder, tmp_path)
    registry = load_params(SHIPPED).registry
    client = open_store(registry)
    client.create_registered_model(NAME)
    for _ in range(3):
        client.create_model_version(NAME, source=str(tmp_path))
    client.set_registered_model_alias(NAME, CHAMPION, "1")
    return registry


@pytest.fixture
def client(registry):
    return open_store(registry)


def champion(client):
    return int(client.get_registered_model(NAME).aliases[CHAMPION])


def history(client):
    tags = client.get_registered_model(NAME).tags
    moves = [tags[name] for name in sorted(tags) if name.startswith(HISTORY_TAG)]
    return [str(Move(**json.loads(move))) for move in moves]


def test_alias_tag_and_history_change_together(registry, client):
    move = promote(registry, "transfer", 2, "paints better")
    assert (move.version, move.before) == (2, 1)
    assert champion(client) == 2
    tag = client.get_model_version(NAME, "2").tags[MOVED_TAG]
    assert tag == f"{move.at}: paints better"
    assert history(client) == [f"{NAME} promoted: version 2 (was 1): paints better"]
    assert not JOURNAL.exists()


def test_the_version_s_page_has_its_time_as_champion(registry, client):
    client.update_model_version(NAME, "2", "Mine.\n\n### As champion\n\nNot so far.\n")
    promote(registry, "transfer", 2, "paints better")
    promoted = client.get_model_version(NAME, "2").description
    assert re.fullmatch(
        r"Mine\.\n\n### As champion\n\n- Became champion [\d-]{10} [\d:]{5} UTC: paints better\n",
        promoted,
    )
    rollback(registry, "transfer", "greenish " * 300)
    description = client.get_model_version(NAME, "2").description
    assert description.startswith(promoted)
    assert re.search(r"- Rolled back .* UTC: greenish .* …\n$", description)


def test_each_rollback_goes_one_version_further_back(registry, client):
    for version in (2, 3):
        promote(registry, "transfer", version, "better")
    assert str(rollback(registry, "transfer", "greenish")) == (
        f"{NAME} rolled back to version 2 (was 3): greenish"
    )
    assert rollback(registry, "transfer", "that too").version == 1
    assert champion(client) == 1
    assert client.get_model_version(NAME, "3").tags[LEFT_TAG].endswith(": greenish")
    with pytest.raises(UserError) as error:
        rollback(registry, "transfer", "again")
    assert error.value.code == "first-champion"
    assert len(history(client)) == 4


def test_rollbacks_end_at_the_first_champion_though_it_was_promoted_again(registry, client):
    for version in (2, 3, 2, 1):
        promote(registry, "transfer", version, "by hand")
    versions = [rollback(registry, "transfer", "back").version for _ in range(4)]
    assert versions == [2, 3, 2, 1]
    with pytest.raises(UserError) as error:
        rollback(registry, "transfer", "again")
    assert error.value.code == "first-champion"


def test_an_interrupted_move_is_finished_in_its_own_store(
    registry, shared_folder, tmp_path, monkeypatch
):
    move = promote(registry, "transfer", 2, "better")
    JOURNAL.write_text(json.dumps(asdict(move)))
    copy_empty_store(shared_folder, tmp_path / "other")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other/mlflow/mlflow.db")
    with pytest.raises(UserError) as error:
        promotion.recover(registry)
    assert error.value.code == "interrupted-move-elsewhere"
    assert JOURNAL.exists()


def test_a_version_that_was_rolled_back_can_be_promoted_by_hand(registry, client):
    promote(registry, "transfer", 2, "better")
    rollback(registry, "transfer", "greenish")
    promote(registry, "transfer", 2, "it was the screen")
    assert champion(client) == 2
    assert LEFT_TAG not in client.get_model_version(NAME, "2").tags


def test_what_cannot_be_promoted_changes_nothing(registry, client):
    for model, version, expected, code in (
        ("transfer", 1, None, "already-champion"),
        ("transfer", 9, None, "version-missing"),
        ("transfer", 2, 3, "champion-changed"),
        ("restore", 1, None, "model-missing"),
    ):
        with pytest.raises(UserError) as error:
            promote(registry, model, version, "why not", expected)
        assert error.value.code == code
    assert str(error.value) == "stylefuse-restore is not in the registry; run `make repro`"
    assert champion(client) == 1
    assert history(client) == []


@pytest.fixture(scope="module")
def processes():
    """Processes of their own, forked from one that has imported MLflow, which takes seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlflow.store.tracking.sqlalchemy_store"])
    return context


def _promote_and_die(step, registry):
    """In a process of its own: promote, and die as soon as a step is done."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)  # that of the first test
    steps = iter(STEPS)

    def dies_after(method, counts=lambda *_: True):
        def wrapped(*args, **kwargs):
            result = method(*args, **kwargs)
            if counts(*args) and next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapped

    from mlflow import MlflowClient

    def is_journal(path, *_):
        return path.name.strip(".").startswith(JOURNAL.name)

    def deletes_journal(path, *_):
        return path == JOURNAL

    Path.replace = dies_after(Path.replace, is_journal)
    for name in ("model_version_tag", "registered_model_tag", "registered_model_alias"):
        name = f"set_{name}"
        setattr(MlflowClient, name, dies_after(getattr(MlflowClient, name)))
    Path.unlink = dies_after(Path.unlink, deletes_journal)
    promote(registry, "transfer", 2, "better")


@pytest.mark.parametrize("step", STEPS)
def test_kill_9_after_any_step_leaves_a_champion_and_is_recovered(
    registry, client, processes, step
):
    process = processes.Process(target=_promote_and_die, args=(step, registry))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert champion(client) in (1, 2)
    promotion.recover(registry)
    assert champion(client) == 2  # a move in the journal is carried out
    assert MOVED_TAG in client.get_model_version(NAME, "2").tags
    assert len(history(client)) == 1
    assert not JOURNAL.exists()
    assert rollback(registry, "transfer", "as a test").version == 1


def _promote_when_started(version, registry, ready, start, answers):
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    open_store(registry)
    ready.release()
    start.wait()
    try:
        answers.put(str(promote(registry, "transfer", version, "better", expected=1)))
    except UserError as error:
        answers.put(error.code)


def test_of_two_promotions_at_once_one_wins_and_the_other_is_refused(registry, client, processes):
    ready, start, answers = processes.Semaphore(0), processes.Event(), processes.Queue()
    both = [
        processes.Process(
            target=_promote_when_started, args=(version, registry, ready, start, answers)
        )
        for version in (2, 3)
    ]
    for process in both:
        process.start()
    for _ in both:
        while not ready.acquire(timeout=1):
            assert all(process.is_alive() for process in both)
    start.set()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    texts = [answers.get() for _ in both]
    (refusal,) = [text for text in texts if not text.startswith(NAME)]
    (promoted,) = [text for text in texts if text.startswith(NAME)]
    assert promoted.startswith(f"{NAME} promoted: version {champion(client)}")
    assert refusal in ("promotion-in-progress", "champion-changed")
    assert len(history(client)) == 1
