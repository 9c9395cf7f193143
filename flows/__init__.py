"""Prefect flows, which run the stages of `dvc.yaml`, then register and promote models."""
