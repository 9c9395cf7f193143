"""A team's server: PostgreSQL for what is known, S3 for the files, and a name and a password."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
import requests
import yaml

from stylefuse.cli.main import main
from stylefuse.config import load_params
from stylefuse.loading import load_model
from stylefuse.registry.fetch import champion_uri
from stylefuse.registry.store import open_store, registered_name
from stylefuse.serving.mlflow_ui import AUTH_CONFIG
from tests.support.models import make_project, noise
from tests.support.servers import free_port, postgresql, s3, ui

NAME = registered_name("restore")
BUCKET, FOLDER = "pictures", "of/ours"
DATABASE_PASSWORD, KEY, ADMIN_PASSWORD = "elephant keeper", "bucket keeper", "front door keeper"
USER = ("username", "password")
SECRETS = (DATABASE_PASSWORD, KEY, ADMIN_PASSWORD)


def configure(folder, **registry):
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["registry"] |= registry
    path.write_text(yaml.safe_dump(params))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = make_project(tmp_path_factory.mktemp("team"), "restore")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in [name for name in os.environ if name.startswith(("MLFLOW_", "AWS_", "PG"))]:
            patch.delenv(name)
        yield folder


@pytest.fixture(scope="module")
def bucket():
    with s3(BUCKET, KEY) as found:
        yield found


@pytest.fixture(scope="module")
def database():
    with postgresql(DATABASE_PASSWORD) as address:
        yield address


@pytest.fixture(scope="module")
def server(project, database, bucket):
    """`stylefuse ui` on both, with authentication; its process and the client's environment."""
    configure(project, tracking_uri=database, artifact_root=f"s3://{BUCKET}/{FOLDER}", auth=True)
    port, keys = free_port(), {"AWS_ACCESS_KEY_ID": "u", "AWS_SECRET_ACCESS_KEY": KEY}
    with (
        ui(
            port,
            project / "ui.log",
            **keys,
            PGPASSWORD=DATABASE_PASSWORD,
            MLFLOW_S3_ENDPOINT_URL=bucket[0],
            MLFLOW_AUTH_ADMIN_PASSWORD=ADMIN_PASSWORD,
        ) as process,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
        patch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
        patch.setenv("MLFLOW_TRACKING_PASSWORD", ADMIN_PASSWORD)
        yield process


@pytest.fixture(scope="module")
def registered(server):
    """A model that the command line has put there, as someone with no key to the bucket."""
    main(["register", "restore"])


def test_the_aliases_are_set(registered):
    client = open_store(load_params().registry)
    assert client.get_registered_model(NAME).aliases == {"challenger": "1", "champion": "1"}


def test_the_files_lie_in_the_bucket(registered, bucket):
    keys = [one.key for one in bucket[1].objects.all()]
    assert all(key.startswith(f"{FOLDER}/") for key in keys)
    assert [key for key in keys if key.endswith("/restorer.onnx")]
    assert [key for key in keys if key.endswith("MLmodel")]


def test_it_comes_back_and_paints(registered):
    champion = load_model("restore", champion_uri("restore")).predictor
    local = load_model("restore", "models/restore").predictor
    given = {"picture": noise(40, 30)}
    painted = champion.paint(given, champion.options())
    assert painted.tobytes() == local.paint(given, champion.options()).tobytes()


def test_the_rest_is_in_the_database(registered, database):
    connection = psycopg2.connect(database, password=DATABASE_PASSWORD)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT name, version FROM model_versions")
        assert cursor.fetchall() == [(NAME, 1)]
        cursor.execute("SELECT username, is_admin FROM users")
        assert cursor.fetchall() == [("admin", True)]
    connection.close()


@pytest.mark.parametrize("password", [None, "back door keeper"])
def test_others_are_refused_in_a_sentence(registered, monkeypatch, capsys, password):
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD")
    if password:
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)
    with pytest.raises(SystemExit) as ended:
        main(["register", "restore"])
    (line,) = capsys.readouterr().err.splitlines()
    assert "refuses the user name or the password; set MLFLOW_TRACKING_USERNAME" in line
    assert ended.value.code == 2


def let_in(name, by):
    """What the server answers someone who makes an account for another."""
    address = f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/users/create"
    return requests.post(address, json=dict(zip(USER, name, strict=True)), auth=by).status_code


def test_a_colleague_may_train_and_promote_but_not_let_others_in(registered, monkeypatch):
    colleague, stranger = ("colleague", "side door keeper"), ("stranger", "back door keeper")
    assert let_in(colleague, by=("admin", ADMIN_PASSWORD)) == 200
    for name, value in zip(USER, colleague, strict=True):
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name.upper()}", value)
    client = open_store(load_params().registry)
    client.set_registered_model_alias(NAME, "champion", "1")
    run = client.create_run(client.get_experiment_by_name("stylefuse").experiment_id)
    client.log_text(run.info.run_id, "words", "note.txt")
    assert let_in(stranger, by=colleague) == 403


def test_a_password_that_was_changed_or_whose_account_was_deleted_is_refused_at_once(registered):
    guest, admin = ("guest", "garden gate keeper"), ("admin", ADMIN_PASSWORD)
    path, users = f"/api/2.0/mlflow/registered-models/get?name={NAME}", "/api/2.0/mlflow/users"
    assert let_in(guest, by=admin) == 200
    assert ask("GET", path, guest) == 200
    changed = ("guest", "cellar door keeper")
    body = dict(zip(USER, changed, strict=True))
    assert ask("PATCH", f"{users}/update-password", admin, body) == 200
    assert ask("GET", path, guest) == 401
    assert ask("GET", path, changed) == 200
    assert ask("DELETE", f"{users}/delete", admin, {"username": "guest"}) == 200
    assert ask("GET", path, changed) == 401


def ask(method, path, by, body=None):
    """The status of a request to the server with a body of JSON or of bytes."""
    content = {"data": body} if isinstance(body, bytes) else {"json": body}
    address = os.environ["MLFLOW_TRACKING_URI"]
    return requests.request(method, f"{address}{path}", auth=by, **content).status_code


def test_a_viewer_may_read_and_nothing_else(registered):
    viewer, admin = ("viewer", "window keeper"), ("admin", ADMIN_PASSWORD)
    assert let_in(viewer, by=admin) == 200
    for resource in ("experiment", "registered_model"):
        grant = {"username": "viewer", "resource_type": resource, "resource_id": "*"}
        path = "/api/3.0/mlflow/users/permissions/grant"
        assert ask("POST", path, admin, grant | {"permission": "READ"}) == 200
    version = open_store(load_params().registry).get_model_version(NAME, "1")
    run = open_store(load_params().registry).get_run(version.run_id).info
    api, artifacts = "/api/2.0/mlflow", "/api/2.0/mlflow-artifacts/artifacts"
    folder = f"{artifacts}/{run.experiment_id}/{run.run_id}/artifacts"
    alias = {"name": NAME, "alias": "champion", "version": "1"}
    source = {"name": NAME, "source": f"runs:/{run.run_id}/model", "run_id": run.run_id}

    for path in (f"registered-models/get?name={NAME}", f"runs/get?run_id={run.run_id}"):
        assert ask("GET", f"{api}/{path}", viewer) == 200
    assert ask("GET", f"{artifacts}?path={run.experiment_id}", viewer) == 200
    for method, path, body in (
        ("POST", f"{api}/registered-models/alias", alias),
        ("DELETE", f"{api}/registered-models/alias", alias),
        ("DELETE", f"{api}/registered-models/delete", {"name": NAME}),
        ("DELETE", f"{api}/model-versions/delete", {"name": NAME, "version": "1"}),
        ("POST", f"{api}/model-versions/create", source),
        ("POST", f"{api}/registered-models/create", {"name": "theirs"}),
        ("POST", f"{api}/experiments/create", {"name": "theirs"}),
        ("POST", f"{api}/experiments/delete", {"experiment_id": run.experiment_id}),
        ("POST", f"{api}/runs/create", {"experiment_id": run.experiment_id}),
        ("POST", f"{api}/runs/delete", {"run_id": run.run_id}),
        ("POST", f"{api}/runs/set-tag", {"run_id": run.run_id, "key": "a", "value": "b"}),
        ("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run.run_id}&path=a.txt", b"a"),
        ("PUT", f"{folder}/a.txt", b"a"),
        ("PUT", f"{artifacts}/a.txt", b"a"),
        ("PUT", f"{artifacts}/0/a.txt", b"a"),
        ("DELETE", f"{folder}/a.txt", None),
    ):
        assert ask(method, path, viewer, body) == 403, path


def test_no_account_names_what_the_server_reads(registered):
    """A folder as a trace's tag, another bucket as a version's source, the assistant's folder."""
    member = ("member", "back stairs keeper")
    assert let_in(member, by=("admin", ADMIN_PASSWORD)) == 200
    elsewhere = {"name": NAME, "source": f"s3://{BUCKET}/elsewhere"}
    assert ask("POST", "/api/2.0/mlflow/model-versions/create", member, elsewhere) == 400
    trace = {"experiment_id": "1", "timestamp_ms": 1, "request_metadata": [], "tags": []}
    tag = {"key": "mlflow.artifactLocation", "value": "file:///etc"}
    project = {"projects": {"1": {"type": "local", "location": "/etc"}}}
    for api in ("api", "ajax-api"):
        for method, path, body in (
            ("POST", "2.0/mlflow/traces", trace),
            ("PATCH", "2.0/mlflow/traces/tr-1/tags", tag),
            ("GET", "2.0/mlflow/get-trace-artifact?request_id=tr-1", None),
            ("GET", "3.0/mlflow/get-trace-artifact?request_id=tr-1", None),
            ("PUT", "3.0/mlflow/assistant/config", project),
        ):
            assert ask(method, f"/{api}/{path}", member, body) == 403


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "192.168.evil.example"}, {"Origin": "http://evil.example"}],
)
def test_it_hears_its_own_name_and_no_page_of_another_site(registered, headers):
    address = f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/experiments/create"
    how = {"json": {"name": "theirs"}, "auth": ("admin", ADMIN_PASSWORD)}
    assert requests.post(address, headers=headers, **how).status_code == 403
    assert open_store(load_params().registry).get_experiment_by_name("theirs") is None
    with pytest.raises(requests.ConnectionError):
        requests.get(address.replace("127.0.0.1", "127.0.0.2"))  # it listens on one address only


def test_secrets_stay_in_the_environment(registered, server, project):
    shown = Path(f"/proc/{server.pid}/cmdline").read_text()
    workers = subprocess.run(
        ["ps", "-o", "args", "--ppid", str(server.pid)], capture_output=True, text=True, check=True
    ).stdout
    version = open_store(load_params().registry).get_model_version(NAME, "1")
    run = open_store(load_params().registry).get_run(version.run_id)
    told = f"{shown}{workers}{version}{run.data.tags}{run.data.params}"
    told += (project / "ui.log").read_text() + (project / AUTH_CONFIG).read_text()
    assert "--app-name" in told  # these are the right processes
    assert not [secret for secret in SECRETS if secret in told]
    assert (project / AUTH_CONFIG).stat().st_mode & 0o777 == 0o600


def test_no_file_holds_a_secret(registered, project, bucket):
    """Neither here nor in the bucket: logs, settings, models, lists of what they were made with."""
    written = {str(path): path.read_bytes() for path in project.rglob("*") if path.is_file()}
    written |= {one.key: one.get()["Body"].read() for one in bucket[1].objects.all()}
    assert {Path(name).name for name in written} >= {
        "ui.log",
        "auth.ini",
        "MLmodel",
        "serving.json",
    }
    for name, content in written.items():
        assert not [secret for secret in SECRETS if secret.encode() in content], name


@pytest.mark.parametrize("given", [{}, {"MLFLOW_AUTH_ADMIN_PASSWORD": "short"}])
def test_no_password_no_server(tmp_path, given):
    configure(make_project(tmp_path), auth=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")} | given
    program = Path(sys.executable).parent / "stylefuse"
    done = subprocess.run(
        [program, "ui", "--port", str(free_port())],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: registry.auth is on: set MLFLOW_AUTH_ADMIN_PASSWORD")
    assert not (tmp_path / "mlflow").exists()
