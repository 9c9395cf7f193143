"""Prefect flows: they run the graph of `dvc.yaml` and never describe it again."""
