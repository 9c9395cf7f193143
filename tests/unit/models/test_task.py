"""A task finds the model's functions by convention, and a method of the same name replaces them."""

import sys

import pytest

import stylefuse.models
from stylefuse.models.task import find_task

PACKAGE = """
from stylefuse.models.task import Task


class ExampleTask(Task):
    name = "example"
    architecture = ("width", "depth")

    def sample_grid(self, generator, held_out):
        return "of the task"


TASK = ExampleTask()
"""
NETWORKS = """
def build_generator(width, depth):
    return width, depth
"""


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The task of a model whose package has a module `networks` and nothing else."""
    package = tmp_path / "example"
    package.mkdir()
    (package / "__init__.py").write_text(PACKAGE)
    (package / "networks.py").write_text(NETWORKS)
    monkeypatch.setattr(stylefuse.models, "__path__", [*stylefuse.models.__path__, str(tmp_path)])
    yield find_task("example")
    for name in [name for name in sys.modules if name.startswith("stylefuse.models.example")]:
        del sys.modules[name]


def test_functions_of_the_package_are_called_by_convention(example):
    assert example.build_generator(width=4, depth=2) == (4, 2)
    with pytest.raises(ModuleNotFoundError, match=r"stylefuse\.models\.example\.losses"):
        example.generator_loss(None, None, None, 0)


def test_a_method_replaces_the_function(example):
    assert example.sample_grid(None, None) == "of the task"


def test_an_unknown_model_is_no_module(example):
    with pytest.raises(ModuleNotFoundError):
        find_task("unknown")
