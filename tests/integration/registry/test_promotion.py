"""A champion changes completely or not at all, even if the process dies, and can be rolled back."""

import json
import multiprocessing
import os
import re
import signal
import socket
import threading
import time
from dataclasses import asdict

import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.registry import promotion, promotion_lock
from stylefuse.registry.promotion import (
    HISTORY_TAG,
    LEFT_TAG,
    MOVED_TAG,
    Move,
    promote,
    rollback,
)
from stylefuse.registry.promotion_lock import Claim, PromotionLock, claims
from stylefuse.registry.store import CHAMPION, open_store, registered_name
from tests.support.stores import copy_empty_store
from tests.unit.test_config import SHIPPED

NAME = registered_name("transfer")
STEPS = ("claimed", "planned", "tag", "history", "alias", "released")


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
    assert not claims(client, NAME)


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


def leave_interrupted(client, move, **process):
    """A claim on the lock whose process has died, and its tag."""
    lock = PromotionLock(client, NAME)
    lock.acquire()
    lock.write_plan(asdict(move))
    lock.give_up()
    ((tag, claim),) = claims(client, NAME).items()
    text = json.dumps({**asdict(claim), **process})
    client.set_registered_model_tag(NAME, tag, text)
    return tag, Claim(**json.loads(text))


def interrupted(**changes):
    return Move(**{"name": NAME, "version": 2, "before": 1, "reason": "better", "at": "2026-01-01T"}
                | changes)  # fmt: skip


def test_an_interrupted_move_is_finished_before_the_next_one(registry, client, caplog):
    leave_interrupted(client, interrupted())
    promote(registry, "transfer", 3, "better still")
    assert champion(client) == 3
    assert [line.partition(":")[0] for line in history(client)] == [f"{NAME} promoted"] * 2
    assert "finished an interrupted change" in caplog.text
    assert not claims(client, NAME)
    assert rollback(registry, "transfer", "greenish").version == 2


@pytest.mark.parametrize("changes", [{}, {"version": 9}])
def test_an_interrupted_move_is_dropped_if_the_champion_is_another_one(
    registry, client, caplog, changes
):
    """Somebody else may have promoted and rolled back since then, in the web interface too."""
    leave_interrupted(client, interrupted(**changes))
    client.set_registered_model_alias(NAME, CHAMPION, "3")
    promotion.recover(registry, "transfer")
    assert champion(client) == 3
    assert history(client) == []
    assert "dropped an interrupted change" in caplog.text
    assert not claims(client, NAME)


def test_a_move_on_another_machine_is_waited_for(registry, client, monkeypatch):
    monkeypatch.setattr(promotion_lock, "WAIT_S", 0.5)
    tag, claim = leave_interrupted(client, interrupted(), host="elsewhere")
    with pytest.raises(UserError) as error:
        promote(registry, "transfer", 3, "better")
    assert error.value.code == "promotion-in-progress"
    assert champion(client) == 1
    assert claims(client, NAME) == {tag: claim}


def test_a_machine_that_is_gone_is_not_waited_for(registry, client):
    leave_interrupted(client, interrupted(), host="elsewhere", at=0.0)
    promote(registry, "transfer", 3, "better")
    assert champion(client) == 3
    assert len(history(client)) == 2


CLAIM = {"host": "elsewhere", "pid": 1, "started": 0, "at": 0}
FOREIGN_CLAIMS = {
    "no JSON": "{",
    "a list": "[1]",
    "nothing": "{}",
    "no process": json.dumps(CLAIM | {"host": socket.gethostname(), "pid": -5}),
    "a large number": json.dumps(CLAIM | {"host": socket.gethostname(), "pid": 10**30}),
    "in the future": json.dumps(CLAIM | {"at": 1e18}),
    "no time": json.dumps(CLAIM | {"at": float("nan")}),
    "no plan": json.dumps(CLAIM | {"plan": [1]}),
    "an odd plan": json.dumps(CLAIM | {"plan": {"a": 1}}),
    "no version": json.dumps(CLAIM | {"plan": asdict(interrupted(version="2' OR 1=1"))}),
    "another model": json.dumps(CLAIM | {"plan": asdict(interrupted(name="stylefuse-other"))}),
}


@pytest.mark.parametrize("text", FOREIGN_CLAIMS.values(), ids=FOREIGN_CLAIMS)
def test_a_claim_that_somebody_made_up_moves_nothing_and_stops_nobody(registry, client, text):
    client.set_registered_model_tag(NAME, f"{promotion_lock.TAG}.0", text)
    promote(registry, "transfer", 3, "better")
    assert champion(client) == 3
    assert len(history(client)) == 1
    assert not claims(client, NAME)


def test_a_history_that_cannot_be_read_is_reported(registry, client):
    client.set_registered_model_tag(NAME, f"{promotion.HISTORY_TAG}.2026", "{")
    with pytest.raises(UserError) as error:
        rollback(registry, "transfer", "greenish")
    assert error.value.code == "history-damaged"
    client.delete_registered_model_tag(NAME, f"{promotion.HISTORY_TAG}.2026")


def test_one_at_a_time_has_the_lock(registry, client):
    inside, most = 0, 0
    counting = threading.Lock()

    def use():
        nonlocal inside, most
        lock = PromotionLock(client, NAME)
        lock.acquire()
        with counting:
            inside += 1
            most = max(most, inside)
        time.sleep(0.1)
        with counting:
            inside -= 1
        lock.release()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1)
    assert not claims(client, NAME)


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

    def dies_after(method):
        def wrapped(*args, **kwargs):
            result = method(*args, **kwargs)
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapped

    from mlflow import MlflowClient

    for name in ("set_model_version_tag", "set_registered_model_tag",
                 "set_registered_model_alias", "delete_registered_model_tag"):  # fmt: skip
        setattr(MlflowClient, name, dies_after(getattr(MlflowClient, name)))
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
    promotion.recover(registry, "transfer")
    assert not claims(client, NAME)
    if step == "claimed":  # nothing was decided yet
        assert champion(client) == 1
        assert history(client) == []
        return
    assert champion(client) == 2
    assert MOVED_TAG in client.get_model_version(NAME, "2").tags
    assert len(history(client)) == 1
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
    assert refusal == "champion-changed"
    assert len(history(client)) == 1
