"""The base class of predictors, which run trained models on Pillow pictures of any size."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from stylefuse.images.arrays import pad
from stylefuse.images.metadata import PictureOrigin
from stylefuse.images.open import flatten
from stylefuse.images.resize import copy_alpha, limit_side
from stylefuse.inference.model_folder import ModelFolder, incompatible
from stylefuse.inference.options import Options
from stylefuse.inference.steps import PaintingStep


class Predictor:
    """Paints with a trained model. The predictor of the model NAME is the class `PREDICTOR` of
    `stylefuse.inference.NAME`.

    Args:
        model: the trained model.
        max_side: pixels; larger pictures are scaled down before they are painted. None allows any
            size.

    Attributes:
        name: of the model.
        inputs: required inputs of a request, by name: `PIL.Image.Image` or `int`.
        optional_inputs: inputs that a request may leave out.
        repeatable_inputs: names of picture inputs that may be absent, one picture or a list.
        repeatable_side: of these pictures, in pixels; a larger one is scaled down in any case.
        options: the options of a request.
        source_type: IPTC digital source type of the pictures that the model makes.
    """

    name: ClassVar[str]
    inputs: ClassVar[Mapping[str, type]] = {"picture": Image.Image}
    optional_inputs: ClassVar[Mapping[str, type]] = {}
    repeatable_inputs: ClassVar[tuple[str, ...]] = ()
    repeatable_side: ClassVar[int | None] = None
    options: ClassVar[type[Options]] = Options
    source_type: ClassVar[str] = "compositeWithTrainedAlgorithmicMedia"

    def __init__(self, model: ModelFolder, max_side: int | None = None):
        self.model, self.max_side = model, max_side

    @classmethod
    def picture_origin(cls) -> PictureOrigin:
        """The origin that is written into the metadata of this model's pictures."""
        return PictureOrigin(cls.name, cls.source_type)

    def paint(self, inputs: dict[str, Any], options: Any) -> Image.Image:
        """Paint a picture. Here the graph `generator` paints one from one; models with other inputs
        or options override this.

        Args:
            inputs: by the names in `inputs` and `optional_inputs`; a picture is "RGB" or "RGBA".
            options: an instance of `options`.

        Raises:
            UserError: inputs and options do not fit.
        """
        (picture,) = (limit_side(value, self.max_side) for value in inputs.values())
        opaque = np.asarray(flatten(picture))
        painted = self.model.graph("generator")(picture=pad(opaque)[None])["painted"]
        height, width = opaque.shape[:2]
        return copy_alpha(picture, Image.fromarray(painted[0, :height, :width]))

    def steps(self, inputs: dict[str, Any], options: Any) -> Iterator[PaintingStep]:
        """`paint` step by step. Here in one step; models that take longer override this.

        Yields:
            At least one step; the last one's share is 1.

        Raises:
            UserError: inputs and options do not fit.
        """
        picture = self.paint(inputs, options)
        yield PaintingStep(1, lambda: picture)


def find_predictor(name: str) -> type[Predictor]:
    """The predictor class of a model.

    Raises:
        ModuleNotFoundError: there is no such model.
    """
    module = f"{__package__}.{name}"
    if not find_spec(module) or not hasattr(import_module(module), "PREDICTOR"):
        raise ModuleNotFoundError(f"there is no model {name}", name=module)
    predictor: type[Predictor] = import_module(module).PREDICTOR
    return predictor


def load_predictor(folder: Path | str, max_side: int | None = None) -> Predictor:
    """Load a trained model for painting.

    Args:
        folder: what `stylefuse.models.saving.save_generator` wrote.
        max_side: see `Predictor`.

    Raises:
        UserError: a file is missing or was changed, or the model was saved by an incompatible
            version of stylefuse.
    """
    model = ModelFolder(folder)
    try:
        predictor = find_predictor(model.name)
    except ModuleNotFoundError:
        raise incompatible(model.path) from None
    return predictor(model, max_side)
