"""Deployments on a real Prefect server with a worker: schedule, gate, manual promotion, rollback,
drift, sweep, and a training that resumes after its worker was killed."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml
from flows.processes import wait_until_ended
from flows.serve import PASSWORD_FILE
from mlflow import MlflowClient
from playwright.sync_api import expect, sync_playwright

from stylefuse.config import load_params
from stylefuse.images.statistics import statistics
from stylefuse.models.saving import load_generator, save_generator
from stylefuse.monitoring.request_log import ANSWERED, RequestLog
from stylefuse.painting.manifest import read_manifest
from stylefuse.registry.store import CHAMPION, registered_name
from tests.support.clone import (
    commit_all,
    copy_finished_project,
    environment,
    keep_one_model,
)
from tests.support.models import noise
from tests.support.trainings import ROOT

MODEL = "restore"
NOTE = "note.txt"
CHROMIUM = shutil.which("chromium")
TIMEOUT_S = 600  # of a flow run, and of the servers on a busy machine
VERDICT = "stylefuse.gate.verdict"
METRIC = "metric (higher is better)"


class Site:
    """A clone with one model, its Prefect server and its worker."""

    def __init__(self, root: Path):
        # by default the worker looks for new runs every ten seconds
        self.root = root
        self.environment = environment(root) | {"PREFECT_WORKER_QUERY_SECONDS": "1"}
        keep_one_model(root, MODEL)
        schedules = (root / "prefect.yaml").read_text().replace("0 2 * * *", "* * * * *")
        (root / "prefect.yaml").write_text(schedules)
        commit_all(root)
        (root / NOTE).write_text("in no commit")
        (root / "prefect.yaml").write_text(f"{schedules}\n# edited\n")
        self.log = root.with_name("serve.log")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.server: subprocess.Popen | None = None
        self.stopped: list[psutil.Process] = []

    def start(self) -> None:
        command = [sys.executable, "-m", "flows.serve", "--port", str(self.port)]
        log = self.log.open("ab")
        self.server = subprocess.Popen(
            command, cwd=self.root, env=self.environment, stdout=log, stderr=subprocess.STDOUT
        )
        wait_for(lambda: self.api("deployments/filter", {}) and self.worker(), TIMEOUT_S)

    def stop(self) -> None:
        if self.server:
            self.stopped = psutil.Process(self.server.pid).children(recursive=True)
            self.server.terminate()
            self.server.wait(TIMEOUT_S)  # what runs is stopped first

    def api(self, path: str, body: dict | None = None, method: str = "POST"):
        """The response of Prefect's API; the request is repeated while the server is busy (503)."""
        for _ in range(TIMEOUT_S):
            request = urllib.request.Request(
                f"{self.address}/api/{path}", json.dumps(body).encode(), method=method
            )
            request.add_header("Content-Type", "application/json")
            request.add_header("Authorization", f"Basic {self.credentials()}")
            try:
                with urllib.request.urlopen(request, timeout=30) as response:
                    return json.loads(response.read() or "null")
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    raise
            except OSError:
                pass  # it has not started yet
            time.sleep(1)
        raise AssertionError(f"{path}: no response")

    def credentials(self) -> str:
        """Base64; empty before the first start."""
        path = self.root / PASSWORD_FILE
        return base64.b64encode(path.read_bytes().strip() if path.exists() else b"").decode()

    def deployment(self, name: str) -> dict:
        return self.api(f"deployments/name/{name}", method="GET", body={})

    def runs(self, name: str) -> list[dict]:
        body = {"deployments": {"id": {"any_": [self.deployment(name)["id"]]}}}
        return self.api("flow_runs/filter", body | {"sort": "EXPECTED_START_TIME_ASC"})

    def run(self, name: str, **parameters) -> dict:
        """Run a deployment on the worker, and wait for its end."""
        return self.wait(self.start_run(name, **parameters)["id"])

    def start_run(self, name: str, **parameters) -> dict:
        path = f"deployments/{self.deployment(name)['id']}/create_flow_run"
        return self.api(path, {"parameters": parameters, "state": {"type": "SCHEDULED"}})

    def wait(self, run_id: str) -> dict:
        def finished():
            run = self.api(f"flow_runs/{run_id}", method="GET", body={})
            final = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
            return run if run["state_type"] in final else None

        return wait_for(finished, TIMEOUT_S)

    def log_of(self, run_id: str) -> str:
        body = {"logs": {"flow_run_id": {"any_": [run_id]}}, "limit": 200}
        return "\n".join(line["message"] for line in self.api("logs/filter", body))

    def artifacts(self, run_id: str) -> dict[str, dict]:
        body = {"artifacts": {"flow_run_id": {"any_": [run_id]}}}
        return {item["key"]: item for item in self.api("artifacts/filter", body)}

    def worker(self) -> psutil.Process | None:
        """The worker's process, if it is running."""
        for child in psutil.Process(self.server.pid).children() if self.server else []:
            with suppress(psutil.Error):  # it has just ended
                if "worker" in child.cmdline():
                    return child
        return None

    def client(self) -> MlflowClient:
        return MlflowClient(f"sqlite:///{self.root}/mlflow/mlflow.db")

    def champion(self) -> int:
        name = registered_name(MODEL)
        return int(self.client().get_model_version_by_alias(name, CHAMPION).version)


def wait_for(condition, timeout_s: float):
    """Call a function until it returns something true; return that."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.3)
    raise AssertionError("timeout")


def is_training(process: psutil.Process) -> bool:
    with suppress(psutil.Error):  # it has just ended
        return "train" in " ".join(process.cmdline())
    return False


@pytest.fixture(scope="module")
def site(shared_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "clone"
    site = Site(copy_finished_project(shared_folder, folder))
    try:
        site.start()
        yield site
    finally:
        site.stop()
        assert not wait_until_ended(site.stopped, 60)


@pytest.fixture(scope="module")
def nightly(site):
    """The first scheduled run, after its end; the schedule is paused then."""

    def started():  # a run that has not started is deleted when the schedule is paused
        return [run for run in site.runs("train/nightly") if run["state_type"] != "SCHEDULED"]

    first = wait_for(started, TIMEOUT_S)[0]
    site.api(f"deployments/{site.deployment('train/nightly')['id']}", {"paused": True}, "PATCH")
    return site.wait(first["id"])


def test_the_schedule_fires_and_makes_a_champion(site, nightly):
    assert nightly["state_type"] == "COMPLETED", site.log_of(nightly["id"])
    assert nightly["auto_scheduled"]
    assert site.champion() == 1
    shown = site.artifacts(nightly["id"])
    keys = {
        f"decision-{MODEL}",
        f"metrics-{MODEL}",
        f"samples-{MODEL}",
        f"run-{MODEL}",
        "validation",
    }
    assert keys <= set(shown)
    assert "data:image/jpeg;base64," in shown[f"samples-{MODEL}"]["data"]


def test_the_run_worked_on_the_commit_and_says_so(site, nightly):
    show = ["git", "show", "--no-patch", "--format=%h %H"]
    short, commit = subprocess.check_output(show, cwd=site.root, text=True).split()
    version = site.client().get_model_version(registered_name(MODEL), "1")
    assert version.tags["git.commit"] == commit
    assert version.tags["git.dirty"] == "false"
    origin = site.artifacts(nightly["id"])["origin"]["data"]
    prepared = version.tags["dvc.data/prepared"]
    assert {short, prepared, "stylefuse-restore"} <= set(re.findall(r"[\w.-]+", origin))
    assert short in nightly["state"]["message"]
    assert (site.root / NOTE).exists()
    worktrees = site.root / ".prefect/worktrees"
    assert (worktrees / "1/params.yaml").exists()
    assert not list(worktrees.glob(f"*/{NOTE}"))


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
def test_the_pages_show_runs_and_decisions_to_who_has_the_password(site, nightly):
    decision = site.artifacts(nightly["id"])[f"decision-{MODEL}"]["id"]
    pages = {f"runs/flow-run/{nightly['id']}": "nightly", f"artifacts/artifact/{decision}": MODEL}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(site.address)
        page.get_by_role("textbox").or_(page.locator("input")).first.fill(
            (site.root / PASSWORD_FILE).read_text().strip()
        )
        page.keyboard.press("Enter")
        expect(page.get_by_text("Flow Runs").first).to_be_visible(timeout=60_000)
        for path, word in pages.items():
            page.goto(f"{site.address}/{path}")
            expect(page.get_by_text(word).first).to_be_visible(timeout=60_000)
        browser.close()


@pytest.mark.parametrize("authorization", [None, "Basic c3R5bGVmdXNlOg==", "Bearer x"])
def test_other_users_of_the_machine_cannot_run_commands(site, nightly, authorization):
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": authorization} if authorization else {}
    identifier = site.deployment("train/nightly")["id"]
    body = json.dumps({"job_variables": {"command": "touch intruder"}}).encode()
    for path in ("deployments/filter", f"deployments/{identifier}/create_flow_run"):
        request = urllib.request.Request(f"{site.address}/api/{path}", body, headers)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request, timeout=30)
    assert (site.root / PASSWORD_FILE).stat().st_mode & 0o777 == 0o600


def test_the_documented_variables_let_prefect_in(site):
    guide = (ROOT / "docs/guides/pipeline.md").read_text()
    (export,) = (line for line in guide.splitlines() if line.startswith("export PREFECT_API_URL"))
    command = f"{export.replace('4200', str(site.port))}; prefect --no-prompt deployment ls"
    programs = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    listed = subprocess.run(
        ["bash", "-c", command], cwd=site.root, env=site.environment | programs,
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "train/nightly" in listed


@pytest.mark.parametrize("path", ["docs", "openapi.json", "api/docs", "api/openapi.json"])
def test_the_descriptions_of_the_api_are_closed(site, path):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{site.address}/{path}", timeout=30)


def test_a_worse_challenger_is_refused_with_reasons(site, nightly):
    commit_all(site.root)  # also what a registration by hand would refuse
    folder = site.root / "models" / MODEL
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    task, generator = load_generator(folder)
    rng = np.random.default_rng(0)
    for weight in generator.weights:
        weight.assign(np.asarray(weight) + rng.normal(0, 0.5, weight.shape))
    params = yaml.safe_load((site.root / "params.yaml").read_text())["models"][MODEL]["tiny"]
    shape = type("Shape", (), {key: params[key] for key in task.architecture})
    save_generator(task, shape, generator, folder)
    report = site.root / f"reports/metrics/{MODEL}.json"
    metrics = report.read_bytes()
    report.unlink()  # it is about the weights that were trained
    program = str(Path(sys.executable).parent / "stylefuse")
    subprocess.run([program, "register", MODEL], cwd=site.root, env=site.environment, check=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    report.write_bytes(metrics)

    evaluation = site.run("evaluate/on-demand")
    assert evaluation["state_type"] == "COMPLETED", site.log_of(evaluation["id"])
    version = site.client().get_model_version(registered_name(MODEL), "2")
    assert version.tags[VERDICT].startswith("refuse: ")
    shown = site.artifacts(evaluation["id"])
    decision = shown[f"decision-{MODEL}"]
    assert decision["description"] == version.tags[VERDICT]
    assert f"samples-{MODEL}" not in shown  # they are the same as before
    samples = site.artifacts(nightly["id"])[f"samples-{MODEL}"]
    assert f"/artifacts/artifact/{samples['id']}" in decision["data"]
    assert site.champion() == 1


def test_manual_promotion_and_rollback(site, nightly):
    moved = site.run("promote/by-hand", model=MODEL, version=2, reason="a test")
    assert moved["state_type"] == "COMPLETED", site.log_of(moved["id"])
    assert site.champion() == 2
    back = site.run("rollback/by-hand", model=MODEL, reason="tested")
    assert back["state_type"] == "COMPLETED", site.log_of(back["id"])
    assert site.champion() == 1


def test_drift_starts_a_training(site, nightly):
    quiet = site.run("monitor/hourly")
    assert quiet["state_name"] == "Completed"
    assert quiet["state"]["message"] == f"{MODEL}: too few pictures received"
    request_log = RequestLog(site.root / load_params(site.root / "params.yaml").monitor.request_log)
    for number in range(60):
        dark = noise(64, 48, seed=number).point(lambda level: level // 8)
        request_log.record(MODEL, ANSWERED, 0.1, [("picture", statistics(dark))])

    drifted = site.run("monitor/hourly")
    assert drifted["state_name"] == "Drifted", site.log_of(drifted["id"])
    assert "picture luminance" in drifted["state"]["message"]
    shown = site.artifacts(drifted["id"])
    assert "drifted in picture luminance" in shown[f"inputs-{MODEL}"]["description"]
    assert f"requests-{MODEL}" in shown
    children = {"flow_runs": {"parent_flow_run_id": {"any_": [drifted["id"]]}}}
    (training,) = site.api("flow_runs/filter", children)
    assert training["state_type"] == "COMPLETED"
    assert training["parameters"]["fresh"]
    assert "nothing new to train on" in drifted["state"]["message"]
    assert any(request_log.statistics(MODEL, "picture", 1).values())

    noise(200, 200, seed=999).save(site.root / "own/photos/new.png")
    commit_all(site.root)
    again = site.run("monitor/hourly")
    assert again["state_name"] == "Drifted", site.log_of(again["id"])
    assert "nothing new" not in again["state"]["message"]
    assert not any(request_log.statistics(MODEL, "picture", 1).values())  # they are forgotten


def test_a_sweep_registers_its_best_from_a_commit_of_its_own(site, nightly):
    commit_all(site.root)
    before, champion = (site.root / "params.yaml").read_bytes(), site.champion()
    swept = site.run("sweep/by-hand", model=MODEL, grid={"learning_rate": [1e-4, 2e-3]})
    assert swept["state_type"] == "COMPLETED", site.log_of(swept["id"])
    rows = json.loads(site.artifacts(swept["id"])[f"sweep-{MODEL}"]["data"])
    assert {row["learning_rate"] for row in rows} == {"0.0001", "0.002"}
    (best,) = [row for row in rows if row["registered"]]
    assert float(best[METRIC]) == max(float(row[METRIC]) for row in rows)

    name = registered_name(MODEL)
    version = site.client().get_model_version_by_alias(name, "challenger")
    assert version.tags["stylefuse.variants"] == "2"
    assert version.tags["git.dirty"] == "false"
    show = ["git", "show", f"{version.tags['git.commit']}:params.yaml"]
    committed = yaml.safe_load(subprocess.check_output(show, cwd=site.root))
    assert str(committed["models"][MODEL]["tiny"]["learning_rate"]) == best["learning_rate"]
    assert (site.root / "params.yaml").read_bytes() == before
    assert site.champion() == champion


def test_a_batch_is_painted_with_the_champion(site, nightly):
    batch = {"pictures": ["own/photos"], "out": "painted", "model": MODEL, "workers": 1}
    painted = site.run("batch/by-hand", **batch)
    assert painted["state_type"] == "COMPLETED", site.log_of(painted["id"])
    photographs = len(list((site.root / "own/photos").iterdir()))
    assert f"{photographs} painted, 0 skipped, 0 failed" in painted["state"]["message"]
    versions = {
        record["model"]["version"] for record in read_manifest(site.root / "painted").values()
    }
    assert versions == {f"{registered_name(MODEL)}/{site.champion()}"}


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
def test_the_server_accepts_only_its_own_names_and_pages(site, headers, status):
    request = urllib.request.Request(f"{site.address}/api/deployments/filter", b"{}")
    request.add_header("Content-Type", "application/json")
    request.add_header("Authorization", f"Basic {site.credentials()}")
    for name, value in headers.items():
        request.add_header(name, value.format(port=site.port))
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.status == status
    except urllib.error.HTTPError as error:
        assert error.code == status
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", site.port), timeout=5)


def test_a_training_resumes_after_its_worker_was_killed(site, nightly):
    params = yaml.safe_load((site.root / "params.yaml").read_text())
    params["models"][MODEL]["tiny"] |= {"kimg": 1.2, "tick_kimg": 0.04, "sample_kimg": 0.04}
    (site.root / "params.yaml").write_text(yaml.safe_dump(params))
    commit_all(site.root)
    killed = site.start_run("train/nightly")
    hourly = site.deployment("monitor/hourly")
    change = {"schedule": {"cron": "9 * * * *", "timezone": "UTC"}}
    schedules = f"deployments/{hourly['id']}/schedules"
    site.api(f"{schedules}/{hourly['schedules'][0]['id']}", change, "PATCH")
    checkpoints = site.root / ".ckpt" / MODEL
    wait_for(lambda: list(checkpoints.glob("*/step-*.npz")), TIMEOUT_S)
    worker = site.worker()
    training = [process for process in worker.children(recursive=True) if is_training(process)]
    assert training
    os.kill(worker.pid, signal.SIGKILL)
    assert not wait_until_ended(training, 90)  # nobody would hear of its end
    site.server.wait(TIMEOUT_S)  # it exits because the worker has ended
    assert "the worker has ended" in site.log.read_text()

    site.start()
    assert site.wait(killed["id"])["state_type"] in ("CRASHED", "FAILED")  # it may report itself
    (schedule,) = site.deployment("monitor/hourly")["schedules"]
    assert schedule["schedule"]["cron"] == "9 * * * *"
    assert site.deployment("train/nightly")["paused"]
    resumed = site.run("train/nightly")
    assert resumed["state_type"] == "COMPLETED", site.log_of(resumed["id"])
    assert "training restore resumes at" in site.log_of(resumed["id"])
    assert f"progress-train-{MODEL}" in site.artifacts(resumed["id"])
