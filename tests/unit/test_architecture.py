"""The repository: floors, import circles, the lock file, and no data that runs as code."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_folder_mlflow_does_not_shadow_the_package():
    assert not list((ROOT / "mlflow").glob("*.py"))  # registered versions in it bring code along
    where = subprocess.run(
        [sys.executable, "-c", "import importlib.util as u; print(u.find_spec('mlflow').origin)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "site-packages" in where.stdout


def test_the_lock_file_pins_by_hash_and_names_no_host():
    lock = (ROOT / "requirements.lock").read_text()
    pinned = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert pinned
    assert all("==" in line for line in pinned)
    assert "://" not in lock
    assert lock.count("--hash=sha256:") >= len(pinned)


# From the bottom up; a package imports only from floors below its own.
FLOORS = (
    "errors", "paths", "ports", "allocator", "fileio", "password", "cancellation", "config",
    "images",
    "inference", "painting", "data", "models", "training", "evaluation", "registry", "monitoring",
    "loading", "serving", "web", "gate", "doctor", "cli",
)  # fmt: skip
PIPELINE = {"mlflow", "prefect", "dvc"}
PACKAGE = ROOT / "src/stylefuse"


@cache
def modules() -> dict[str, Path]:
    """Dotted name below `stylefuse` → file."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "__init__.py"
    }


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports anywhere in it, but for annotations alone."""
    tree, names = ast.parse(path.read_text()), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def own_imports(path: Path) -> set[str]:
    """The project's modules that a file imports."""
    names = {name.removeprefix("stylefuse.") for name in imports(path)}
    return names & modules().keys()


def test_every_package_has_a_floor():
    assert {name.partition(".")[0] for name in modules()} == set(FLOORS)


def test_no_package_imports_from_a_floor_above():
    upwards = [
        f"{name} imports {other}"
        for name, path in modules().items()
        for other in own_imports(path)
        if FLOORS.index(other.partition(".")[0]) > FLOORS.index(name.partition(".")[0])
    ]
    assert upwards == []


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: own_imports(path) - {name} for name, path in modules().items()}
    while leaves := {name for name, needs in graph.items() if not needs & graph.keys()}:
        graph = {name: needs for name, needs in graph.items() if name not in leaves}
    assert graph == {}


def test_training_and_all_below_need_no_pipeline():
    for name, path in modules().items():
        if FLOORS.index(name.partition(".")[0]) <= FLOORS.index("training"):
            assert not {imported.partition(".")[0] for imported in imports(path)} & PIPELINE, name


PICKLES = {"pickle", "_pickle", "pickletools", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
READER = ROOT / "src/stylefuse/data/torchfile.py"
READERS_OWN = {"pickle.Unpickler", "pickle.UnpicklingError", "pickletools.genops"}
CODE = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
UNSAFE = {"read_pickle", "enable_unsafe_deserialization", "unsafe_load", "full_load", "load_all"}
SWITCHES = {"allow_pickle": False, "safe_mode": True, "shell": False}  # keyword → safe value


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or of an attribute of one."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def dangers(tree: ast.AST) -> set[str]:
    """Expressions in a program that could run code out of data."""
    unsafe = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None) or alias.name for alias in node.names]
            unsafe |= {f"import {name}" for name in names if name.split(".")[0] in PICKLES}
        name = dotted(node) if isinstance(node, ast.Attribute) else ""
        if name.split(".")[0] in PICKLES or name.rpartition(".")[2] in UNSAFE:
            unsafe.add(name)
        if not isinstance(node, ast.Call):
            continue
        called = dotted(node.func)
        if called in CODE or called == "yaml.load":
            unsafe.add(called)
        if called in ("np.load", "numpy.load") and len(node.args) > 2:
            unsafe.add("np.load with allow_pickle")
        for keyword in node.keywords:
            safe = getattr(keyword.value, "value", None)  # of a constant
            if keyword.arg in SWITCHES and safe is not SWITCHES[keyword.arg]:
                unsafe.add(f"{keyword.arg}={ast.unparse(keyword.value)}")
    return unsafe


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from cloudpickle import loads", "import joblib as j", "pickle.loads(x)",
        "eval(x)", "exec(x)", "os.system(x)", "np.load(x, allow_pickle=True)",
        "np.load(x, None, True)", "np.load(x, allow_pickle=wanted)", "pandas.read_pickle(x)",
        "keras.models.load_model(x, safe_mode=False)", "subprocess.run(x, shell=True)",
        "keras.config.enable_unsafe_deserialization()", "yaml.load(x, yaml.Loader)",
        "yaml.unsafe_load(x)", "subprocess.run(x, shell=1)",
    ],
)  # fmt: skip
def test_an_unsafe_line_is_detected(line):
    assert dangers(ast.parse(line))


def test_nothing_runs_code_out_of_data():
    """No pickle is loaded, Keras' safe mode stays on, and no text becomes a program. The one reader
    of PyTorch files admits tensors only."""
    files = [path for part in ("src", "flows") for path in (ROOT / part).rglob("*.py")]
    assert READER in files
    for path in files:
        unsafe = dangers(ast.parse(path.read_text()))
        if path == READER:
            unsafe -= {"import pickle", "import pickletools", *READERS_OWN}
        assert not unsafe, path


def test_the_one_unpickler_is_restricted():
    tree = ast.parse(READER.read_text())
    readers = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    readers = [node for node in readers if "pickle.Unpickler" in map(dotted, node.bases)]
    (reader,) = readers
    assert {"find_class", "persistent_load"} <= {getattr(node, "name", "") for node in reader.body}
    used = [dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    assert used.count("pickle.Unpickler") == 1
