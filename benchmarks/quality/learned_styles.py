"""How pictures in a learned style compare with those in the style that the encoder sees.

    python -m benchmarks.quality.learned_styles

Held-out photographs in the style of held-out paintings, at 256×256 pixels and the quality "fast",
by the shipped model. As in the evaluation, half of a painting is the style and the other half
judges.
"""

import time

import numpy as np
from PIL import Image
from rich.progress import track

from benchmarks import report
from benchmarks.quality.painted import (
    SHIPPED,
    load_strokes,
    measure,
    save_pictures,
    stroke_parser,
)
from stylefuse.inference.predictor import load_predictor
from stylefuse.inference.style_learning import learn_code


def main() -> None:
    """Learn the styles, paint, judge, and write the page."""
    parser = stroke_parser(__doc__)
    parser.add_argument("--every", type=int, default=1, help="one of so many paintings")
    args = parser.parse_args()
    predictor = load_predictor(SHIPPED)
    strokes = load_strokes(args.split, predictor)
    chosen = np.flatnonzero(strokes.paintings % args.every == 0)
    outputs = {name: strokes.contents.copy() for name in ("encoder", "learned")}
    paintings, seconds = np.unique(strokes.paintings[chosen]), 0.0
    for painting in track(paintings, description="learning styles"):
        pairs = np.flatnonzero(strokes.paintings == painting)
        style = predictor.style([Image.fromarray(strokes.styles[pairs[0]])])
        start = time.perf_counter()
        *_, last = learn_code(predictor.stylizer, style.code, style.target)
        seconds += time.perf_counter() - start
        for name, code in (("encoder", style.code), ("learned", last.code)):
            for i in pairs:
                outputs[name][i] = predictor.stylizer.render(strokes.contents[i], code)
    if args.pictures:
        shown = {"photograph": strokes.contents, "painting": strokes.styles, **outputs}
        save_pictures(shown, chosen, args.pictures)
    unstyled = {"unstyled photograph": strokes.contents}
    report.write(
        args.docs,
        "learned-styles",
        "Learned styles",
        report.paragraph(__doc__, -1),
        report.table({k: measure(strokes, v, chosen) for k, v in (unstyled | outputs).items()}),
        f"{len(chosen)} pairs, {len(paintings)} paintings, {args.split} split. Learning a style "
        f"took {seconds / len(paintings):.0f} s.",
    )


if __name__ == "__main__":
    main()
