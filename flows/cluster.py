"""Dask workers for flows: processes on this machine, or those of a cluster."""

import logging
from typing import Annotated, Any

from distributed import Client
from prefect_dask import DaskTaskRunner
from pydantic import Field

from stylefuse.errors import UserError
from stylefuse.ports import LOOPBACK

Workers = Annotated[int, Field(ge=1, description="processes on this machine")]

WORKER_TIMEOUT_S = 120

logging.getLogger("distributed").setLevel(logging.WARNING)  # INFO logs every connection


def dask_runner(workers: int, scheduler: str | None) -> DaskTaskRunner:
    """A runner for a flow's tasks; their workers report to Prefect's server.

    Args:
        workers: number of processes on this machine.
        scheduler: address of a cluster to use instead.
    """
    if scheduler:
        return DaskTaskRunner(address=scheduler)
    return DaskTaskRunner(cluster_kwargs=_local(workers))


def dask_client(workers: int, scheduler: str | None) -> Client:
    """A client for functions, whose workers need no Prefect; the arguments of `dask_runner`.

    Raises:
        UserError: the cluster does not answer, or has no worker.
    """
    if not scheduler:
        return Client(**_local(workers))
    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise UserError(
            f"no Dask scheduler answers at {scheduler} ({error}); check the address",
            code="cluster-unreachable",
        ) from None
    try:
        client.wait_for_workers(1, WORKER_TIMEOUT_S)
    except TimeoutError:
        client.close()
        raise UserError(
            f"the Dask cluster at {scheduler} has no worker; start one with `dask worker`",
            code="cluster-without-workers",
        ) from None
    return client


def _local(workers: int) -> dict[str, Any]:
    """Arguments of `distributed.LocalCluster`.

    Its processes and clients know each other by a certificate that is made for this cluster and
    kept in memory: whoever reaches the port of a scheduler could have it execute anything.
    """
    return {
        "security": True,
        "n_workers": workers,
        "threads_per_worker": 1,
        "host": LOOPBACK,
        "dashboard_address": None,
    }
