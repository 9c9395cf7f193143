"""The limit of trainings at a time, on the Prefect server."""

GPU = "gpu"  # name of the global concurrency limit
LEASE_S = 60  # after which the limit is released if a run was killed
