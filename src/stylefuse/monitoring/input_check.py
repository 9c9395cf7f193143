"""Checks the pictures that served models receive against those that the champion was trained on."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from stylefuse.config import Params
from stylefuse.monitoring.drift import Shift, detect_shifts
from stylefuse.monitoring.request_log import FAILED, RequestLog, Traffic
from stylefuse.paths import PROJECT
from stylefuse.registry.fetch import champion_uri, model_files
from stylefuse.registry.package import read_inputs


@dataclass(frozen=True)
class InputReport:
    """Drift and traffic of one model.

    Attributes:
        shifts: picture input → statistic → shift; empty for inputs with too few pictures.
        traffic: the requests of the last hours.
    """

    shifts: Mapping[str, Mapping[str, Shift]]
    traffic: Traffic

    @property
    def drifted(self) -> list[str]:
        """The inputs and statistics that differ from the training pictures: "INPUT STATISTIC"."""
        return [
            f"{input_name} {statistic}"
            for input_name, shifts in self.shifts.items()
            for statistic, shift in shifts.items()
            if shift.drifted
        ]

    def __str__(self) -> str:
        if self.drifted:
            summary = f"drifted in {', '.join(self.drifted)}"
        elif any(self.shifts.values()):
            summary = "no drift"
        else:
            summary = (
                "too few pictures received" if self.shifts else "no statistics to compare with"
            )
        failed, total = self.traffic.outcomes[FAILED], len(self.traffic.seconds)
        return f"{summary}; {failed} of {total} requests failed" if failed else summary


def check_inputs(params: Params, model: str) -> InputReport:
    """Compare the pictures that a model received with those that its champion was trained on.

    Raises:
        UserError: the model has no champion, or the store cannot be used.
    """
    settings = params.monitor
    request_log = RequestLog(PROJECT / settings.request_log)
    training_statistics = read_inputs(model_files(champion_uri(model), params.registry))
    shifts = {
        input_name: detect_shifts(
            training, request_log.statistics(model, input_name, settings.window), settings
        )
        for input_name, training in training_statistics.items()
    }
    since = time.time() - 3600 * settings.hours
    return InputReport(shifts, request_log.traffic(model, since))
