"""`stylefuse style learn`: learn a style from paintings, for a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from stylefuse.errors import UserError, printable
from stylefuse.images.open import flatten, open_picture
from stylefuse.inference.style_file import (
    MAX_PICTURES,
    MAX_TEXT,
    SUFFIX,
    LearnedStyle,
    is_short_text,
    save_style,
)
from stylefuse.inference.style_learning import learn_code, refuse_blank
from stylefuse.painting.batch import ModelLoader
from stylefuse.painting.files import (
    find_pictures,
    refuse_name,
    refuse_overwriting_inputs,
    refuse_unwritable,
)
from stylefuse.painting.progress import progress_bar


class StyleFacts(NamedTuple):
    """What a file says about its paintings.

    Attributes:
        name: of the style; by default that of the file that is written.
        licence: of the paintings.
        source: where they come from.
    """

    name: str = ""
    licence: str = ""
    source: str = ""

    def check(self) -> None:
        """Refuse what the file could not hold.

        Raises:
            UserError: a text is too long, or has control characters.
        """
        for name, text in self._asdict().items():
            if not is_short_text(text):
                raise UserError(
                    f"--{name} must be a text of one line and at most {MAX_TEXT} characters",
                    code="option-invalid",
                )


def learn_style(
    paintings: Sequence[str], out: Path, facts: StyleFacts, load_model: ModelLoader
) -> LearnedStyle:
    """Learn the style that some paintings have in common, and save it.

    Args:
        paintings: files, folders or glob patterns.
        out: a file that ends in `SUFFIX`.
        facts: what it says about the paintings.
        load_model: loads the transfer model that shall paint in the style.

    Raises:
        UserError: a file or the model is missing, there are too many paintings or a blank one, or
            the output cannot be written.
        KeyboardInterrupt: it was interrupted; what was learned so far is saved.
    """
    if out.suffix.lower() != SUFFIX:
        raise UserError(
            f"{out} is not the name of a style; use one that ends in {SUFFIX}",
            code="output-format-unsupported",
        )
    facts = facts if facts.name else facts._replace(name=printable(out.stem)[:MAX_TEXT])
    facts.check()
    paths = find_pictures(paintings)
    if len(paths) > MAX_PICTURES:
        raise UserError(
            f"a style is learned from {MAX_PICTURES} paintings at most, and these are "
            f"{len(paths)}; choose some",
            code="too-many-pictures",
        )
    refuse_overwriting_inputs(paths, [out])
    refuse_unwritable([out])
    refuse_name(out)
    pictures = [open_picture(path) for path in paths]
    for path, picture in zip(paths, pictures, strict=True):
        refuse_blank(np.asarray(flatten(picture)), str(path))
    with progress_bar(1) as bar, bar.item() as item:
        predictor = load_model().predictor
        style = predictor.style(pictures)
        bar.show("learning")

        def save(code: np.ndarray) -> LearnedStyle:
            learned = LearnedStyle(
                *facts,
                predictor.model.weights,
                code,
                list(map(Image.fromarray, style.target.pictures)),
            )
            save_style(learned, out)
            return learned

        code = style.code
        try:
            for step in learn_code(predictor.stylizer, style.code, style.target):
                code = step.code
                item.reach(step.share)
        except KeyboardInterrupt:
            save(code)
            raise KeyboardInterrupt(f"{out} holds what was learned so far") from None
        return save(code)
