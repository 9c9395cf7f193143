"""The graph is `dvc.yaml`'s and nobody else's, and a plan says why each stage would run."""

import re
import subprocess

import pytest
import yaml
from flows.graph import Stage, chosen, plan, read_graph

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


def reasons(root):
    return {stage.name: stage.reasons for stage in read_graph(root)}


def test_the_graph_is_that_of_dvc_and_in_an_order_that_runs():
    listed = subprocess.run(
        ["dvc", "stage", "list", "--name-only"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    stages = read_graph(ROOT)
    assert sorted(stage.name for stage in stages) == sorted(listed.stdout.split())
    seen = set()
    for stage in stages:
        assert seen.issuperset(stage.needs)
        seen.add(stage.name)


def test_no_flow_names_a_stage():
    """A name in quotes would be a second description of the graph."""
    names = list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
    tasks = {"train", "evaluate", "validate"}  # what flows themselves are called
    for path in sorted((ROOT / "flows").glob("*.py")):
        text = re.sub(r'name="\w+"', "", path.read_text())
        for name in names:
            if name not in tasks:
                assert not re.search(rf"[\"']{name}\b", text), f"{path.name} names {name}"
        assert not re.search(rf"[\"']({'|'.join(names)})@", text), path.name


def test_what_is_up_to_date_is_cached(project):
    stages = read_graph(project)
    assert [stage.name for stage in stages] == ["fetch", "learn@a", "learn@b"]
    assert [stage.gpu for stage in stages] == [False, True, True]
    assert stages[1].needs == ("fetch",)
    assert all(stage.reasons == () for stage in stages)
    assert plan(stages).splitlines()[1].split() == ["learn@a", "cached", "[gpu]"]


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
def test_a_reason_says_what_changed(project, change, stage, reason):
    files = [*project.iterdir(), project / "src/learn.py"]
    kept = {path: path.read_bytes() for path in files if path.is_file()}
    change(project)
    try:
        assert reason in reasons(project)[stage]
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    assert reasons(project)[stage] == ()


def test_a_stage_that_is_added_needs_no_edit_elsewhere(project):
    more = GRAPH + "  count: {cmd: wc a.txt > n.txt, deps: [a.txt], outs: [n.txt]}\n"
    (project / "dvc.yaml").write_text(more)
    try:
        stages = read_graph(project)
    finally:
        (project / "dvc.yaml").write_text(GRAPH)
    assert stages[-1].name == "count"
    assert stages[-1].needs == ("learn@a",)


def test_items_choose_their_stages_and_those_for_all():
    stages = [Stage("fetch"), Stage("learn@a"), Stage("learn@b")]
    assert [stage.name for stage in chosen(stages, ["b"])] == ["fetch", "learn@b"]
    assert chosen(stages, []) == stages


def test_a_plan_tells_what_waits_for_what_and_shortens_long_lists():
    many = ("code: a, b, c and 2 more",)
    text = plan([Stage("one", reasons=many), Stage("two", needs=("one",)), Stage("three")])
    assert text.splitlines()[0].endswith("code: a, b, c and 2 more")
    assert text.splitlines()[1].split(maxsplit=1)[1] == "after one"
    assert text.splitlines()[2].endswith("cached")
