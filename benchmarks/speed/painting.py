"""How long one picture takes, and how much memory, beside the published network.

    pip install --target .cache/exporters --no-deps onnx==1.23.2
    python -m benchmarks.speed.painting
    python -m benchmarks.speed.painting --docs .cache/trial --rounds 2 --sides 256          a trial

Needs `data/networks`, which `make repro` leaves. The networks take turns, for each size in fresh
processes. Our weights are untrained, which no time depends on.
"""

import time
from collections.abc import Callable

import numpy as np

from benchmarks import report
from benchmarks.paired_timing import Answer, median_of, own, ratio, run, take_turns
from benchmarks.speed.generators import EXPORTERS, noise, onnx_session, untrained

STYLE_SIDE = 256
NAMES = ("transfer", "published", "restore")


def main() -> None:
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 384, 512, 1024])
    args = parser.parse_args()
    found = {side: measured(side, args.rounds) for side in args.sides}
    report.write_section(
        args.docs,
        "Painting, beside a published network",
        report.table({f"{side}²": times(by_name) for side, by_name in found.items()}, "ms"),
        "From uint8 to uint8, the network of Ghiasi et al. 2017 in 8-bit integers in ONNX Runtime; "
        f"medians of {args.rounds} turns, and beside each ratio where its middle half lies. A "
        f"style is seen at {STYLE_SIDE}². The published network was exported for 384² only; that "
        "limit is lifted from its file, so that it paints every size as it is.",
        report.table(memory(found), "peak MiB"),
        "Of a whole process; ours holds TensorFlow.",
        report.table({f"{side}²": growth(side, x) for side, x in found.items()}, "per megapixel"),
        "A column that stays the same grows as the number of pixels does; memory is beyond that of "
        f"the loaded network. {tiling()}",
    )


def measured(side: int, rounds: int) -> dict[str, list[Answer]]:
    return take_turns({name: own(name, str(side), PYTHONPATH=EXPORTERS) for name in NAMES}, rounds)


def times(found: dict[str, list[Answer]]) -> dict[str, str]:
    ours, theirs = found["transfer"], found["published"]
    return {
        "transfer, style known": f"{median_of(ours, 'paint'):.0f}",
        "published, style known": f"{median_of(theirs, 'paint'):.0f}",
        "transfer ÷ published": ratio(ours, theirs, "paint"),
        "transfer, with the style": f"{median_of(ours, 'total'):.0f}",
        "published, with the style": f"{median_of(theirs, 'total'):.0f}",
        "transfer ÷ published, with it": ratio(ours, theirs, "total"),
        "restore": f"{median_of(found['restore'], 'paint'):.0f}",
    }


def memory(found: dict[int, dict[str, list[Answer]]]) -> dict[str, dict[str, str]]:
    loaded = next(iter(found.values()))
    return {
        "loaded": {name: f"{answers[-1]['loaded']:.0f}" for name, answers in loaded.items()},
        **{
            f"{side}²": {name: f"{answers[-1]['peak']:.0f}" for name, answers in by_name.items()}
            for side, by_name in found.items()
        },
    }


def growth(side: int, found: dict[str, list[Answer]]) -> dict[str, str]:
    area = side**2 / 1e6
    more = {name: answers[-1]["peak"] - answers[-1]["loaded"] for name, answers in found.items()}
    return {
        **{f"{name}, ms": f"{median_of(x, 'paint') / area:.0f}" for name, x in found.items()},
        **{f"{name}, MiB": f"{more[name] / area:.0f}" for name in found},
    }


def tiling() -> str:
    from stylefuse.inference.tiles import MARGIN, TILE

    side = TILE + 2 * MARGIN
    return f"Ours paint what is larger than {side}² in tiles of that size, which overlap."


def timed(paint: Callable, see_style: Callable = lambda: None) -> Callable[[], Answer]:
    """Work that sees a style, and paints after what that gives."""
    loaded = report.peak_mib()

    def work() -> Answer:
        start = time.perf_counter()
        style = see_style()
        known = time.perf_counter()
        paint(style)
        end = time.perf_counter()
        total, alone = 1000 * (end - start), 1000 * (end - known)
        return {"paint": alone, "total": total, "loaded": loaded, "peak": report.peak_mib()}

    return work


def transfer(side: str) -> Callable[[], Answer]:
    from stylefuse.inference.stylizer import Stylizer

    stylizer = Stylizer(untrained("transfer"))
    content, style = noise(int(side)), noise(STYLE_SIDE)
    return timed(
        lambda code: stylizer.render(content, code), lambda: stylizer.style_code([style])[0]
    )


def restore(side: str) -> Callable[[], Answer]:
    from stylefuse.models.restore import TASK

    predictor, picture = TASK.predictor(untrained("restore"), int(side)), noise(int(side))
    return timed(lambda _: predictor.render(picture))


def published(side: str) -> Callable[[], Answer]:
    predict, paint = published_network("predict"), published_network("transform")
    content, style = noise(int(side)), noise(STYLE_SIDE)

    def floats(picture: np.ndarray) -> np.ndarray:
        return picture[None].astype(np.float32) / 255

    def levels(code: np.ndarray) -> np.ndarray:
        return np.rint(np.clip(paint(floats(content), code), 0, 1) * 255).astype(np.uint8)

    return timed(levels, lambda: predict(floats(style)))


def published_network(part: str) -> Callable[..., np.ndarray]:
    import onnx

    from stylefuse.paths import NETWORKS

    model = onnx.load(NETWORKS / "arbitrary-stylisation" / f"arbitrary_{part}.onnx")
    if part == "transform":  # the sizes that it declares; nothing in the graph depends on them
        del model.graph.value_info[:]
        for node in (model.graph.input[0], model.graph.output[0]):
            for axis in (1, 2):
                node.type.tensor_type.shape.dim[axis].dim_param = f"{node.name}_{axis}"
    return onnx_session(model.SerializeToString())


if __name__ == "__main__":
    run(main, [transfer, published, restore])
