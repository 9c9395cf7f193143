"""A served model, watched: what its champion is sent, beside what it was trained on."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from stylefuse.config import Params
from stylefuse.monitoring.drift import Shift, shifts
from stylefuse.monitoring.request_log import FAILED, RequestLog, Traffic
from stylefuse.registry.fetch import champion_uri, model_files
from stylefuse.registry.package import read_inputs


@dataclass(frozen=True)
class InputReport:
    """What a model's servers noted.

    Attributes:
        shifts: for each picture input, each figure of the pictures; none where too few were seen.
        traffic: the requests of the last hours.
    """

    shifts: Mapping[str, Mapping[str, Shift]]
    traffic: Traffic

    @property
    def drifted(self) -> list[str]:
        """The inputs and figures that are no longer as in training."""
        return [
            f"{name} {figure}"
            for name, found in self.shifts.items()
            for figure, shift in found.items()
            if shift.drifted
        ]

    def __str__(self) -> str:
        if self.drifted:
            found = f"drifted in {', '.join(self.drifted)}"
        elif any(self.shifts.values()):
            found = "as in training"
        else:
            found = "too few pictures seen" if self.shifts else "no pictures to compare with"
        failed, all_ = self.traffic.outcomes[FAILED], len(self.traffic.seconds)
        return f"{found}; {failed} of {all_} requests failed" if failed else found


def watch(params: Params, model: str) -> InputReport:
    """Compare what a model was sent with what its champion was trained on.

    Raises:
        UserError: it has no champion, or the store cannot be used.
    """
    settings, seen = params.monitor, RequestLog(params.monitor.request_log)
    trained = read_inputs(model_files(champion_uri(model), params.registry))
    compared = {
        name: shifts(figures, seen.pictures(model, name, settings.window), settings)
        for name, figures in trained.items()
    }
    since = time.time() - 3600 * settings.hours
    return InputReport(compared, seen.traffic(model, since))
