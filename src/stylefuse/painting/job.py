"""The description of one picture that is to be painted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """One picture that is to be painted.

    Attributes:
        output: the file to write.
        options: all options of the model, by name.
        inputs: the files that the picture is made from, by the names of the model's inputs.
        seed: of a generated picture.
        photograph: the input whose date, camera and resolution the output keeps.
    """

    output: Path
    options: Mapping[str, Any]
    inputs: Mapping[str, Sequence[Path]]
    seed: int | None = None
    photograph: Path | None = None

    @property
    def sidecar(self) -> Path:
        """The JSON file beside the output."""
        return self.output.with_suffix(".json")
