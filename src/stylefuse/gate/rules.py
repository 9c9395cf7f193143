"""The gate: does a challenger become champion? One pure function; nothing here knows a store."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from stylefuse.config import Gate
from stylefuse.evaluation.comparison import KID, Difference, PictureResults, compare
from stylefuse.evaluation.metric_labels import FIGURES


@dataclass(frozen=True)
class Check:
    """One question of the gate, and the answer in words."""

    name: str
    passed: bool
    found: str


@dataclass(frozen=True)
class Decision:
    """The gate's answer with all that led to it."""

    checks: tuple[Check, ...]
    differences: Mapping[str, Difference]
    confidence: float

    @property
    def promoted(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> str:
        """What was refused for; or, where nothing was, what the challenger is better in."""
        failed = [check.found for check in self.checks if not check.passed]
        return "; ".join(failed or [self.checks[0].found])

    @property
    def verdict(self) -> str:
        """`promote: why` or `refuse: why`, in one line."""
        return f"{'promote' if self.promoted else 'refuse'}: {self.reasons}"

    @classmethod
    def from_json(cls, text: str) -> "Decision":
        """The decision that was written as JSON."""
        kept = json.loads(text)
        return cls(
            tuple(Check(**check) for check in kept["checks"]),
            {name: Difference(**found) for name, found in kept["differences"].items()},
            kept["confidence"],
        )

    def rows(self) -> list[dict[str, str]]:
        """Every figure with both models' values and the interval of the gain, as text."""
        return [_row(name, found, self.confidence) for name, found in self.differences.items()]

    def markdown(self) -> str:
        """The decision as a page: figures side by side, then each check."""
        lines = [f"**{'Promoted' if self.promoted else 'Refused'}**: {self.reasons}.", ""]
        rows = self.rows()
        if rows:
            lines += [_line(rows[0]), "|---|" + "---:|" * (len(rows[0]) - 1)]
            lines += [*(_line(row.values()) for row in rows), ""]
        lines += ["| check | passed | found |", "|---|---|---|"]
        answers = {True: "yes", False: "**no**"}
        lines += [_line((check.name, answers[check.passed], check.found)) for check in self.checks]
        return "\n".join(lines) + "\n"


def for_best_of(rules: Gate, tried: int) -> Gate:
    """The rules for the best of several variants: each had its chance to look better by luck, so
    that they share alpha (Bonferroni), at an interval that is drawn as finely."""
    shared = {"alpha": rules.alpha / tried, "resamples": rules.resamples * tried}
    return rules.model_copy(update=shared)


def gate(
    champion: PictureResults,
    challenger: PictureResults,
    faults: Mapping[str, str | None],
    rules: Gate,
    seed: int,
) -> Decision:
    """Decide on a challenger. Equal is not better: it is refused.

    Args:
        champion: what a judge found in the champion's pictures.
        challenger: the same for the challenger's, made from the same held-out pictures.
        faults: what else was looked at, by name → what is wrong with it, or None.
        rules: `alpha` is the most often that a challenger which is no better may be promoted: the
            two-sided interval of that level must lie above zero. Other figures must not be worse
            by more than the share `margin`, at the same confidence.
        seed: of the bootstrap.

    Returns:
        The checks in the order in which a reader asks: better, nothing lost, nothing broken.
    """
    other = [Check(name, fault is None, fault or "nothing wrong") for name, fault in faults.items()]
    broken = _broken(champion, "champion") + _broken(challenger, "challenger")
    if broken:
        return Decision((Check("figures", False, "; ".join(broken)), *other), {}, 1 - rules.alpha)
    found = compare(champion, challenger, 1 - rules.alpha, rules.resamples, seed)
    aim, *others = found
    checks = [_better(aim, found[aim])]
    checks += [_kept(name, found[name], rules.margin) for name in others]
    return Decision((*checks, *other), found, 1 - rules.alpha)


def _broken(results: PictureResults, whose: str) -> list[str]:
    """Figures with values that are no numbers, or with none at all."""
    named: dict[str, np.ndarray | None] = dict(results.figures)
    if results.aim == KID:
        named |= {"features": results.features, "references": results.references}
    arrays = {name: np.asarray(values, np.float64) for name, values in named.items()}
    return [
        f"the {whose}'s {name} holds values that are no numbers"
        for name, values in arrays.items()
        if values.size == 0 or not np.isfinite(values).all()
    ]


def _better(name: str, found: Difference) -> Check:
    passed = found.low > 0
    how = "better" if passed else "not better beyond noise"
    return Check(f"{_title(name)}: better", passed, f"{_title(name)} is {how} ({_change(found)})")


def _kept(name: str, found: Difference, margin: float) -> Check:
    least = -margin * abs(found.champion)
    passed = found.low >= least
    how = "kept" if passed else f"lost by more than {-least:.3g}"
    return Check(f"{_title(name)}: kept", passed, f"{_title(name)} is {how} ({_change(found)})")


def _change(found: Difference) -> str:
    return f"gain {found.gain:+.3g}, interval {found.low:+.3g} to {found.high:+.3g}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _title(name: str) -> str:
    return FIGURES[name][0].split(",")[0].rstrip(" ↑↓→1") if name in FIGURES else name


def _row(name: str, found: Difference, confidence: float) -> dict[str, str]:
    sign = -1 if name == KID else 1
    form = FIGURES[name][1] if name in FIGURES else "{:.3f}"
    return {
        "figure": _title(name),
        "champion": form.format(sign * found.champion),
        "challenger": form.format(sign * found.challenger),
        "gain": f"{found.gain:+.3g}",
        f"interval, {confidence:.0%}": f"{found.low:+.3g} to {found.high:+.3g}",
    }
