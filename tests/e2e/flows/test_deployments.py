"""A real Prefect server with a worker: a schedule fires, a worse version is refused, one is made
champion by hand and rolled back, drift leads to a training, and one whose worker was killed goes
on."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml
from mlflow import MlflowClient

from stylefuse.config import load_params
from stylefuse.images.statistics import statistics
from stylefuse.models.saving import load_generator, save_generator
from stylefuse.monitoring.request_log import ANSWERED, RequestLog
from stylefuse.registry.store import CHAMPION, registered_name
from tests.support.clone import commit_all, environment, make_clone
from tests.support.models import noise

MODEL = "restore"
PATIENCE = 600  # seconds that a run may take
VERDICT = "stylefuse.gate.verdict"


class Site:
    """A clone with one model, its server and its worker."""

    def __init__(self, root: Path):
        self.root, self.environment = root, environment(root)
        params = yaml.safe_load((root / "params.yaml").read_text())
        params["models"] = {MODEL: params["models"][MODEL]}
        (root / "params.yaml").write_text(yaml.safe_dump(params))
        schedules = (root / "prefect.yaml").read_text().replace("0 2 * * *", "* * * * *")
        (root / "prefect.yaml").write_text(schedules)
        commit_all(root)
        self.log = root.with_name("serve.log")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.server: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "flows.serve", "--port", str(self.port)]
        log = self.log.open("ab")
        self.server = subprocess.Popen(
            command, cwd=self.root, env=self.environment, stdout=log, stderr=subprocess.STDOUT
        )
        until(lambda: self.api("deployments/filter", {}) and self.worker(), 180)

    def stop(self) -> None:
        if self.server:
            self.server.terminate()
            self.server.wait(300)  # what runs is stopped first

    def api(self, path: str, body: dict | None = None, method: str = "POST"):
        """The server's answer; it says 503 for a moment when it is busy, and is asked again."""
        for _ in range(60):
            request = urllib.request.Request(
                f"{self.address}/api/{path}", json.dumps(body).encode(), method=method
            )
            request.add_header("Content-Type", "application/json")
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.loads(answer.read() or "null")
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    raise
            except OSError:
                pass  # it is not up yet
            time.sleep(1)
        raise AssertionError(f"{path} was not answered")

    def deployment(self, name: str) -> dict:
        return self.api(f"deployments/name/{name}", method="GET", body={})

    def runs(self, name: str) -> list[dict]:
        asked = {"deployments": {"id": {"any_": [self.deployment(name)["id"]]}}}
        return self.api("flow_runs/filter", asked | {"sort": "EXPECTED_START_TIME_ASC"})

    def run(self, name: str, **parameters) -> dict:
        """Have the worker run a deployment, and wait for its end."""
        begun = self.begin(name, **parameters)
        return self.ended(begun["id"])

    def begin(self, name: str, **parameters) -> dict:
        place = f"deployments/{self.deployment(name)['id']}/create_flow_run"
        return self.api(place, {"parameters": parameters, "state": {"type": "SCHEDULED"}})

    def ended(self, identity: str) -> dict:
        def final():
            found = self.api(f"flow_runs/{identity}", method="GET", body={})
            types = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
            return found if found["state_type"] in types else None

        return until(final, PATIENCE)

    def said(self, identity: str) -> str:
        asked = {"logs": {"flow_run_id": {"any_": [identity]}}, "limit": 200}
        return "\n".join(line["message"] for line in self.api("logs/filter", asked))

    def artifacts(self, identity: str) -> dict[str, dict]:
        asked = {"artifacts": {"flow_run_id": {"any_": [identity]}}}
        return {found["key"]: found for found in self.api("artifacts/filter", asked)}

    def worker(self) -> psutil.Process | None:
        """The worker's process, if it runs."""
        children = psutil.Process(self.server.pid).children() if self.server else []
        return next((child for child in children if "worker" in child.cmdline()), None)

    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.root}/mlflow/mlflow.db")

    def champion(self) -> int:
        name = registered_name(MODEL)
        return int(self.client().get_model_version_by_alias(name, CHAMPION).version)


def until(happens, patience: float):
    """What `happens` returns as soon as that is something."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := happens():
            return found
        time.sleep(1)
    raise AssertionError("it did not happen in time")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(make_clone(tmp_path_factory.mktemp("site") / "clone"))
    try:
        site.start()
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="module")
def nightly(site):
    """The run that the schedule began, at its end; no other one is begun after it."""

    def begun():  # a run that has not begun is deleted with its schedule
        return [run for run in site.runs("train/nightly") if run["state_type"] != "SCHEDULED"]

    first = until(begun, 180)[0]
    site.api(f"deployments/{site.deployment('train/nightly')['id']}", {"paused": True}, "PATCH")
    return site.ended(first["id"])


def test_the_schedule_fires_and_makes_a_champion(site, nightly):
    assert nightly["state_type"] == "COMPLETED", site.said(nightly["id"])
    assert nightly["auto_scheduled"]
    assert site.champion() == 1
    shown = site.artifacts(nightly["id"])
    keys = {
        f"decision-{MODEL}",
        f"figures-{MODEL}",
        f"sheets-{MODEL}",
        f"run-{MODEL}",
        "validation",
    }
    assert keys <= set(shown)
    assert "data:image/jpeg;base64," in shown[f"sheets-{MODEL}"]["data"]


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")
def test_the_pages_show_what_was_found(site, nightly, tmp_path):
    decision = site.artifacts(nightly["id"])[f"decision-{MODEL}"]["id"]
    pages = {f"runs/flow-run/{nightly['id']}": "nightly", f"artifacts/artifact/{decision}": MODEL}
    for page, word in pages.items():
        command = [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
            f"--user-data-dir={tmp_path}", "--virtual-time-budget=30000", f"{site.address}/{page}",
        ]  # fmt: skip
        shown = subprocess.run(command, capture_output=True, text=True, timeout=180).stdout
        assert word in shown


def test_a_worse_challenger_is_refused_with_reasons(site, nightly):
    folder = site.root / "models" / MODEL
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    task, generator = load_generator(folder)
    stream = np.random.default_rng(0)
    for weight in generator.weights:
        weight.assign(np.asarray(weight) + stream.normal(0, 0.5, weight.shape))
    params = yaml.safe_load((site.root / "params.yaml").read_text())["models"][MODEL]["tiny"]
    shape = type("Shape", (), {key: params[key] for key in task.architecture})
    save_generator(task, shape, generator, folder)
    judged = site.root / f"reports/metrics/{MODEL}.json"
    figures = judged.read_bytes()
    judged.unlink()  # they are of the weights that were trained
    program = str(Path(sys.executable).parent / "stylefuse")
    subprocess.run([program, "register", MODEL], cwd=site.root, env=site.environment, check=True)
    for name, content in kept.items():
        (folder / name).write_bytes(content)
    judged.write_bytes(figures)

    judged = site.run("evaluate/on-demand")
    assert judged["state_type"] == "COMPLETED", site.said(judged["id"])
    version = site.client().get_model_version(registered_name(MODEL), "2")
    assert version.tags[VERDICT].startswith("refuse: ")
    decision = site.artifacts(judged["id"])[f"decision-{MODEL}"]
    assert decision["description"] == version.tags[VERDICT]
    assert site.champion() == 1


def test_by_hand_promoted_and_rolled_back(site, nightly):
    moved = site.run("promote/by-hand", model=MODEL, version=2, reason="to see it")
    assert moved["state_type"] == "COMPLETED", site.said(moved["id"])
    assert site.champion() == 2
    back = site.run("rollback/by-hand", model=MODEL, reason="seen")
    assert back["state_type"] == "COMPLETED", site.said(back["id"])
    assert site.champion() == 1


def test_pictures_that_have_drifted_lead_to_a_training(site, nightly):
    quiet = site.run("monitor/hourly")
    assert quiet["state_name"] == "Completed"
    assert quiet["state"]["message"] == f"{MODEL}: too few pictures seen"
    seen = RequestLog(site.root / load_params(site.root / "params.yaml").monitor.request_log)
    for number in range(60):
        dark = noise(64, 48, seed=number).point(lambda level: level // 8)
        seen.note(MODEL, ANSWERED, 0.1, [("picture", statistics(dark))])

    found = site.run("monitor/hourly")
    assert found["state_name"] == "Drifted", site.said(found["id"])
    assert "picture luminance" in found["state"]["message"]
    shown = site.artifacts(found["id"])
    assert "drifted in picture luminance" in shown[f"inputs-{MODEL}"]["description"]
    assert f"requests-{MODEL}" in shown
    began = {"flow_runs": {"parent_flow_run_id": {"any_": [found["id"]]}}}
    (training,) = site.api("flow_runs/filter", began)
    assert training["state_type"] == "COMPLETED"
    assert training["parameters"]["fresh"]
    assert site.run("monitor/hourly")["state_name"] == "Completed"  # it has been answered


def test_a_sweep_registers_its_best_from_a_commit_of_its_own(site, nightly):
    commit_all(site.root)
    before = (site.root / "params.yaml").read_bytes()
    swept = site.run("sweep/by-hand", model=MODEL, grid={"learning_rate": [1e-4, 2e-3]})
    assert swept["state_type"] == "COMPLETED", site.said(swept["id"])
    rows = json.loads(site.artifacts(swept["id"])[f"sweep-{MODEL}"]["data"])
    assert {row["learning_rate"] for row in rows} == {"0.0001", "0.002"}
    (best,) = [row for row in rows if row["registered"]]
    assert float(best["better is more"]) == max(float(row["better is more"]) for row in rows)

    name = registered_name(MODEL)
    version = site.client().get_model_version_by_alias(name, "challenger")
    assert version.tags["stylefuse.variants"] == "2"
    assert version.tags["git.dirty"] == "false"
    made = ["git", "show", f"{version.tags['git.commit']}:params.yaml"]
    kept = yaml.safe_load(subprocess.check_output(made, cwd=site.root))
    assert str(kept["models"][MODEL]["tiny"]["learning_rate"]) == best["learning_rate"]
    assert (site.root / "params.yaml").read_bytes() == before
    assert site.champion() == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost:{port}"}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Host": "evil.example:{port}"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
    ],
)
def test_it_hears_its_own_name_and_no_page_of_another_site(site, headers, status):
    request = urllib.request.Request(f"{site.address}/api/deployments/filter", b"{}")
    request.add_header("Content-Type", "application/json")
    for name, value in headers.items():
        request.add_header(name, value.format(port=site.port))
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == status
    except urllib.error.HTTPError as error:
        assert error.code == status
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", site.port), timeout=5)


def test_a_training_whose_worker_was_killed_goes_on(site, nightly):
    params = yaml.safe_load((site.root / "params.yaml").read_text())
    params["models"][MODEL]["tiny"] |= {"kimg": 2.0, "tick_kimg": 0.1, "sample_kimg": 0.1}
    (site.root / "params.yaml").write_text(yaml.safe_dump(params))
    commit_all(site.root)
    site.begin("train/nightly")
    checkpoints = site.root / ".ckpt" / MODEL
    until(lambda: list(checkpoints.glob("*/step-*.npz")), PATIENCE)
    worker = site.worker()
    processes = [worker, *worker.children(recursive=True)]
    os.kill(worker.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(processes, 90)
    assert not [one for one in alive if "train" in " ".join(one.cmdline())]
    site.server.wait(120)  # it says that the worker has ended
    assert "the worker has ended" in site.log.read_text()

    site.start()
    site.api(f"deployments/{site.deployment('train/nightly')['id']}", {"paused": True}, "PATCH")
    again = site.run("train/nightly")
    assert again["state_type"] == "COMPLETED", site.said(again["id"])
    assert "training restore goes on at" in site.said(again["id"])
