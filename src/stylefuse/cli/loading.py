"""Loading a model for a painting command."""

from stylefuse.config import Params
from stylefuse.models.task import find_task
from stylefuse.painting.batch import LoadedModel, ModelLoader
from stylefuse.registry.fetch import fetch_model


def model_loader(name: str, location: str | None, params: Params) -> ModelLoader:
    """A function that loads a model when it is called.

    Args:
        name: of the model in `params.yaml`.
        location: a folder or an address in the registry; None is the default model.
        params: the registry, and the limits of pictures.
    """

    def load() -> LoadedModel:
        task = find_task(name)
        predictor, origin = fetch_model(task, location, params)
        return LoadedModel(predictor, origin, task.picture_origin)

    return load
