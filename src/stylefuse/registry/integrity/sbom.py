"""The packages that a model was made with, as a software bill of materials (CycloneDX 1.6)."""

import json
import os
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

SBOM = "sbom.cdx.json"
ROOT = "stylefuse"
LICENCE_CLASSIFIER = "License :: OSI Approved :: "
LONGEST = 80  # characters of a licence's name; some packages put the whole text there


def write_sbom(path: Path) -> None:
    """Write down all that `stylefuse` needs, as it is installed: names, versions, licences and who
    needs whom. The same environment gives the same bytes."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.dependency import Dependency
    from cyclonedx.output.json import JsonV1Dot6

    needs = _environment()
    components = {name: _component(found) for name, (found, _) in needs.items()}
    bom = Bom(
        components=[component for name, component in components.items() if name != ROOT],
        dependencies=[
            Dependency(
                components[name].bom_ref, [Dependency(components[n].bom_ref) for n in wanted]
            )
            for name, (_, wanted) in needs.items()
        ],
    )
    bom.metadata.component = components[ROOT]
    told = json.loads(JsonV1Dot6(bom).output_as_string())
    del told["metadata"]["timestamp"], told["serialNumber"]  # they would be new each time
    path.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


def _environment() -> dict[str, tuple[Distribution, list[str]]]:
    """Name → what is installed, and what of the rest it needs; from `stylefuse` on."""
    found: dict[str, tuple[Distribution, list[str]]] = {}
    # JAX comes with an extra; where it trained the model, it is among what made it
    backend = {"gpu"} if os.environ.get("KERAS_BACKEND") == "jax" else set[str]()
    waiting = [(ROOT, frozenset(backend))]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform, or left out
        needed = list(_requirements(installed, extras))
        _, wanted = found.setdefault(name, (installed, []))
        wanted += [other for other, _ in needed if other not in wanted]
        waiting += [need for need in needed if need not in seen]
        seen.update(needed)
    return {
        name: (installed, sorted(other for other in wanted if other in found))
        for name, (installed, wanted) in sorted(found.items())
    }


def _requirements(
    installed: Distribution, extras: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    """What a distribution needs here with these extras: names, each with the extras wanted."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    for text in installed.requires or ():
        needed = Requirement(text)
        marker = needed.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield str(canonicalize_name(needed.name)), frozenset(needed.extras)


def _component(installed: Distribution) -> "Component":
    from cyclonedx.factory.license import LicenseFactory
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL
    from packaging.utils import canonicalize_name

    name = str(canonicalize_name(installed.metadata["Name"]))
    licence = _licence(installed)
    return Component(
        name=name,
        version=installed.version,
        type=ComponentType.APPLICATION if name == ROOT else ComponentType.LIBRARY,
        bom_ref=f"{name}=={installed.version}",
        purl=PackageURL("pypi", None, name, installed.version),
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
    )


def _licence(installed: Distribution) -> str | None:
    """What a distribution says of its licence: an SPDX expression, a name, or a classifier."""
    told = installed.metadata.json
    name = str(told.get("license_expression") or told.get("license") or "").strip()
    if name and len(name) <= LONGEST and "\n" not in name:
        return name
    classifiers = (str(text) for text in told.get("classifier", []))
    named = [c.removeprefix(LICENCE_CLASSIFIER) for c in classifiers if LICENCE_CLASSIFIER in c]
    return named[0] if named else None
