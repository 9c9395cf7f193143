"""An empty MLflow store: its tables are created once in a test run, and copied."""

import shutil
from pathlib import Path

from stylefuse.fileio import file_lock, write_atomically
from stylefuse.registry.store import SQLITE, load_mlflow


def copy_empty_store(shared: Path, folder: Path) -> Path:
    """Put a store without runs and models where a project expects it; returns its path.

    MLflow's migrations take seconds; opening a store with the current tables does not.

    Args:
        shared: a folder that all workers of the test run share.
        folder: of the project.
    """
    template = shared / "empty-store.db"
    with file_lock(shared / "empty-store.lock", timeout_s=-1):
        if not template.exists():
            write_atomically(template, _create_tables)
    store = folder / "mlflow/mlflow.db"
    store.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, store)
    return store


def _create_tables(path: Path) -> None:
    load_mlflow()
    import mlflow

    mlflow.MlflowClient(f"{SQLITE}{path}").search_experiments(max_results=1)
