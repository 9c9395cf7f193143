"""The rules of the gate: a pure function of two models' results, without a registry."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stylefuse.config import Gate
from stylefuse.evaluation.comparison import KID, Difference, PictureResults, compare
from stylefuse.evaluation.metric_labels import METRIC_LABELS, MetricLabel
from stylefuse.registry.pages.markdown import table


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: of the check.
        passed: whether the challenger passed it.
        message: the result in words.
    """

    name: str
    passed: bool
    message: str


@dataclass(frozen=True)
class Decision:
    """The decision on a challenger.

    Attributes:
        checks: in order of importance.
        differences: metric → comparison of both models.
        confidence: of the intervals, 0 to 1.
    """

    checks: tuple[Check, ...]
    differences: Mapping[str, Difference]
    confidence: float

    @property
    def promoted(self) -> bool:
        """Whether the challenger passed every check."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> str:
        """The failed checks; if there are none, the improvement of the primary metric."""
        failed = [check.message for check in self.checks if not check.passed]
        return "; ".join(failed or [self.checks[0].message])

    @property
    def verdict(self) -> str:
        """`promote: REASONS` or `refuse: REASONS`, in one line."""
        return f"{'promote' if self.promoted else 'refuse'}: {self.reasons}"

    @classmethod
    def from_json(cls, text: str) -> "Decision":
        """Read a decision written with `dataclasses.asdict` and JSON."""
        fields = json.loads(text)
        return cls(
            tuple(_check_from_json(check) for check in fields["checks"]),
            {name: Difference(**values) for name, values in fields["differences"].items()},
            fields["confidence"],
        )

    def rows(self) -> list[dict[str, str]]:
        """Format every metric as a table row: both models' values and the interval of the gain."""
        return [
            _row(name, difference, self.confidence) for name, difference in self.differences.items()
        ]

    def markdown(self) -> str:
        """Format the decision as a Markdown page: the metrics, then the checks."""
        lines = [f"**{'Promoted' if self.promoted else 'Refused'}**: {self.reasons}.", ""]
        if rows := self.rows():
            lines += [*table([*rows[0]], [[*row.values()] for row in rows]), ""]
        checks = [
            [check.name, "yes" if check.passed else "**no**", check.message]
            for check in self.checks
        ]
        lines += table(["check", "passed", "result"], checks, text_columns=3)
        return "\n".join(lines) + "\n"


def correct_for_variants(rules: Gate, variants: int) -> Gate:
    """Apply the Bonferroni correction for the best of several variants.

    Each variant has the chance to look better by luck, so alpha is divided by their number. The
    number of resamples grows with it, to keep the resolution of the interval's ends.
    """
    return rules.model_copy(
        update={"alpha": rules.alpha / variants, "resamples": rules.resamples * variants}
    )


def apply_rules(
    champion: PictureResults,
    challenger: PictureResults,
    faults: Mapping[str, str | None],
    rules: Gate,
    seed: int,
) -> Decision:
    """Decide on a challenger; one that is only as good as the champion is refused.

    Args:
        champion: results of the champion.
        challenger: results of the challenger on the same held-out pictures.
        faults: name of a further check → what is wrong, or None.
        rules: `alpha` is the maximum probability to promote a challenger that is no better: the
            two-sided interval of that level must be above zero. The other metrics may not be worse
            by more than the share `margin`, at the same confidence.
        seed: of the bootstrap.

    Returns:
        The decision. Its checks are: the primary metric improves, the other metrics are preserved,
        and nothing else is wrong.
    """
    confidence = 1 - rules.alpha
    other_checks = [
        Check(name, not fault, fault or "nothing wrong") for name, fault in faults.items()
    ]
    invalid = _invalid_metrics(champion, "champion") + _invalid_metrics(challenger, "challenger")
    if invalid:
        return Decision(
            (Check("metrics", False, "; ".join(invalid)), *other_checks), {}, confidence
        )
    differences = compare(champion, challenger, confidence, rules.resamples, seed)
    primary, *others = differences
    checks = [
        _check_improved(primary, differences[primary]),
        *(_check_preserved(name, differences[name], rules.margin) for name in others),
        *other_checks,
    ]
    return Decision(tuple(checks), differences, confidence)


def _invalid_metrics(results: PictureResults, model: str) -> list[str]:
    """Messages about metrics without values, or with NaN or infinity among them."""
    named: dict[str, np.ndarray | None] = dict(results.metrics)
    if results.primary == KID:
        named |= {"features": results.features, "references": results.references}
    arrays = {name: np.asarray(values, np.float64) for name, values in named.items()}
    return [
        f"the {model}'s {name} has missing, NaN or infinite values"
        for name, values in arrays.items()
        if values.size == 0 or not np.isfinite(values).all()
    ]


def _check_improved(metric: str, difference: Difference) -> Check:
    passed = difference.low > 0
    result = "better" if passed else "not significantly better"
    return _check(metric, "improved", passed, result, difference)


def _check_preserved(metric: str, difference: Difference, margin: float) -> Check:
    max_loss = margin * abs(difference.champion)
    passed = difference.low >= -max_loss
    result = "preserved" if passed else f"worse by more than {max_loss:.3g}"
    return _check(metric, "preserved", passed, result, difference)


def _check(metric: str, aim: str, passed: bool, result: str, difference: Difference) -> Check:
    name = _label(metric).name
    gain = f"gain {difference.gain:+.3g}, interval {difference.low:+.3g} to {difference.high:+.3g}"
    return Check(f"{name}: {aim}", passed, f"{name} is {result} ({gain})")


def _check_from_json(fields: dict[str, Any]) -> Check:
    message = fields["message"] if "message" in fields else fields["found"]  # of older versions
    return Check(fields["name"], fields["passed"], message)


def _label(metric: str) -> MetricLabel:
    return METRIC_LABELS.get(metric, MetricLabel(metric, "{:.3f}"))


def _row(metric: str, difference: Difference, confidence: float) -> dict[str, str]:
    sign = -1 if metric == KID else 1  # `compare` gives −KID
    label = _label(metric)
    return {
        "metric": label.name,
        "champion": label.format.format(sign * difference.champion),
        "challenger": label.format.format(sign * difference.challenger),
        "gain": f"{difference.gain:+.3g}",
        f"interval, {confidence:.0%}": f"{difference.low:+.3g} to {difference.high:+.3g}",
    }
