"""The tab "Characters": a person as a painted character."""

from pathlib import Path
from typing import Any

import gradio as gr

from stylefuse.images.open import flatten
from stylefuse.images.resize import limit_side
from stylefuse.inference.characters.gallery import gallery
from stylefuse.inference.characters.options import CharacterOptions
from stylefuse.inference.characters.predictor import CharacterRequestOptions
from stylefuse.inference.characters.selection import list_gallery
from stylefuse.inference.faces.face import find_faces
from stylefuse.web.controls import Request, download_button, quality_radio, show_errors
from stylefuse.web.download import preview_path
from stylefuse.web.fields import Picture
from stylefuse.web.live_preview import live_preview
from stylefuse.web.models import LoadedModels
from stylefuse.web.numbers import Slider, WholeNumber
from stylefuse.web.several import several_photographs

KINDS = [("The character's picture", "costume"), ("The person's hair and clothes", "portrait")]
MIRROR = [("Mirror if it fits better", "auto"), ("Mirror", "yes"), ("Do not mirror", "no")]
BEST_FIT = "Best fit"
SEARCH_SIDE = 1024  # pixels, in which the face is looked for to sort the gallery
COLUMNS, THUMBNAIL_SIDE = 5, 160  # pixels


def characters_tab(models: LoadedModels) -> list[Any]:
    """Add the tab's components.

    Args:
        models: paint the previews and the downloads.

    Returns:
        The fields with settings.
    """
    limits = models.limits
    with gr.Row(elem_classes="studio"):
        with gr.Column():
            photograph = Picture(
                "Photograph of a person", limits, height=230, elem_classes="pictures"
            )
            gr.Markdown("Choose a character. Those whose pose fits best come first:")
            choices = gr.Gallery(
                _sorted_gallery(None), label="Characters", show_label=False, columns=COLUMNS,
                height=300, allow_preview=False, object_fit="cover", buttons=[],
                elem_classes="choices",
            )  # fmt: skip
            character = gr.Dropdown(
                [(BEST_FIT, ""), *gallery()], value="", label="Character", filterable=False
            )
            with gr.Accordion("Or another painting of a face", open=False):
                painting = Picture("Painting", limits, height=200)
        with gr.Column():
            output = gr.Image(
                label="The person as a character", height=420, interactive=False,
                buttons=["fullscreen"], elem_classes="result",
            )  # fmt: skip
            likeness = Slider(0, 1, CharacterOptions.likeness, step=0.01, label="Likeness")
            kind = gr.Radio(KINDS, value="costume", label="Show")
            mirror = gr.Radio(MIRROR, value="auto", label="Mirror the character")
            face = WholeNumber(1, 1, "Face number (1: the largest)")
            quality = quality_radio()
            fields = [photograph, painting, character, likeness, kind, mirror, face, quality]
            live_preview(models, "character", fields, _request, output, "character")
            download_button(models, "character", fields, _request, output, "character")
            several_photographs(models, "character", fields, _request, "character")
    photograph.change(show_errors(_sorted_gallery), photograph, choices, api_name="sort-characters")
    choices.select(_chosen, None, character, api_name="choose-character")
    return [likeness, kind, mirror, quality]


def _sorted_gallery(photograph: Any) -> list[tuple[Path, str]]:
    """The gallery's pictures and names, sorted by how they fit the largest face."""
    faces = []
    if photograph is not None:
        faces = find_faces(limit_side(flatten(photograph), SEARCH_SIDE))
    rows = list_gallery(faces[0].pose if faces else None)
    return [(_thumbnail(row["name"]), row["name"]) for row in rows]


def _thumbnail(name: str) -> Path:
    return preview_path(limit_side(gallery()[name].picture(), THUMBNAIL_SIDE))


def _chosen(event: gr.SelectData) -> str:
    return str(event.value["caption"])


def _request(
    photograph: Any,
    painting: Any,
    character: str,
    likeness: float,
    kind: Any,
    mirror: Any,
    face: int,
    quality: Any,
) -> Request | None:
    if photograph is None:
        return None
    inputs = {"photograph": photograph} | ({"character": painting} if painting else {})
    options = CharacterRequestOptions(
        kind, likeness, mirror, quality=quality, character=character, face=face
    )
    return inputs, options
