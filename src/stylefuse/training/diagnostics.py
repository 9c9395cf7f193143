"""Alarms of a training: a discriminator that wins or overfits, a generator that collapses.

The thresholds are from measured runs of the portrait model (`docs/measurements/stability.md`).
Single ticks are noisy: the accuracies of one are of some hundred pictures, and the held-out one of
a single batch. Means over the last ticks are compared therefore.
"""

from collections.abc import Mapping, Sequence

TICKS = 4  # whose means are compared
# accuracy, on real and on generated pictures: 0.97 and more in runs that the discriminator won,
# up to 0.93 in others
MAX_ACCURACY = 0.95
MAX_OVERFITTING = 0.4  # accuracy on real training pictures, less that on held-out ones
MIN_VARIETY = 0.1  # of generated pictures, relative to that of real ones

ADVICE = {
    "discriminator wins": "lower discriminator_learning_rate or discriminator_width, raise r1 or "
    "discriminator_interval, or set augment_target",
    "discriminator overfits": "set augment_target, raise r1, or add pictures",
    "generator collapses": "raise r1, or lower learning_rate",
}


def alarms(history: Sequence[Mapping[str, float]]) -> list[str]:
    """What is wrong with a run, judged by the means of the last ticks.

    Args:
        history: one row per tick, with the discriminator's accuracies and, if the model reports it,
            "variety" (see `stylefuse.models.losses`).

    Returns:
        Keys of `ADVICE`.
    """
    rows = history[-TICKS:]
    if len(rows) < TICKS:
        return []

    def mean(name: str) -> float:
        return sum(row[name] for row in rows) / TICKS

    signs = {
        "discriminator wins": min(mean("accuracy_real"), mean("accuracy_fake")) > MAX_ACCURACY,
        "discriminator overfits": (
            mean("accuracy_real") - mean("accuracy_held_out") > MAX_OVERFITTING
        ),
        "generator collapses": "variety" in rows[0] and mean("variety") < MIN_VARIETY,
    }
    return [name for name, sign in signs.items() if sign]
