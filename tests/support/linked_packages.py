"""Packages of the environment that runs the tests, linked into another one instead of installed."""

from importlib.metadata import Distribution, distribution
from importlib.util import cache_from_source
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

WITH_PROGRAMS = ("numpy",)  # that nobody needs


def link_dependencies(package: str, site_packages: Path) -> None:
    """Link what a package needs, and what that needs.

    What is left to pip: the package itself and others of its family, which share a folder; and
    packages that bring programs, because these name the Python that they are for.

    Args:
        package: its name.
        site_packages: where the other environment has its modules.
    """
    for found in _dependencies(package):
        files = [path for path in found.files or () if path.parent.name != "__pycache__"]
        inside = [path for path in files if ".." not in path.parts]
        is_complete = len(inside) == len(files) or found.name in WITH_PROGRAMS
        if is_complete and not found.name.startswith(package):
            for path in inside:
                _link(Path(str(found.locate_file(path))), site_packages / path)


def _dependencies(package: str) -> list[Distribution]:
    needed: dict[str, Distribution] = {}
    open_names = [package]
    while open_names:
        for text in distribution(open_names.pop()).requires or ():
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if applies and name not in needed:
                needed[name] = distribution(name)
                open_names.append(name)
    return list(needed.values())


def _link(source: Path, target: Path) -> None:
    """Link a file and, if it is a module that was compiled, the compiled one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source)
    compiled = Path(cache_from_source(str(source)))
    if source.suffix == ".py" and compiled.exists():
        (target.parent / "__pycache__").mkdir(exist_ok=True)
        (target.parent / "__pycache__" / compiled.name).symlink_to(compiled)
