"""Signs that a run is ill: a discriminator that wins, a generator that collapses."""

from collections.abc import Sequence

TICKS = 4  # a sign must stay this long
WON = 0.97  # share right, on real and fake alike, above which the discriminator teaches nothing
HEART = 0.4  # by how much it knows training pictures better than held-out ones
ALIKE = 0.1  # variety of what is painted beside that of real pictures

REMEDIES = {
    "discriminator wins": "lower discriminator_learning_rate or discriminator_width, raise r1 or "
    "discriminator_interval, or set augment_target",
    "discriminator knows its pictures by heart": "set augment_target, raise r1, or add pictures",
    "generator collapses": "raise r1, or lower learning_rate",
}


def alarms(history: Sequence[dict[str, float]]) -> list[str]:
    """What has been wrong in each of the last ticks of a run's metrics.

    Args:
        history: one row per tick, with the discriminator's accuracies and, where the model's
            objective reports it, "variety" (see `stylefuse.models.losses`).

    Returns:
        Keys of `REMEDIES`.
    """
    last = history[-TICKS:]
    if len(last) < TICKS:
        return []
    signs = {
        "discriminator wins": lambda row: min(row["accuracy_real"], row["accuracy_fake"]) > WON,
        "discriminator knows its pictures by heart": lambda row: (
            row["accuracy_real"] - row["accuracy_held_out"] > HEART
        ),
        "generator collapses": lambda row: row.get("variety", 1) < ALIKE,
    }
    return [name for name, sign in signs.items() if all(map(sign, last))]
