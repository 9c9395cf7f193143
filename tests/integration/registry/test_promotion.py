"""A champion changes wholly or not at all, whatever happens in between, and can be taken back."""

import json
import multiprocessing
import os
import re
import signal
import time
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
from tests.unit.test_config import SHIPPED

NAME = registered_name("transfer")
STEPS = ("written down", "tag", "history", "alias", "forgotten")


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A store with three versions of a model, of which the first is champion."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
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
    found = [tags[name] for name in sorted(tags) if name.startswith(HISTORY_TAG)]
    return [str(Move(**json.loads(move))) for move in found]


def test_alias_tag_and_record_change_together(registry, client):
    move = promote(registry, "transfer", 2, "paints better")
    assert (move.version, move.before) == (2, 1)
    assert champion(client) == 2
    said = client.get_model_version(NAME, "2").tags[MOVED_TAG]
    assert said == f"{move.at}: paints better"
    assert history(client) == [f"{NAME} promoted: version 2 (was 1): paints better"]
    assert not JOURNAL.exists()


def test_the_version_s_page_tells_of_its_time_as_champion(registry, client):
    client.update_model_version(NAME, "2", "Mine.\n\n### As champion\n\nNot so far.\n")
    promote(registry, "transfer", 2, "paints better")
    promoted = client.get_model_version(NAME, "2").description
    assert re.fullmatch(
        r"Mine\.\n\n### As champion\n\n- Became champion [\d-]{10} [\d:]{5} UTC: paints better\n",
        promoted,
    )
    rollback(registry, "transfer", "greenish " * 300)
    told = client.get_model_version(NAME, "2").description
    assert told.startswith(promoted)
    assert re.search(r"- Rolled back .* UTC: greenish .* …\n$", told)


def test_each_rollback_goes_one_further_back(registry, client):
    for version in (2, 3):
        promote(registry, "transfer", version, "better")
    assert str(rollback(registry, "transfer", "greenish")) == (
        f"{NAME} rolled back to version 2 (was 3): greenish"
    )
    assert rollback(registry, "transfer", "that too").version == 1
    assert champion(client) == 1
    assert client.get_model_version(NAME, "3").tags[LEFT_TAG].endswith(": greenish")
    with pytest.raises(UserError, match="first champion"):
        rollback(registry, "transfer", "again")
    assert len(history(client)) == 4


def test_rollbacks_end_at_the_first_champion_though_it_came_back_by_hand(registry, client):
    for version in (2, 3, 2, 1):
        promote(registry, "transfer", version, "by hand")
    went = [rollback(registry, "transfer", "back").version for _ in range(4)]
    assert went == [2, 3, 2, 1]
    with pytest.raises(UserError, match="first champion"):
        rollback(registry, "transfer", "again")


def test_a_move_is_finished_in_its_own_store(registry, client, monkeypatch):
    move = promote(registry, "transfer", 2, "better")
    JOURNAL.write_text(json.dumps(asdict(move)))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other.db")
    open_store(registry)
    with pytest.raises(UserError, match="holds a move to finish in another store"):
        promotion.recover(registry)
    assert JOURNAL.exists()


def test_a_version_that_was_left_can_be_promoted_by_hand(registry, client):
    promote(registry, "transfer", 2, "better")
    rollback(registry, "transfer", "greenish")
    promote(registry, "transfer", 2, "it was the screen")
    assert champion(client) == 2
    assert LEFT_TAG not in client.get_model_version(NAME, "2").tags


@pytest.mark.parametrize(
    ("model", "version", "expected", "said"),
    [
        ("transfer", 1, None, "champion already"),
        ("transfer", 9, None, "no version 9"),
        ("transfer", 2, 3, "version 1 by now, not 3"),
        ("restore", 1, None, "not in the registry"),
    ],
)
def test_what_cannot_be_promoted_is_told_and_changes_nothing(
    registry, client, model, version, expected, said
):
    with pytest.raises(UserError, match=said):
        promote(registry, model, version, "why not", expected)
    assert champion(client) == 1
    assert history(client) == []


def _killed_at(step, registry):
    """In a process of its own: promote, and die as soon as a step is done."""
    done = iter(STEPS)

    def dies_after(method):
        def careful(*args, **kwargs):
            result = method(*args, **kwargs)
            if next(done) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return careful

    from mlflow import MlflowClient

    Path.replace = dies_after(Path.replace)
    for name in ("model_version_tag", "registered_model_tag", "registered_model_alias"):
        name = f"set_{name}"
        setattr(MlflowClient, name, dies_after(getattr(MlflowClient, name)))
    Path.unlink = dies_after(Path.unlink)
    promote(registry, "transfer", 2, "better")


@pytest.mark.parametrize("step", STEPS)
def test_kill_9_after_any_step_leaves_a_champion_and_is_made_good(registry, client, step):
    doomed = multiprocessing.get_context("spawn").Process(target=_killed_at, args=(step, registry))
    doomed.start()
    doomed.join(120)
    assert doomed.exitcode == -signal.SIGKILL
    assert champion(client) in (1, 2)
    promotion.recover(registry)
    assert champion(client) == 2  # what was written down is carried out
    assert MOVED_TAG in client.get_model_version(NAME, "2").tags
    assert len(history(client)) == 1
    assert not JOURNAL.exists()
    assert rollback(registry, "transfer", "as a test").version == 1


def _promotes(version, registry, start, answers):
    open_store(registry)
    start.wait()
    try:
        answers.put(str(promote(registry, "transfer", version, "better", expected=1)))
    except UserError as error:
        answers.put(f"{error.exit_code}: {error}")


def test_of_two_at_once_one_wins_and_the_other_is_told(registry, client):
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Event(), spawn.Queue()
    both = [
        spawn.Process(target=_promotes, args=(version, registry, start, answers))
        for version in (2, 3)
    ]
    for process in both:
        process.start()
    time.sleep(10)
    start.set()
    said = sorted(answers.get(timeout=60) for _ in both)
    for process in both:
        process.join(60)
    lost, won = said
    assert won.startswith(f"{NAME} promoted: version {champion(client)}")
    assert "another promotion is under way" in lost or "by now, not 1" in lost
    assert len(history(client)) == 1
