"""What is registered, as a table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stylefuse.config import Params, Registry
from stylefuse.errors import UserError
from stylefuse.registry.store import (
    CHAMPION,
    VERDICT_TAG,
    WEIGHTS_TAG,
    exit_code,
    is_missing,
    open_store,
    reason,
    registered_name,
    report_outages,
    require_store,
    store_exists,
)

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


MOST = 1000  # models that a store gives at a time
SHORT = 12  # digits of a hash that people are shown
TITLES = ("model", "version", "aliases", "created (UTC)", "weights", "gate")


@dataclass(frozen=True)
class Version:
    """A registered version.

    Attributes:
        model: what the registry calls it.
        number: of the version.
        aliases: "champion", "challenger", both or neither.
        created: when, UTC, ISO 8601 to the second.
        weights: their SHA-256.
        decision: the gate's, and why; None where it has not been asked.
    """

    model: str
    number: int
    aliases: tuple[str, ...]
    created: str
    weights: str | None
    decision: str | None

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


@report_outages()
def list_versions(registry: Registry) -> list[Version]:
    """All versions of this project's models, the newest of each first; none where there is no store
    yet.

    Raises:
        UserError: the store cannot be read.
    """
    if not store_exists(registry):
        return []
    client = open_store(registry)
    ours = f"name LIKE '{registered_name('%')}'"
    models = client.search_registered_models(ours, max_results=MOST)
    aliases: dict[tuple[str, str], list[str]] = {}
    for model in models:
        for alias, number in sorted(model.aliases.items()):
            aliases.setdefault((model.name, str(number)), []).append(alias)
    found = [
        one for model in models for one in client.search_model_versions(f"name = '{model.name}'")
    ]
    versions = [
        Version(
            one.name,
            int(one.version),
            tuple(aliases.get((one.name, str(one.version)), [])),
            _moment(one.creation_timestamp),
            one.tags.get(WEIGHTS_TAG),
            one.tags.get(VERDICT_TAG),
        )
        for one in found
    ]
    return sorted(versions, key=lambda version: (version.model, -version.number))


def versions_table(versions: Sequence[Version]) -> str:
    """Lines with columns of equal width; what may be long comes last."""
    rows = [TITLES] + [
        (
            version.model,
            str(version.number),
            ", ".join(version.aliases) or "-",
            version.created[:16].replace("T", " "),
            (version.weights or "-")[:SHORT],
            version.decision or "not asked",
        )
        for version in versions
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "".join(f"{line}\n" for line in lines)


def _moment(milliseconds: int) -> str:
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def find_version(params: Params, name: str) -> tuple["ModelVersion", str]:
    """A version, and what `params.yaml` calls its model.

    Args:
        params: tell the registry.
        name: `MODEL@ALIAS`, `MODEL/NUMBER`, or `MODEL` for its champion, where MODEL is what
            `params.yaml` or the registry calls it; also with `models:/` before it.

    Raises:
        UserError: there is no such version.
    """
    told, at, alias = name.removeprefix("models:/").partition("@")
    told, slash, number = told.partition("/")
    models = {registered_name(model): model for model in params.models}
    wanted = registered_name(told) if told in params.models else told
    if wanted not in models:
        known = ", ".join(params.models)
        raise UserError(f"{name} names none of this project's models, which are {known}")
    require_store(params.registry)
    client = open_store(params.registry)
    from mlflow.exceptions import MlflowException

    try:
        if slash:
            return client.get_model_version(wanted, number), models[wanted]
        return client.get_model_version_by_alias(wanted, alias if at else CHAMPION), models[wanted]
    except MlflowException as error:
        if is_missing(error) or not number.isdecimal():
            told = f"there is no version {name}; `stylefuse models` lists those there are"
            raise UserError(told) from None
        raise UserError(f"{name} cannot be found ({reason(error)})", exit_code(error)) from None
