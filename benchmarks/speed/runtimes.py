"""Speed and memory of the runtimes for a generator: TensorFlow, ONNX Runtime and LiteRT.

    pip install --target .cache/exporters --no-deps \\
        onnx==1.23.2 tf2onnx==1.17.0 ai-edge-litert==2.3.0 backports-strenum==1.2.8
    python -m benchmarks.speed.runtimes
    python -m benchmarks.speed.runtimes --docs .cache/trial --rounds 2 --sides 256       a trial

The runtimes take turns, in new processes for each size, with as many threads as there are cores.
The weights are untrained, which does not change the times.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.paired_timing import (
    THREADS,
    Measurements,
    Worker,
    median_of,
    own,
    ratio,
    run,
    take_turns,
)
from benchmarks.speed import exports
from benchmarks.speed.generators import EXPORTERS, onnx_session

GRAPH = "TensorFlow graph (used)"


def main() -> None:
    if not Path(EXPORTERS).exists():
        raise SystemExit(
            f"{EXPORTERS} is missing; `python -m benchmarks.speed.runtimes --help` says how to "
            "install it"
        )
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 384, 512, 1024])
    parser.add_argument("--models", nargs="+", choices=exports.MODELS, default=exports.MODELS)
    args = parser.parse_args()
    times, memory, errors, failures = {}, {}, {}, []
    for model in args.models:
        failed = failed_exports(model, args.sides)
        failures += [
            f"{runtime} of {model}, `{operation}`" for runtime, operation in failed.items()
        ]
        for side in args.sides:
            names = [runtime for runtime in RUNTIMES if runtime not in failed]
            workers = {runtime: worker(runtime, model, side) for runtime in names}
            turns = take_turns(workers, args.rounds)
            row = f"{model}, {side}²"
            times[row] = {runtime: timing(runtime, turns) for runtime in names}
            memory[row] = {runtime: f"{x[-1]['peak']:.0f}" for runtime, x in turns.items()}
            errors[row] = differences(model, side, names)
    report.write_section(
        args.docs,
        "Runtimes",
        report.table(times, "ms"),
        f"From float to float, the picture in one piece; medians of {args.rounds} turns, and their "
        "ratios to the time of the graph with interquartile ranges. The product uses the graph. "
        "“This size” is an export for pictures of one size. "
        + (
            f"Not exported, with the unsupported operation: {'; '.join(failures)}."
            if failures
            else ""
        ),
        report.table(memory, "peak MiB"),
        "Of a whole process.",
        report.table(errors, "levels of 255"),
        "The largest difference to the output of the graph.",
    )


def worker(runtime: str, model: str, side: int) -> Worker:
    return own("paint", runtime, model, str(side), PYTHONPATH=EXPORTERS)


def failed_exports(model: str, sides: list[int]) -> dict[str, str]:
    """Export a model for pictures of any size, and of each size.

    Returns:
        Runtimes without an export, with the operation that is not supported.
    """
    failed: dict[str, str] = {}
    for size in ("any", *map(str, sides)):
        for kind, runtime in (("onnx", "ONNX Runtime"), ("tflite", "LiteRT")):
            exporter = own("export", kind, model, size, PYTHONPATH=EXPORTERS)
            (result,) = take_turns({kind: exporter}, rounds=1, warm_up=0)[kind]
            if result["failed"]:
                name = runtime if size == "any" else f"{runtime}, this size"
                failed[name] = result["failed"]
    return failed


def timing(runtime: str, turns: dict[str, list[Measurements]]) -> str:
    ms = f"{median_of(turns[runtime], 'ms'):.0f}"
    return ms if runtime == GRAPH else f"{ms}, ×{ratio(turns[runtime], turns[GRAPH], 'ms')}"


def differences(model: str, side: int, names: list[str]) -> dict[str, str]:
    outputs = {name: np.load(output(name, model, side)) for name in names}
    return {name: f"{abs(x - outputs[GRAPH]).max() * 127.5:.1g}" for name, x in outputs.items()}


def output(runtime: str, model: str, side: int) -> Path:
    return exports.FOLDER / f"{model}, {side}, {runtime}.npy"


def export(kind: str, model: str, size: str) -> Callable[[], Measurements]:
    return lambda: {"failed": exports.export(kind, model, size)}


def paint(runtime: str, model: str, side: str) -> Callable[[], Measurements]:
    call = RUNTIMES[runtime](model, side)
    with np.load(exports.path("npz", model, side)) as arrays:
        inputs = [*arrays.values()]
    np.save(output(runtime, model, int(side)), call(*inputs))

    def take_turn() -> Measurements:
        start = time.perf_counter()
        call(*inputs)
        return {"ms": 1000 * (time.perf_counter() - start), "peak": report.peak_mib()}

    return take_turn


def graph(model: str, side: str) -> Callable:
    from stylefuse.inference.compilation import compile_for_inference

    return compile_for_inference(exports.paint_function(model))


def xla(model: str, side: str) -> Callable:
    import tensorflow as tf

    function = tf.function(exports.paint_function(model), jit_compile=True)
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

    def call(x: np.ndarray, values: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(picture["index"], x)
        interpreter.set_tensor(vector["index"], values)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    return call


RUNTIMES: dict[str, Callable[[str, str], Callable]] = {
    GRAPH: graph,
    "TensorFlow, XLA": xla,
    "ONNX Runtime": lambda model, side: onnx(model, "any"),
    "ONNX Runtime, this size": onnx,
    "LiteRT": lambda model, side: litert(model, "any", side),
    "LiteRT, this size": lambda model, side: litert(model, side, side),
}

if __name__ == "__main__":
    run(main, [export, paint])
