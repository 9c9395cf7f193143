"""Restoration of Pillow pictures: what the command line and the server share."""

import numpy as np
from PIL import Image

from stylefuse.data.pictures import flatten
from stylefuse.models.artist import Artist, fit, with_alpha_of
from stylefuse.models.restore import RestoreOptions


class RestoreArtist(Artist):
    """Restores pictures; see `Artist`."""

    def paint(self, pictures: dict[str, Image.Image], options: RestoreOptions) -> Image.Image:
        """Restore the picture "picture", as far as `options.strength` says."""
        picture = fit(pictures["picture"], self.max_side)
        flat = flatten(picture)
        restored = Image.fromarray(self.render(np.asarray(flat)))
        return with_alpha_of(picture, Image.blend(flat, restored, options.strength))
