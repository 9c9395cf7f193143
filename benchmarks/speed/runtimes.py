"""Which way to run a trained generator is fastest: as TensorFlow's graph, or exported.

    pip install --target .cache/exporters --no-deps \\
        onnx==1.23.2 tf2onnx==1.17.0 ai-edge-litert==2.3.0 backports-strenum==1.2.8
    python -m benchmarks.speed.runtimes
    python -m benchmarks.speed.runtimes --docs .cache/trial --rounds 2 --sides 256              a trial

The ways take turns, for each size in fresh processes, with as many threads as there are cores.
Weights are untrained, which no time depends on.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.paired_timing import THREADS, Answer, median_of, own, ratio, run, take_turns
from benchmarks.speed import exports
from benchmarks.speed.generators import EXPORTERS, onnx_session

KEPT = "TensorFlow graph (kept)"


def main() -> None:
    if not Path(EXPORTERS).exists():
        raise SystemExit(f"{EXPORTERS} is missing; install it as `speed_ways.py --help` says")
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 384, 512, 1024])
    parser.add_argument("--models", nargs="+", choices=exports.MODELS, default=exports.MODELS)
    args = parser.parse_args()
    times, memory, apart, failures = {}, {}, {}, []
    for model in args.models:
        failed = failed_exports(model, args.sides)
        failures += [f"{way} of {model}, `{operation}`" for way, operation in failed.items()]
        for side in args.sides:
            ways = [way for way in WAYS if way not in failed]
            found = take_turns({way: worker(way, model, side) for way in ways}, args.rounds)
            name = f"{model}, {side}²"
            times[name] = {way: timing(way, found) for way in ways}
            memory[name] = {way: f"{x[-1]['peak']:.0f}" for way, x in found.items()}
            apart[name] = differences(model, side, ways)
    report.write_section(
        args.docs,
        "Ways of inference",
        report.table(times, "ms"),
        f"Floats to floats, the whole picture in one piece; medians of {args.rounds} turns, and "
        "how many times the time of the graph that is, with where the middle half of the ratios "
        "lies. The product keeps the graph. “This size” is an export that can paint no other. "
        + (f"No export, for an operation: {'; '.join(failures)}." if failures else ""),
        report.table(memory, "peak MiB"),
        "Of a whole process.",
        report.table(apart, "levels of 255"),
        "The largest difference to what the graph paints.",
    )


def worker(way: str, model: str, side: int):
    return own("paint", way, model, str(side), PYTHONPATH=EXPORTERS)


def failed_exports(model: str, sides: list[int]) -> dict[str, str]:
    """Export for pictures of any size, and of each size; which ways that leaves out, and the
    operation that is not supported."""
    failed: dict[str, str] = {}
    for size in ("any", *map(str, sides)):
        for kind, way in (("onnx", "ONNX Runtime"), ("tflite", "LiteRT")):
            turn = own("export", kind, model, size, PYTHONPATH=EXPORTERS)
            (answer,) = take_turns({kind: turn}, rounds=1, unheard=0)[kind]
            if answer["failed"]:
                failed[way if size == "any" else f"{way}, this size"] = answer["failed"]
    return failed


def timing(way: str, found: dict[str, list[Answer]]) -> str:
    time = f"{median_of(found[way], 'ms'):.0f}"
    return time if way == KEPT else f"{time}, ×{ratio(found[way], found[KEPT], 'ms')}"


def differences(model: str, side: int, ways: list[str]) -> dict[str, str]:
    outputs = {way: np.load(output(way, model, side)) for way in ways}
    return {way: f"{abs(x - outputs[KEPT]).max() * 127.5:.1g}" for way, x in outputs.items()}


def output(way: str, model: str, side: int) -> Path:
    return exports.FOLDER / f"{model}, {side}, {way}.npy"


def export(kind: str, model: str, size: str) -> Callable[[], Answer]:
    return lambda: {"failed": exports.export(kind, model, size)}


def paint(way: str, model: str, side: str) -> Callable[[], Answer]:
    call = WAYS[way](model, side)
    with np.load(exports.path("npz", model, side)) as arrays:
        inputs = [*arrays.values()]
    np.save(output(way, model, int(side)), call(*inputs))

    def work() -> Answer:
        start = time.perf_counter()
        call(*inputs)
        return {"ms": 1000 * (time.perf_counter() - start), "peak": report.peak_mib()}

    return work


def graph(model: str, side: str) -> Callable:
    from stylefuse.inference.compilation import compile_for_inference

    return compile_for_inference(exports.painting(model))


def xla(model: str, side: str) -> Callable:
    import tensorflow as tf

    function = tf.function(exports.painting(model), jit_compile=True)
    return lambda *inputs: function(*inputs).numpy()


def onnx(model: str, size: str) -> Callable:
    return onnx_session(exports.path("onnx", model, size).read_bytes())


def litert(model: str, size: str, side: str) -> Callable:
    from ai_edge_litert.interpreter import Interpreter

    file = str(exports.path("tflite", model, size))
    interpreter = Interpreter(model_path=file, num_threads=THREADS)
    picture, vector = sorted(interpreter.get_input_details(), key=lambda x: -len(x["shape"]))
    interpreter.resize_tensor_input(picture["index"], [1, int(side), int(side), 3])
    interpreter.allocate_tensors()

    def call(x: np.ndarray, extra: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(picture["index"], x)
        interpreter.set_tensor(vector["index"], extra)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    return call


WAYS: dict[str, Callable[[str, str], Callable]] = {
    KEPT: graph,
    "TensorFlow, XLA": xla,
    "ONNX Runtime": lambda model, side: onnx(model, "any"),
    "ONNX Runtime, this size": onnx,
    "LiteRT": lambda model, side: litert(model, "any", side),
    "LiteRT, this size": lambda model, side: litert(model, side, side),
}

if __name__ == "__main__":
    run(main, [export, paint])
