"""Each stage of dvc.yaml declares the modules that its command imports and the parameters that it
reads, and no others."""

import ast
from pathlib import Path

import pytest
import yaml

from tests.unit.test_architecture import PACKAGE, ROOT, modules, own_imports

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
MODELS = list(yaml.safe_load((ROOT / "params.yaml").read_text())["models"])

# The modules that a stage's command starts with. Modules that are imported by convention (see
# `stylefuse.models.task` and `evaluation.evaluate.find_evaluator`) are listed for NAME, a model.
ENTRY_POINTS = {
    "ingest": ["data.ingest"],
    "validate": ["data.validation.validate"],
    "prepare": ["data.prepare"],
    "train": [
        "cli.train", "models.NAME", "models.NAME.networks", "models.NAME.batches",
        "models.NAME.losses", "models.NAME.graphs",
    ],
    "evaluate": [
        "evaluation.evaluate", "evaluation.evaluators.NAME", "models.NAME", "models.NAME.networks",
        "inference.NAME",
    ],
}  # fmt: skip
# What cannot change an output: messages, files' places, locks, the command line, what is logged to
# MLflow, and what opens exported files.
PLUMBING = (
    "errors", "paths", "ports", "fileio", "cancellation", "config", "cli", "registry",
    "models.keras_import", "inference.model_folder", "inference.onnx_session",
)  # fmt: skip
# Attributes of `Params` that are not keys of params.yaml, and what they read.
ALIASES = {
    "domains": ["data.sources"],
    "model_settings": ["profile", "models.${item.model}.${profile}"],
    "require_model": [],  # only checks that the model exists
    "models": [],  # the same
    "names": [],
    "registry": [],  # where a run is logged
}


def is_plumbing(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in PLUMBING)


def imported_modules(entry_points: list[str]) -> set[str]:
    """The project's modules that some modules import, directly or not, but for plumbing."""
    files, result = modules(), set()
    todo = [module for module in entry_points if module in files]
    while todo:
        module = todo.pop()
        if module in result or (is_plumbing(module) and module not in entry_points):
            continue
        result.add(module)
        todo += own_imports(files[module])
    return {module for module in result if not is_plumbing(module)}


def has_code(path: Path) -> bool:
    """Whether a file has more than a docstring, unlike most `__init__.py`."""
    body = ast.parse(path.read_text()).body
    return len(body) > 1 or any(not isinstance(node, ast.Expr) for node in body)


def entry_points(stage: str, model: str) -> list[str]:
    return [module.replace("NAME", model) for module in ENTRY_POINTS[stage]]


def declared_files(stage: str, model: str) -> dict[str, set[Path]]:
    """Python files of each declared dependency in the package."""
    result = {}
    for dependency in STAGES[stage]["deps"]:
        path = ROOT / dependency.replace("${item.model}", model)
        if path.is_relative_to(PACKAGE):
            result[dependency] = set(path.rglob("*.py")) if path.is_dir() else {path}
    return result


@pytest.mark.parametrize("stage", STAGES)
def test_dependencies_are_the_modules_that_the_command_imports(stage):
    files, unused = modules(), set(declared_files(stage, MODELS[0]))
    for model in MODELS:
        imported = {files[module] for module in imported_modules(entry_points(stage, model))}
        imported = {path for path in imported if has_code(path)}
        declared = declared_files(stage, model)
        missing = imported - set().union(*declared.values())
        assert not missing, f"{stage}: add to deps"
        unused -= {dependency for dependency, paths in declared.items() if paths & imported}
    assert not unused, f"{stage}: no model needs these deps"


def parameters(path: Path, runs_main: bool) -> set[str]:
    """The keys of params.yaml that a file reads: `params.a.b`, `self.params.a`…

    Args:
        path: of the file.
        runs_main: whether its function `main` is run, or the file is only imported.
    """
    tree, keys = ast.parse(path.read_text()), set()
    if not runs_main:
        tree.body = [node for node in tree.body if getattr(node, "name", "") != "main"]
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    by_profile = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and ast.unparse(node.slice) == "params.profile"
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or id(node) in inner:
            continue
        _, separator, key = f".{ast.unparse(node)}".partition(".params.")
        if separator and all(part.isidentifier() for part in key.split(".")):
            keys.add(f"{key}.${{profile}}" if id(node) in by_profile else key)
    return keys


def read_parameters(stage: str, model: str) -> set[str]:
    files, keys = modules(), set()
    entries = entry_points(stage, model)
    sources = imported_modules(entries) | {module for module in entries if module in files}
    for module in sources:
        for key in parameters(files[module], runs_main=module in entries):
            attribute = key.partition(".")[0]
            keys.update(ALIASES.get(attribute, [key]))
    return keys


def covers(declared: str, key: str) -> bool:
    return key == declared or key.startswith(f"{declared}.")


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_are_those_that_the_command_reads(stage):
    declared = set(STAGES[stage]["params"])
    read = set().union(*(read_parameters(stage, model) for model in MODELS))
    missing = {key for key in read if not any(covers(name, key) for name in declared)}
    unused = {
        name for name in declared if not any(covers(name, key) or covers(key, name) for key in read)
    }
    assert not missing, f"{stage}: add to params"
    assert not unused, f"{stage}: not read"


def test_every_stage_has_entry_points():
    assert set(ENTRY_POINTS) == set(STAGES)
    for stage, command in ((name, stage["cmd"]) for name, stage in STAGES.items()):
        module = command.removeprefix("python -m stylefuse.").split()[0]
        assert module in ENTRY_POINTS[stage] or command.startswith("stylefuse train ")
