"""What stands behind the page: the models, each loaded when it is first asked for."""

import contextlib
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.models.artist import fit
from stylefuse.models.files import load_artist, weights_hash
from stylefuse.models.recipe import Options, Recipe, find_recipe
from stylefuse.registry.fetch import default_model, model_files
from stylefuse.registry.find import find_version

AT_ONCE = 2  # pictures painted at the same time
PREVIEW = 512  # longer side of what a slider shows, pixels


@dataclass(frozen=True)
class Model:
    """A model that is ready to paint.

    Attributes:
        recipe: what it is.
        artist: what the recipe's `artist` made of its weights.
        name: what the page calls it: its version in the registry, or its folder.
        weights: the first digits of their SHA-256.
    """

    recipe: Recipe
    artist: Any
    name: str
    weights: str


class Studio:
    """Paints for the page; safe to use from several threads.

    Args:
        params: tell the registry and the limits.
    """

    def __init__(self, params: Params):
        self.params = params
        self._models: dict[str, tuple[str, Model]] = {}
        self._loading = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def model(self, name: str) -> Model:
        """The model of a name, loaded when it is first asked for.

        Raises:
            UserError: there is none.
        """
        with self._loading:
            if name not in self._models:
                self._load(name, default_model(self.params.registry, name))
            return self._models[name][1]

    def warm(self) -> None:
        """Load all models and let each paint, so that nobody waits for the first time."""
        for name in self.params.models:
            with contextlib.suppress(UserError):  # told when it is asked for
                recipe = self.model(name).recipe
                gray = Image.new("RGB", (64, 64), "gray")
                request = {
                    n: gray if kind is Image.Image else 1 for n, kind in recipe.inputs.items()
                }
                self.paint(name, request, recipe.options())

    def refresh(self) -> dict[str, str]:
        """Name of each model → what is used for it from now on; none where there is none yet."""
        with self._loading:
            addresses = {
                name: default_model(self.params.registry, name) for name in self.params.models
            }
            named = {name: self._named(address) for name, address in addresses.items()}
            for name, (known, _) in list(self._models.items()):
                if named[name] != known:
                    self._load(name, addresses[name])
        return {name: told for name, told in named.items() if told}

    def paint(self, name: str, request: dict[str, Any], options: Options) -> Image.Image:
        """Paint a request at its pictures' size.

        Args:
            name: of the model.
            request: by the names of the recipe's inputs and extras.
            options: the recipe's dials.

        Raises:
            UserError: the request cannot be painted.
        """
        model = self.model(name)
        with self._turns:
            painted: Image.Image = model.artist.paint(request, options)
            return painted

    def preview(self, name: str, request: dict[str, Any], options: Options) -> Image.Image:
        """The same, of pictures that are no larger than `PREVIEW`."""
        small = {
            key: fit(value, PREVIEW) if isinstance(value, Image.Image) else value
            for key, value in request.items()
        }
        return self.paint(name, small, options)

    def told(self, name: str, request: dict[str, Any], options: Options) -> dict[str, Any]:
        """What a downloaded picture says of how it was made."""
        model = self.model(name)
        numbers = {key: value for key, value in request.items() if isinstance(value, int)}
        made = {"model": model.name, "weights": model.weights}
        return {**made, **numbers, **asdict(options)}

    def _load(self, name: str, address: str) -> None:
        folder = model_files(address, self.params.registry)
        recipe, artist = load_artist(folder, self.params.serve.max_side)
        if recipe is not find_recipe(name):
            raise UserError(f"{address} is a {recipe.name} model, not a {name} model")
        known = self._named(address)
        self._models[name] = known, Model(recipe, artist, known, weights_hash(Path(folder))[:12])

    def _named(self, address: str) -> str:
        if not address.startswith("models:/"):
            return address if Path(address).is_dir() else ""
        version, _ = find_version(self.params, address)
        return f"{version.name} version {version.version}"
