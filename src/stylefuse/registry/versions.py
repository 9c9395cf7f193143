"""The registered versions: list them, find one by name."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from stylefuse.config import Params, Registry
from stylefuse.errors import EXIT_TRY_AGAIN, UserError
from stylefuse.registry.store import (
    CHAMPION,
    VERDICT_TAG,
    WEIGHTS_TAG,
    error_reason,
    exit_code,
    is_missing,
    open_store,
    registered_name,
    report_outages,
    require_store,
    store_exists,
)

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


MAX_MODELS = 1000  # in one answer of the store
SHORT_HASH = 12  # digits of a hash in the table
HEADERS = ("model", "version", "aliases", "created (UTC)", "weights", "gate")


@dataclass(frozen=True)
class Version:
    """A registered version.

    Attributes:
        model: name of the registered model.
        number: of the version.
        aliases: "champion", "challenger", both or neither.
        created: UTC, ISO 8601 to the second.
        weights: their SHA-256.
        decision: the gate's, with its reasons; None before the gate has decided.
    """

    model: str
    number: int
    aliases: tuple[str, ...]
    created: str
    weights: str | None
    decision: str | None

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return asdict(self)


@report_outages()
def list_versions(registry: Registry) -> list[Version]:
    """All versions of this project's models, the newest of each model first.

    Returns:
        An empty list if there is no store yet.

    Raises:
        UserError: the store cannot be read.
    """
    if not store_exists(registry):
        return []
    client = open_store(registry)
    own_models = f"name LIKE '{registered_name('%')}'"
    models = client.search_registered_models(own_models, max_results=MAX_MODELS)
    aliases: dict[tuple[str, str], list[str]] = {}
    for model in models:
        for alias, number in sorted(model.aliases.items()):
            aliases.setdefault((model.name, str(number)), []).append(alias)
    versions = [
        Version(
            version.name,
            int(version.version),
            tuple(aliases.get((version.name, str(version.version)), [])),
            _iso_time(version.creation_timestamp),
            version.tags.get(WEIGHTS_TAG),
            version.tags.get(VERDICT_TAG),
        )
        for model in models
        for version in client.search_model_versions(f"name = '{model.name}'")
    ]
    return sorted(versions, key=lambda version: (version.model, -version.number))


def versions_table(versions: Sequence[Version]) -> str:
    """A table with a line per version; the decision, which may be long, comes last."""
    rows = [
        (
            version.model,
            str(version.number),
            ", ".join(version.aliases) or "-",
            version.created[:16].replace("T", " "),
            (version.weights or "-")[:SHORT_HASH],
            version.decision or "not decided",
        )
        for version in versions
    ]
    text = tabulate(rows, HEADERS, tablefmt="plain", disable_numparse=True)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _iso_time(milliseconds: int) -> str:
    time = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def find_version(params: Params, name: str) -> tuple["ModelVersion", str]:
    """Find a version by name.

    Args:
        params: the models and the registry.
        name: `MODEL@ALIAS`, `MODEL/NUMBER`, or `MODEL` for its champion. MODEL is the name in
            `params.yaml` or that of the registered model; `models:/` may stand before it.

    Returns:
        The version, and its model's name in `params.yaml`.

    Raises:
        UserError: there is no such version.
    """
    path, at, alias = name.removeprefix("models:/").partition("@")
    model, slash, number = path.partition("/")
    model = model.removeprefix(registered_name(""))
    if model not in params.models:
        raise UserError(
            f"{name} is not a model of this project; the models are {', '.join(params.models)}",
            code="model-unknown",
        )
    require_store(params.registry)
    client = open_store(params.registry)
    from mlflow.exceptions import MlflowException

    try:
        if slash:
            return client.get_model_version(registered_name(model), number), model
        alias = alias if at else CHAMPION
        return client.get_model_version_by_alias(registered_name(model), alias), model
    except MlflowException as error:
        if is_missing(error) or (slash and not number.isdecimal()):
            raise UserError(
                f"there is no version {name}; `stylefuse models` lists the versions",
                code="version-missing",
            ) from None
        status = exit_code(error)
        raise UserError(
            f"{name} cannot be read from the registry ({error_reason(error)}); run "
            "`stylefuse doctor`",
            status,
            code="store-unreachable" if status == EXIT_TRY_AGAIN else "version-not-readable",
        ) from None
