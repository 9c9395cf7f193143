"""What is in the registry, as a list."""

from datetime import UTC, datetime
from typing import NamedTuple

from stylefuse.config import Params
from stylefuse.registry.decide import VERDICT_TAG
from stylefuse.registry.store import (
    WEIGHTS_TAG,
    open_store,
    outage_told,
    registered_name,
    store_exists,
)

SHOWN = 12  # digits of a hash


class Registered(NamedTuple):
    """A version: its model and number, its aliases, what the gate said, when it was registered,
    and the first digits of its weights' SHA-256."""

    model: str
    version: int
    aliases: str
    gate: str
    registered: str
    weights: str


@outage_told()
def registered(params: Params) -> list[Registered]:
    """All versions of this project's models, the newest of each first.

    Raises:
        UserError: the store does not answer.
    """
    if not store_exists(params.registry):
        return []
    client, found = open_store(params.registry), []
    for name in map(registered_name, params.models):
        models = client.search_registered_models(f"name = '{name}'")
        aliases = models[0].aliases if models else {}
        versions = client.search_model_versions(f"name = '{name}'") if models else []
        for version in sorted(versions, key=lambda v: -int(v.version)):
            when = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC)
            mine = sorted(alias for alias, number in aliases.items() if number == version.version)
            found.append(
                Registered(
                    name,
                    int(version.version),
                    ", ".join(mine),
                    version.tags.get(VERDICT_TAG, ""),
                    f"{when:%Y-%m-%d %H:%M} UTC",
                    version.tags.get(WEIGHTS_TAG, "")[:SHOWN],
                )
            )
    return found
