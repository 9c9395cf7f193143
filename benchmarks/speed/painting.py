"""Time and memory to paint one picture, compared with the published network.

    python -m benchmarks.speed.painting
    python -m benchmarks.speed.painting --docs .cache/trial --rounds 2 --sides 256          a trial

Needs `data/networks` and `models/restore`, which `make repro` leaves. The networks take turns, in
new processes for each size. Each turn has another picture, so that no cache helps.
"""

import itertools
import time
from collections.abc import Callable

import numpy as np

from benchmarks import report
from benchmarks.paired_timing import THREADS, Measurements, median_of, own, ratio, run, take_turns

STYLE_SIDE = 256
NAMES = ("transfer", "published", "restore")


def main() -> None:
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 384, 512, 1024])
    args = parser.parse_args()
    turns = {side: measure(side, args.rounds) for side in args.sides}
    report.write_section(
        args.docs,
        "Painting, compared with a published network",
        report.table({f"{side}²": times(by_name) for side, by_name in turns.items()}, "ms"),
        "From uint8 to uint8, the network of Ghiasi et al. 2017 in 8-bit integers in ONNX Runtime; "
        f"medians of {args.rounds} turns, ratios with their interquartile ranges. Styles have "
        f"{STYLE_SIDE}² pixels. The published network was exported for 384² only; the benchmark "
        "removes that limit from its file, so that it paints every size.",
        report.table(memory(turns), "peak MiB"),
        "Of a whole process.",
        report.table({f"{side}²": growth(side, x) for side, x in turns.items()}, "per megapixel"),
        "A constant column means proportional growth with the number of pixels. Memory is that in "
        f"addition to the loaded network. {tiling()}",
    )


def measure(side: int, rounds: int) -> dict[str, list[Measurements]]:
    return take_turns({name: own(name, str(side)) for name in NAMES}, rounds)


def times(turns: dict[str, list[Measurements]]) -> dict[str, str]:
    ours, published = turns["transfer"], turns["published"]
    return {
        "transfer, style known": f"{median_of(ours, 'paint'):.0f}",
        "published, style known": f"{median_of(published, 'paint'):.0f}",
        "transfer ÷ published": ratio(ours, published, "paint"),
        "transfer, with the style": f"{median_of(ours, 'total'):.0f}",
        "published, with the style": f"{median_of(published, 'total'):.0f}",
        "ratio, with the style": ratio(ours, published, "total"),
        "restore": f"{median_of(turns['restore'], 'paint'):.0f}",
    }


def memory(turns: dict[int, dict[str, list[Measurements]]]) -> dict[str, dict[str, str]]:
    loaded = next(iter(turns.values()))
    return {
        "loaded": {name: f"{measured[-1]['loaded']:.0f}" for name, measured in loaded.items()},
        **{
            f"{side}²": {name: f"{measured[-1]['peak']:.0f}" for name, measured in by_name.items()}
            for side, by_name in turns.items()
        },
    }


def growth(side: int, turns: dict[str, list[Measurements]]) -> dict[str, str]:
    area = side**2 / 1e6
    added = {name: x[-1]["peak"] - x[-1]["loaded"] for name, x in turns.items()}
    return {
        **{f"{name}, ms": f"{median_of(x, 'paint') / area:.0f}" for name, x in turns.items()},
        **{f"{name}, MiB": f"{mib / area:.0f}" for name, mib in added.items()},
    }


def tiling() -> str:
    from stylefuse.inference.tiles import MARGIN, TILE

    side = TILE + 2 * MARGIN
    return f"stylefuse paints pictures larger than {side}² in overlapping tiles of that size."


def noise(side: int, seed: int) -> np.ndarray:
    """A picture of uniform noise, uint8 `[side, side, 3]`."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def timed(
    side: int, paint: Callable, encode_style: Callable = lambda style: None
) -> Callable[[], Measurements]:
    """A turn that encodes a new style and paints a new picture with the code."""
    loaded, seeds = report.peak_mib(), itertools.count()

    def take_turn() -> Measurements:
        seed = next(seeds)
        content, style = noise(side, seed), noise(STYLE_SIDE, seed)
        start = time.perf_counter()
        code = encode_style(style)
        encoded = time.perf_counter()
        paint(content, code)
        end = time.perf_counter()
        total, painting = 1000 * (end - start), 1000 * (end - encoded)
        return {"paint": painting, "total": total, "loaded": loaded, "peak": report.peak_mib()}

    return take_turn


def transfer(side: str) -> Callable[[], Measurements]:
    from stylefuse.inference.model_folder import ModelFolder
    from stylefuse.inference.stylizer import Stylizer

    stylizer = Stylizer(ModelFolder("models/base/transfer"))
    return timed(int(side), stylizer.render, lambda style: stylizer.style_code([style])[0])


def restore(side: str) -> Callable[[], Measurements]:
    from stylefuse.inference.predictor import load_predictor

    predictor = load_predictor("models/restore")
    return timed(int(side), lambda picture, _: predictor.render(picture))


def published(side: str) -> Callable[[], Measurements]:
    predict, paint = published_network("predict"), published_network("transform")

    def floats(picture: np.ndarray) -> np.ndarray:
        return picture[None].astype(np.float32) / 255

    def levels(content: np.ndarray, code: np.ndarray) -> np.ndarray:
        return np.rint(np.clip(paint(floats(content), code), 0, 1) * 255).astype(np.uint8)

    return timed(int(side), levels, lambda style: predict(floats(style)))


def published_network(part: str) -> Callable[..., np.ndarray]:
    import onnx
    import onnxruntime

    from stylefuse.paths import NETWORKS

    model = onnx.load(NETWORKS / "arbitrary-stylisation" / f"arbitrary_{part}.onnx")
    if part == "transform":  # remove the declared sizes; no operation depends on them
        del model.graph.value_info[:]
        for node in (model.graph.input[0], model.graph.output[0]):
            for axis in (1, 2):
                node.type.tensor_type.shape.dim[axis].dim_param = f"{node.name}_{axis}"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [node.name for node in session.get_inputs()]
    return lambda *inputs: session.run(None, dict(zip(names, inputs, strict=True)))[0]


if __name__ == "__main__":
    run(main, [transfer, published, restore])
