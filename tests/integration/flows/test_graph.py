"""The graph comes from `dvc.yaml` alone, and the plan says why each stage would run."""

import re
import subprocess
from dataclasses import replace

import pytest
import yaml
from flows.graph import Stage, format_plan, read_graph, select
from flows.train import run_stage
from prefect.logging import disable_run_logger

from tests.support.clone import ROOT

GRAPH = """
stages:
  fetch:
    cmd: echo 1 > raw.txt
    params: [amount]
    outs: [raw.txt]
  learn:
    matrix: {model: [a, b]}
    cmd: cat raw.txt > ${item.model}.txt
    deps: [raw.txt, src/learn.py]
    outs: ["${item.model}.txt"]
    meta: {gpu: 1}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A graph of three stages that has run once."""
    root = tmp_path_factory.mktemp("graph")
    (root / "dvc.yaml").write_text(GRAPH)
    (root / "params.yaml").write_text("amount: 1\n")
    (root / "src").mkdir()
    (root / "src/learn.py").write_text("1\n")
    dvc(root, "init", "--no-scm", "-q")
    dvc(root, "repro", "-q")
    return root


def dvc(root, *command):
    subprocess.run(["dvc", *command], cwd=root, check=True, capture_output=True)


@pytest.fixture
def restored(project):
    """The project; its files are restored after the test."""
    files = [*project.iterdir(), project / "src/learn.py"]
    contents = {path: path.read_bytes() for path in files if path.is_file()}
    yield project
    for path, content in contents.items():
        path.write_bytes(content)


def reasons(root):
    return {stage.name: stage.reasons for stage in read_graph(root)}


def test_the_graph_has_the_stages_of_dvc_in_topological_order():
    listed = subprocess.run(
        ["dvc", "stage", "list", "--name-only"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    stages = read_graph(ROOT)
    assert sorted(stage.name for stage in stages) == sorted(listed.stdout.split())
    earlier = set()
    for stage in stages:
        assert earlier.issuperset(stage.upstream)
        earlier.add(stage.name)


def test_no_flow_names_a_stage():
    """A quoted name of a stage would be a second description of the graph."""
    names = list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
    tasks = {"train", "evaluate", "validate"}  # names of flows
    for path in sorted((ROOT / "flows").glob("*.py")):
        text = re.sub(r'name="\w+"', "", path.read_text())
        for name in names:
            if name not in tasks:
                assert not re.search(rf"[\"']{name}\b", text), f"{path.name} names {name}"
        assert not re.search(rf"[\"']({'|'.join(names)})@", text), path.name


def test_stages_that_are_up_to_date_are_cached(project):
    stages = read_graph(project)
    assert [stage.name for stage in stages] == ["fetch", "learn@a", "learn@b"]
    assert [stage.gpu for stage in stages] == [False, True, True]
    assert stages[1].upstream == ("fetch",)
    assert all(stage.reasons == () for stage in stages)
    assert format_plan(stages).splitlines()[1].split() == ["learn@a", "cached", "[gpu]"]


def changes(path, text):
    def change(root):
        (root / path).write_text(text)

    return change


@pytest.mark.parametrize(
    ("change", "stage", "reason"),
    [
        (changes("params.yaml", "amount: 2\n"), "fetch", "parameter: amount"),
        (changes("src/learn.py", "2\n"), "learn@b", "code: src/learn.py"),
        (changes("raw.txt", "other\n"), "learn@a", "data: raw.txt"),
        (changes("raw.txt", "other\n"), "fetch", "changed by hand: raw.txt"),
        (lambda root: (root / "a.txt").unlink(), "learn@a", "missing: a.txt"),
        (changes("dvc.yaml", GRAPH.replace("echo 1", "echo 2")), "fetch", "changed: command"),
        (lambda root: (root / "dvc.lock").unlink(), "fetch", "never run"),
    ],
)
def test_a_reason_says_what_changed(restored, change, stage, reason):
    change(restored)
    assert reason in reasons(restored)[stage]


def test_an_added_stage_needs_no_edit_elsewhere(restored):
    more = GRAPH + "  count: {cmd: wc a.txt > n.txt, deps: [a.txt], outs: [n.txt]}\n"
    (restored / "dvc.yaml").write_text(more)
    stages = read_graph(restored)
    assert stages[-1].name == "count"
    assert stages[-1].upstream == ("learn@a",)


def test_items_select_their_stages_and_those_for_all():
    stages = [Stage("fetch"), Stage("learn@a"), Stage("learn@b")]
    assert [stage.name for stage in select(stages, ["b"])] == ["fetch", "learn@b"]
    assert select(stages, []) == stages


def test_a_plan_shows_what_runs_after_what_and_shortens_long_lists():
    reasons = ("code: a, b, c and 2 more",)
    stages = [Stage("one", reasons=reasons), Stage("two", upstream=("one",)), Stage("three")]
    lines = format_plan(stages).splitlines()
    assert lines[0].endswith("code: a, b, c and 2 more")
    assert lines[1].split(maxsplit=1)[1] == "after one"
    assert lines[2].endswith("cached")


@pytest.fixture
def bring_up_to_date(restored, monkeypatch):
    """A function that runs the task of a flow for one stage: name → state, and its result."""
    monkeypatch.chdir(restored)

    def bring_up_to_date(name, upstream_changed=False, force=False):
        (stage,) = [stage for stage in read_graph() if stage.name == name]
        stage = replace(stage, gpu=False)  # the limit of GPUs needs a Prefect server
        with disable_run_logger():
            state = run_stage.fn(stage, upstream_changed, force)
        assert state.is_completed()
        return state.name, state.result().changed

    return bring_up_to_date


def test_a_stage_without_changes_is_cached(bring_up_to_date):
    assert bring_up_to_date("fetch") == ("Cached", False)
    assert bring_up_to_date("learn@a", upstream_changed=True) == ("Cached", False)


def test_a_forced_stage_runs_and_its_outputs_are_the_same(bring_up_to_date):
    assert bring_up_to_date("fetch", force=True) == ("Completed", False)


def test_a_changed_stage_runs_and_its_outputs_are_the_same(bring_up_to_date, restored):
    (restored / "params.yaml").write_text("amount: 3\n")
    assert bring_up_to_date("fetch") == ("Completed", False)
    assert bring_up_to_date("fetch") == ("Cached", False)


def test_changed_outputs_are_noticed_also_when_the_run_cache_has_them(bring_up_to_date, restored):
    original = (restored / "a.txt").read_text()
    for sources in ("raw.txt raw.txt", "raw.txt"):
        (restored / "dvc.yaml").write_text(GRAPH.replace("cat raw.txt", f"cat {sources}"))
        assert bring_up_to_date("learn@a") == ("Completed", True)
    assert (restored / "a.txt").read_text() == original


def test_outputs_that_were_changed_by_hand_are_noticed(bring_up_to_date, restored):
    original = (restored / "a.txt").read_text()
    for change in (lambda path: path.write_text("by hand"), lambda path: path.unlink()):
        change(restored / "a.txt")
        assert bring_up_to_date("learn@a") == ("Completed", True)
        assert (restored / "a.txt").read_text() == original
