"""Mistakes in a batch are reported before any worker starts."""

import dask
import pytest
from distributed import Client, LocalCluster
from distributed.security import Security
from flows import cluster
from flows.batch import batch

from stylefuse.errors import UserError
from stylefuse.fileio import file_lock
from stylefuse.paths import BASE_MODELS
from tests.support.models import SHIPPED, noise

ROOT = SHIPPED.parent


def run(folder, model="transfer", **arguments):
    """The flow as a function, with a model that comes with the project."""
    version = str(ROOT / BASE_MODELS / model)
    batch.fn.__wrapped__([str(folder)], str(folder / "out"), model, version=version, **arguments)


@pytest.fixture
def folder(tmp_path):
    noise(20, 16).save(tmp_path / "a.png")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "transfer needs a style"),
        ({"model": "portrait"}, "portrait paints no pictures of a folder"),
        ({"model": "restore", "styles": ["b.png"]}, "restore takes no styles"),
        ({"model": "restore", "options": {"strenght": 1}}, "restore has no option 'strenght'"),
        ({"model": "restore", "options": {"strength": "2"}}, "value of another type"),
        ({"model": "restore", "options": {"strength": 2}}, "strength must be a number from 0 to 1"),
    ],
)
def test_a_mistake_is_one_message(folder, arguments, message):
    with pytest.raises(UserError, match=message):
        run(folder, **arguments)
    assert not (folder / "out").exists()


def test_two_batches_do_not_share_a_folder(folder):
    with (
        file_lock(folder / "out/manifest/.lock"),
        pytest.raises(UserError, match="another batch is painted into"),
    ):
        run(folder, "restore")


def test_a_cluster_without_workers_is_named(monkeypatch):
    monkeypatch.setattr(cluster, "WORKER_TIMEOUT_S", 0.2)
    with (
        LocalCluster(n_workers=0, dashboard_address=None) as empty,
        pytest.raises(UserError, match="has no worker"),
    ):
        cluster.dask_client(1, empty.scheduler_address)


def test_a_cluster_that_does_not_answer_is_named():
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.5s"}),
        pytest.raises(UserError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9 "),
    ):
        cluster.dask_client(1, "tcp://127.0.0.1:9")


def test_the_workers_of_a_batch_obey_nobody_else():
    """Whoever reaches a scheduler without a certificate could have it execute anything."""
    with cluster.dask_client(0, None) as client:
        own = client.scheduler.address
        assert client.run_on_scheduler(lambda: 1) == 1
        for address, security in (
            (own.replace("tls:", "tcp:"), None),
            (own.replace("tcp:", "tls:"), Security.temporary()),
        ):
            with pytest.raises(OSError, match=r"tls|TLS|Timed out|closed"):
                Client(address, timeout=3, security=security)
