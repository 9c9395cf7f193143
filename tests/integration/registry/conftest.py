"""A project with an empty store and tiny trainings, for the tests of the registry."""

import sys

import pytest

import stylefuse.inference
import stylefuse.models
from stylefuse.config import load_params
from tests.support.models import SHAPES
from tests.support.stores import copy_empty_store
from tests.support.toy_model import PACKAGE, PREDICTOR
from tests.unit.test_config import SHIPPED


@pytest.fixture(scope="module")
def empty_folder(tmp_path_factory):
    """An empty folder as the working directory, with no store configured elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("project")
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder


@pytest.fixture(scope="module")
def project(empty_folder, shared_folder):
    """That folder with an empty store."""
    copy_empty_store(shared_folder, empty_folder)
    return empty_folder


@pytest.fixture(scope="module")
def params():
    """The shipped parameters with trainings of two steps, for a folder outside of a repository."""
    shipped = load_params(SHIPPED)
    registry = shipped.registry.model_copy(update={"allow_dirty": True})
    short = {
        "init_from": "", "crop": 64, "batch": 4, "kimg": 0.008, "discriminator_width": 4,
        "r1": 0, "tick_kimg": 0.004, "sample_kimg": 0.004,
    }  # fmt: skip
    models = {
        name: {"tiny": shipped.model_settings(name).model_copy(update=short | shape)}
        for name, shape in SHAPES.items()
    }
    prepare = {"tiny": shipped.prepare[shipped.profile]}
    return shipped.model_copy(
        update={"profile": "tiny", "models": models, "prepare": prepare, "registry": registry}
    )


@pytest.fixture
def with_toy(params, tmp_path):
    """The parameters with a fourth model, "toy", whose package is in a folder of its own."""
    for package, source in ((stylefuse.models, PACKAGE), (stylefuse.inference, PREDICTOR)):
        folder = tmp_path / package.__name__
        (folder / "toy").mkdir(parents=True)
        (folder / "toy/__init__.py").write_text(source)
        package.__path__.append(str(folder))
    from stylefuse.models.toy import Settings

    settings = Settings(
        **params.model_settings("restore").model_dump(include=set(Settings.model_fields))
    )
    yield params.model_copy(update={"models": params.models | {"toy": {"tiny": settings}}})
    for package in (stylefuse.models, stylefuse.inference):
        package.__path__.remove(str(tmp_path / package.__name__))
        sys.modules.pop(f"{package.__name__}.toy", None)
