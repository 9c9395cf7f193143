"""What a Dask worker does with a chunk of pictures. Workers need neither Prefect nor a server."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from stylefuse.errors import printable
from stylefuse.inference.predictor import Predictor
from stylefuse.loading import load_model
from stylefuse.painting.chunk import Chunk, paint_chunk
from stylefuse.painting.manifest import write_part


class ChunkResult(NamedTuple):
    """What became of the pictures of a chunk.

    Attributes:
        painted: their number.
        skipped: number of pictures that were done before.
        failed: why each of the others could not be painted.
    """

    painted: int = 0
    skipped: int = 0
    failed: tuple[str, ...] = ()

    @property
    def pictures(self) -> int:
        """The number of all of them."""
        return self.painted + self.skipped + len(self.failed)


def paint(chunk: Chunk, model: str, location: str, out: Path, number: int) -> ChunkResult:
    """Paint a chunk, and write its part of the manifest.

    Args:
        chunk: of the batch.
        model: its name.
        location: of the model, see `load_model`.
        out: folder of the batch.
        number: of the part.

    Raises:
        UserError: an output cannot be written, or there is no model.
    """
    records = paint_chunk(chunk, lambda: load_once(model, location))
    if records:
        write_part(out, number, records)
    failed = tuple(printable(record["error"]) for record in records if "error" in record)
    return ChunkResult(len(records) - len(failed), len(chunk.jobs) - len(records), failed)


@cache
def load_once(model: str, location: str) -> Predictor:
    """The model of this process."""
    predictor: Predictor = load_model(model, location).predictor
    return predictor
