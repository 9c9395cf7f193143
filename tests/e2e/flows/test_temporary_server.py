"""The server that a flow starts for itself asks other users of the machine for a password."""

import json
import subprocess
import sys

from tests.support.clone import ROOT, environment

PROBE = """
import json
import httpx
from prefect import flow
from prefect.client.orchestration import get_client
from flows.temporary_server import password_required

@flow
def probe():
    with get_client(sync_client=True) as client:
        query = {"method": "POST", "url": f"{client.api_url}flow_runs/filter", "json": {}}
        print(json.dumps([httpx.request(**query).status_code, len(client.read_flow_runs())]))

with password_required():
    probe()
"""


def test_only_the_flow_itself_may_use_its_server(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=ROOT,
        env=environment(ROOT) | {"PREFECT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == [401, 1]
