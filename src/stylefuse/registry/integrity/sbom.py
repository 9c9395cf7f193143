"""The software bill of materials of a registered model, in CycloneDX 1.6."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from importlib.metadata import PackageMetadata

    from cyclonedx.model.component import Component
    from packaging.requirements import Requirement

SBOM = "sbom.cdx.json"
ROOT = "stylefuse"
TRAINING_EXTRAS = frozenset({"train"})  # of `stylefuse`
BACKEND_EXTRAS = {"jax": frozenset({"train", "gpu"})}  # those that a Keras backend needs
LICENCE_CLASSIFIER = "License :: OSI Approved :: "
MAX_LICENCE_LENGTH = 80  # characters of a name; some packages put the licence's text there


def write_sbom(path: Path, backend: str) -> None:
    """Write the packages that training needs, as installed: versions, licences, dependencies.

    The same environment gives the same bytes.

    Args:
        path: of the file.
        backend: the Keras backend that trained the model; its packages are listed, too.
    """
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.dependency import Dependency
    from cyclonedx.output.json import JsonV1Dot6

    packages = _installed_packages(BACKEND_EXTRAS.get(backend, TRAINING_EXTRAS))
    components = {name: _component(package) for name, (package, _) in packages.items()}
    bom = Bom(
        components=[component for name, component in components.items() if name != ROOT],
        dependencies=[
            Dependency(
                components[name].bom_ref, [Dependency(components[n].bom_ref) for n in needed]
            )
            for name, (_, needed) in packages.items()
        ],
    )
    bom.metadata.component = components[ROOT]
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"], document["serialNumber"]  # new ones in every call
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


class Package(NamedTuple):
    """What an installed package's metadata say; they take milliseconds to parse."""

    name: str
    version: str
    licence: str | None
    requirements: tuple["Requirement", ...]


@cache
def _installed(name: str) -> Package | None:
    """A package, or None if it is missing: for another platform, or optional."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    try:
        metadata = distribution(name).metadata
    except PackageNotFoundError:
        return None
    texts = metadata.get_all("Requires-Dist") or ()
    return Package(
        str(canonicalize_name(metadata["Name"])),
        metadata["Version"],
        _licence(metadata),
        tuple(map(Requirement, texts)),
    )


def _installed_packages(extras: frozenset[str]) -> dict[str, tuple[Package, list[str]]]:
    """Name → installed package and names of those that it needs, from `stylefuse` on."""
    packages: dict[str, tuple[Package, list[str]]] = {}
    queue = [(ROOT, extras)]
    queued = set(queue)
    while queue:
        name, wanted_extras = queue.pop()
        package = _installed(name)
        if package is None:
            continue
        requirements = list(_requirements(package, wanted_extras))
        _, needed = packages.setdefault(name, (package, []))
        needed += [other for other, _ in requirements if other not in (name, *needed)]
        queue += [requirement for requirement in requirements if requirement not in queued]
        queued.update(requirements)
    return {
        name: (package, sorted(other for other in needed if other in packages))
        for name, (package, needed) in sorted(packages.items())
    }


def _requirements(package: Package, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """The requirements of a package with some extras on this platform: names and their extras."""
    from packaging.utils import canonicalize_name

    for requirement in package.requirements:
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield str(canonicalize_name(requirement.name)), frozenset(requirement.extras)


def _component(package: Package) -> "Component":
    from cyclonedx.factory.license import LicenseFactory
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    name, version, licence, _ = package
    return Component(
        name=name,
        version=version,
        type=ComponentType.APPLICATION if name == ROOT else ComponentType.LIBRARY,
        bom_ref=f"{name}=={version}",
        purl=PackageURL("pypi", None, name, version),
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
    )


def _licence(package_metadata: "PackageMetadata") -> str | None:
    """A package's licence from its metadata: an SPDX expression, a name, or a classifier."""
    metadata = package_metadata.json
    name = str(metadata.get("license_expression") or metadata.get("license") or "").strip()
    if name and len(name) <= MAX_LICENCE_LENGTH and "\n" not in name:
        return name
    classifiers = (str(text) for text in metadata.get("classifier", []))
    names = [c.removeprefix(LICENCE_CLASSIFIER) for c in classifiers if LICENCE_CLASSIFIER in c]
    return names[0] if names else None
