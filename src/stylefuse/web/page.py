"""The page: a tab for each thing that the models do."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.resize import fit
from stylefuse.inference.options import (
    Options,
    PortraitOptions,
    RestoreOptions,
    TransferRequestOptions,
)
from stylefuse.models.task import find_task
from stylefuse.web.download import write_download
from stylefuse.web.fields import Mask, Picture
from stylefuse.web.gallery import styles
from stylefuse.web.models import PREVIEW, LoadedModels

Request = tuple[dict[str, Any], Options]  # what is painted, and with which dials

TITLE = "stylefuse"
CHARACTERS, SHOWN = 12, (256, 256)  # portraits at a time, and how large each is shown, pixels
KEEP = 3600  # seconds for which files of a page are kept
LIVE = {"show_progress": "minimal", "trigger_mode": "always_last", "concurrency_limit": 2}
FETCH = "() => setTimeout(() => document.querySelector('#{0} a, a#{0}, #{0}').click(), 50)"


class Page:
    """Builds the page.

    Args:
        studio: paints.
    """

    def __init__(self, studio: LoadedModels):
        self.studio = studio
        self.most = studio.params.serve.max_pixels
        self.styles = styles()

    def build(self) -> gr.Blocks:
        """The page, ready to be mounted."""
        with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(KEEP, KEEP)) as page:
            gr.Markdown(
                "# stylefuse\nPaint a photograph in another picture's style, fuse two, "
                "mend a damaged one, or invent a face."
            )
            for title, build in {
                "Transfer": self._transfer,
                "Fuse": self._fuse,
                "Restore": self._restore,
                "Portraits": self._portraits,
            }.items():
                with gr.Tab(title):
                    build()
            gr.Markdown(
                f"A slider shows pictures of up to {PREVIEW} pixels; a download is painted "
                "at full size, and says inside which model made it, and how."
            )
            used = gr.Markdown()
            page.load(self._used, None, used)
        return page

    def _used(self) -> str:
        """Which models paint."""
        named = self.studio.refresh()
        missing = [name for name in self.studio.params.models if name not in named]
        lines = [f"{name}: {told}" for name, told in named.items()]
        lines += [f"{name}: none yet, `make repro` trains it" for name in missing]
        return "Models: " + "; ".join(lines) + "."

    def _transfer(self) -> None:
        with gr.Row():
            with gr.Column():
                content = Picture("Photograph", self.most, height=260)
                style = Picture("Style", self.most, height=200)
                self._gallery(style)
            with gr.Column():
                shown = _before_after("Photograph and painting")
                strength = gr.Slider(0, 1, 1, step=0.01, label="Strength")
                colours = gr.Radio(
                    [("the painting's", "none"), ("the photograph's, place by place", "luminance"),
                     ("the photograph's, as a whole", "match")],
                    value="none", label="Colours",
                )  # fmt: skip

                def asked(content, style, strength, colours) -> Request | None:
                    if content is None or style is None:
                        return None
                    request = {"content": content, "style": style}
                    return request, TransferRequestOptions(
                        strength=strength, preserve_color=colours
                    )

                self._live("transfer", [content, style, strength, colours], asked, shown)

    def _fuse(self) -> None:
        with gr.Row():
            with gr.Column():
                with gr.Row():
                    a = Picture("First picture", self.most, height=200)
                    b = Picture("Second picture", self.most, height=200)
                with gr.Accordion("Paint where the first picture shows", open=False):
                    mask = Mask("Mask", self.most, height=340)
                    drawn = Picture(
                        "Or a mask from a file, white where the first picture shows",
                        self.most,
                        height=160,
                    )
                a.change(lambda picture: picture and fit(picture, PREVIEW), a, mask)
            with gr.Column():
                shown = gr.Image(
                    label="Fusion",
                    format="png",
                    buttons=["fullscreen"],
                    height=380,
                    alt_text="The fusion of the two pictures",
                )
                content = gr.Slider(0, 1, 0.5, step=0.01, label="Content: second picture to first")
                style = gr.Slider(0, 1, 0.5, step=0.01, label="Style: second picture to first")
                mode = gr.Radio(
                    [("the livelier picture shows", "auto"), ("both show at once", "scalar")],
                    value="auto", label="Where nothing is painted",
                )  # fmt: skip
                regions = gr.Checkbox(label="Paint each in its own style")
                seamless = gr.Checkbox(label="Join them without a seam (slower)")

                def asked(a, b, mask, drawn, content, style, mode, regions, seamless):
                    if a is None or b is None:
                        return None
                    mask = drawn if drawn is not None else mask
                    request = {"content": a, "other": b} | ({} if mask is None else {"mask": mask})
                    return request, TransferRequestOptions(
                        content_balance=content, style_balance=style, style_by_region=regions,
                        mode="auto" if mask is not None else mode, seamless=seamless,
                    )  # fmt: skip

                inputs = [a, b, mask, drawn, content, style, mode, regions, seamless]
                self._live("transfer", inputs, asked, shown, "fusion")

    def _restore(self) -> None:
        with gr.Row():
            with gr.Column():
                picture = Picture("Damaged photograph", self.most, height=380)
            with gr.Column():
                shown = _before_after("Damaged and restored")
                strength = gr.Slider(0, 1, 1, step=0.01, label="Strength")

                def asked(picture, strength) -> Request | None:
                    return picture and ({"picture": picture}, RestoreOptions(strength))

                self._live("restore", [picture, strength], asked, shown)

    def _portraits(self) -> None:
        with gr.Row():
            with gr.Column():
                seed = gr.Number(1, label="Character, a whole number", precision=0, minimum=0)
                other = gr.Number(
                    -1, label="Blend with character (−1: none)", precision=0, minimum=-1
                )
                blend = gr.Slider(0, 1, 0.5, step=0.01, label="How much of it")
                more = gr.Button("The next ones")
            with gr.Column():
                shown = gr.Gallery(
                    label="Characters",
                    columns=4,
                    object_fit="contain",
                    format="png",
                    height=420,
                    buttons=["download"],
                )

        def asked(seed, other, blend) -> Request:
            return {"seed": int(seed or 0)}, PortraitOptions(int(other), blend)

        def invent(seed, other, blend) -> list[tuple[Image.Image, str]]:
            following = range(int(seed or 0), int(seed or 0) + CHARACTERS)
            painted = [self._preview("portrait", asked(n, other, blend)) for n in following]
            names = [f"character {n}" for n in following]
            return [(p.resize(SHOWN), name) for p, name in zip(painted, names, strict=True)]

        inputs = [seed, other, blend]
        gr.on([field.change for field in inputs], _told(invent), inputs, shown, **LIVE)
        more.click(lambda seed: int(seed or 0) + CHARACTERS, seed, seed)
        self._download("portrait", inputs, asked, text="Download the first")

    def _gallery(self, style: gr.Image) -> None:
        """Styles to choose from."""
        if not self.styles:
            gr.Markdown("*`make repro` fetches paintings to choose a style from.*")
            return
        gr.Markdown("Or a style that is new to the model:")
        gallery = gr.Gallery(
            list(self.styles.values()), label="Styles", show_label=False, columns=5, height=230,
            allow_preview=False, object_fit="cover", buttons=[], elem_classes="styles",
        )  # fmt: skip
        maker, paths = gr.Markdown(), list(self.styles)

        def choose(event: gr.SelectData) -> tuple[str, str]:
            path = paths[event.index]
            return path, self.styles[path][1]

        gallery.select(choose, None, [style, maker])

    def _live(
        self,
        name: str,
        inputs: Sequence[Any],
        asked: Callable[..., Request | None],
        shown: Any,
        called: str = "",
    ) -> None:
        """Show what a model makes of the inputs, whenever one changes."""

        def show(*values: Any) -> Any:
            request = asked(*values)
            if not request:
                return None
            painted = self._preview(name, request)
            if not isinstance(shown, gr.ImageSlider):
                return painted
            first = next(iter(request[0].values()))
            return fit(first, PREVIEW).resize(painted.size), painted

        events = [
            getattr(field, "input" if isinstance(field, gr.Slider) else "change")
            for field in inputs
        ]
        gr.on(events, _told(show), list(inputs), shown, **LIVE)
        self._download(name, inputs, asked, called)

    def _download(
        self,
        name: str,
        inputs: Sequence[Any],
        asked: Any,
        called: str = "",
        text: str = "Download at full size",
    ) -> None:
        """A button that paints at full size, and the file that it fetches."""
        called = called or name
        button = gr.Button(text, variant="primary")
        file = gr.DownloadButton(elem_id=f"file-{called}", elem_classes="unseen")

        def make(*values: Any) -> Path:
            request = asked(*values)
            if not request:
                raise UserError("choose the pictures first")
            picture = self.studio.paint(name, *request)
            task, told = find_task(name), self.studio.told(name, *request)
            return write_download(picture, task.picture_origin, told, called)

        made = button.click(_told(make), list(inputs), file, show_progress="minimal")
        made.success(None, js=FETCH.format(f"file-{called}"))

    def _preview(self, name: str, request: Request) -> Image.Image:
        return self.studio.preview(name, *request)


def _before_after(label: str) -> gr.ImageSlider:
    return gr.ImageSlider(
        label=label, format="png", type="pil", height=380, max_height=380, buttons=["fullscreen"]
    )


def _told(work: Callable[..., Any]) -> Callable[..., Any]:
    """A mistake becomes a message on the page."""

    def told(*values: Any) -> Any:
        try:
            return work(*values)
        except UserError as error:
            raise gr.Error(str(error), title="That did not work", duration=20) from None

    return told
