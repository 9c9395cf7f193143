"""How fast models train and paint, beside the published network and other ways of inference.

    pip install --target .cache/exporters --no-deps \\
        onnx==1.23.2 tf2onnx==1.17.0 ai-edge-litert==2.3.0 backports-strenum==1.2.8
    python benchmarks/speed.py
    python benchmarks/speed.py --docs .cache/trial --rounds 2 --sides 256        a trial

What is compared takes turns, each in a process of its own, with as many threads as there are cores.
Weights are untrained, which no time depends on.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import page
from turns import Answer, Worker, middle, ratio, serve, take_turns

EXPORTERS, EXPORTED = Path(".cache/exporters"), Path(".cache/exported")
BACKENDS = ("tensorflow", "jax")
THREADS = len(os.sched_getaffinity(0))
STEPS = 16  # of a turn of training: holds every kind of step as often as any other turn
STYLE_SIDE = 256
PARTS = ("training", "painting", "ways")


def main() -> None:
    parser = page.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 384, 512, 1024])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    args = parser.parse_args()
    made = {
        "training": lambda: training(args.rounds),
        "painting": lambda: painting(args.sides, args.rounds),
        "ways": lambda: ways(args.sides, args.rounds),
    }
    parts = [made[part]() for part in args.parts]
    page.write(args.docs, "speed", "Speed and memory", *(text for part in parts for text in part))


def worker(kind: str, *args: str, **environment: str) -> Worker:
    """This script again, as a worker of `WORK`."""
    found = {"PYTHONPATH": str(EXPORTERS), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return Worker(sys.executable, __file__, "--work", kind, *args, **found | environment)


# ------------------------------------------------------------------------------------- training


def training(rounds: int) -> list[str]:
    from stylefuse.config import load_params

    rows = {}
    for model in load_params().models:
        workers = {name: worker("train", model, KERAS_BACKEND=name) for name in BACKENDS}
        found = take_turns(workers, rounds)
        rows[model] = {
            **{f"{name}, images/s": f"{middle(found[name], 'rate'):.0f}" for name in BACKENDS},
            "JAX by TensorFlow": f"{ratio(found['jax'], found['tensorflow'], 'rate'):.2f}",
            **{f"{name}, peak MiB": f"{found[name][-1]['peak']:.0f}" for name in BACKENDS},
        }
    return [
        "## Training",
        page.table(rows, "model"),
        f"Profile of params.yaml; median of {rounds} turns of {STEPS} steps, once all is compiled.",
    ]


def train(model: str) -> Callable[[], Answer]:
    from stylefuse.config import load_params
    from stylefuse.training.run import Run

    run = Run(model, load_params())
    done = 0

    def work() -> Answer:
        nonlocal done
        start = time.perf_counter()
        run.advance(done, STEPS)
        done += STEPS
        rate = STEPS * run.settings.batch / (time.perf_counter() - start)
        return {"rate": rate, "peak": page.peak_mib()}

    return work


# ------------------------------------------------------------------------------------- painting


def painting(sides: list[int], rounds: int) -> list[str]:
    times, memory = {}, {}
    for side in sides:
        names = ("transfer", "published", "restore")
        found = take_turns({name: worker(name, str(side)) for name in names}, rounds)
        ours, theirs = found["transfer"], found["published"]
        times[f"{side}²"] = {
            "transfer, style known": _milliseconds(ours, "paint"),
            "published, style known": _milliseconds(theirs, "paint"),
            "ours by theirs": f"{ratio(ours, theirs, 'paint'):.2f}",
            "transfer, with the style": _milliseconds(ours, "total"),
            "published, with the style": _milliseconds(theirs, "total"),
            "ours by theirs, in all": f"{ratio(ours, theirs, 'total'):.2f}",
            "restore": _milliseconds(found["restore"], "paint"),
        }
        memory[f"{side}²"] = {name: f"{found[name][-1]['peak']:.0f}" for name in names}
    return [
        "## Painting one picture",
        page.table(times, "milliseconds"),
        f"From uint8 to uint8; median of {rounds} turns, ratios of neighbours in time. A style is "
        f"seen at {STYLE_SIDE}². The published network, 8-bit integers in ONNX Runtime, was "
        "exported for 384² only; here that limit is lifted from its file, so that it paints every "
        "size as it is.",
        page.table(memory, "peak MiB"),
        "Of a whole process; ours holds TensorFlow.",
    ]


def transfer(side: str) -> Callable[[], Answer]:
    from stylefuse.models.transfer.stylizer import Stylizer

    stylizer = Stylizer(_untrained("transfer"))
    content, style = _picture(int(side)), _picture(STYLE_SIDE)

    def work() -> Answer:
        start = time.perf_counter()
        (code,) = stylizer.style_code([style])
        known = time.perf_counter()
        stylizer.render(content, code)
        return _times(start, known)

    return work


def restore(side: str) -> Callable[[], Answer]:
    from stylefuse.models.restore.artist import RestoreArtist

    artist, picture = RestoreArtist(_untrained("restore"), 4096), _picture(int(side))

    def work() -> Answer:
        start = time.perf_counter()
        artist.render(picture)
        return _times(start, start)

    return work


def published(side: str) -> Callable[[], Answer]:
    import onnx

    from stylefuse.evaluation.bench import NETWORKS

    def network(name: str, free: bool) -> Callable[..., np.ndarray]:
        model = onnx.load(NETWORKS / "arbitrary-stylisation" / f"arbitrary_{name}.onnx")
        if free:  # the declared sizes; nothing in the graph depends on them
            del model.graph.value_info[:]
            for node in (model.graph.input[0], model.graph.output[0]):
                for axis in (1, 2):
                    node.type.tensor_type.shape.dim[axis].dim_param = f"{node.name}_{axis}"
        return _session(model.SerializeToString())

    predict, paint = network("predict", False), network("transform", True)
    content, style = _picture(int(side)), _picture(STYLE_SIDE)

    def floats(picture: np.ndarray) -> np.ndarray:
        return picture[None].astype(np.float32) / 255

    def work() -> Answer:
        start = time.perf_counter()
        code = predict(floats(style))
        known = time.perf_counter()
        np.rint(np.clip(paint(floats(content), code), 0, 1) * 255).astype(np.uint8)
        return _times(start, known)

    return work


# ----------------------------------------------------------------------------- ways of inference


def ways(sides: list[int], rounds: int) -> list[str]:
    if not EXPORTERS.exists():
        raise SystemExit(f"{EXPORTERS} is missing; install it as `speed.py --help` says")
    for size in ("any", *map(str, sides)):
        take_turns({"": worker("export", size)}, rounds=1, unheard=0)
    times, memory, apart = {}, {}, 0.0
    for side in sides:
        found = take_turns({way: worker("way", way, str(side)) for way in WAYS}, rounds)
        shipped = found[SHIPPED]
        times[f"{side}²"] = {
            way: f"{1000 * middle(answers, 'paint'):.0f} (×{ratio(answers, shipped, 'paint'):.2f})"
            for way, answers in found.items()
        }
        memory[f"{side}²"] = {way: f"{answers[-1]['peak']:.0f}" for way, answers in found.items()}
        outputs = {way: np.load(_output(way, side)) for way in WAYS}
        apart = max(apart, *(float(abs(x - outputs[SHIPPED]).max()) for x in outputs.values()))
    return [
        "## Ways of inference",
        page.table(times, "milliseconds"),
        "The transfer generator with the style known, floats to floats, the whole picture in one "
        f"piece; median of {rounds} turns, and the ratio to “{SHIPPED}”, which is what is shipped. "
        f"All ways have {THREADS} threads. “This size” is an export that can paint no other. "
        f"Outputs differ by {apart * 127.5:.2g} of 255 levels at the most.",
        page.table(memory, "peak MiB"),
    ]


def way(name: str, side: str) -> Callable[[], Answer]:
    x = _picture(int(side))[None].astype(np.float32) / 127.5 - 1
    code = np.random.default_rng(1).standard_normal((1, _code_length()), dtype=np.float32)
    call = WAYS[name](int(side))
    np.save(_output(name, int(side)), call(x, code))

    def work() -> Answer:
        start = time.perf_counter()
        call(x, code)
        return _times(start, start)

    return work


def _paint() -> Callable:
    generator = _untrained("transfer")
    return lambda x, code: generator.decode(generator.encode_content(x), code)


def _graph(side: int) -> Callable:
    from stylefuse.models.artist import compiled

    return compiled(_paint())


def _xla(side: int) -> Callable:
    import tensorflow as tf

    function = tf.function(_paint(), jit_compile=True)
    return lambda x, code: function(x, code).numpy()


def _onnx(size: str) -> Callable:
    return _session(_exported(size, "onnx").read_bytes())


def _litert(size: str, side: int) -> Callable:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(_exported(size, "tflite")), num_threads=THREADS)
    picture, code = sorted(interpreter.get_input_details(), key=lambda d: -len(d["shape"]))
    interpreter.resize_tensor_input(picture["index"], [1, side, side, 3])
    interpreter.allocate_tensors()

    def call(x: np.ndarray, style: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(picture["index"], x)
        interpreter.set_tensor(code["index"], style)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    return call


SHIPPED = "TensorFlow graph"
WAYS: dict[str, Callable[[int], Callable]] = {
    SHIPPED: _graph,
    "TensorFlow, XLA": _xla,
    "ONNX Runtime": lambda side: _onnx("any"),
    "ONNX Runtime, this size": lambda side: _onnx(str(side)),
    "LiteRT": lambda side: _litert("any", side),
    "LiteRT, this size": lambda side: _litert(str(side), side),
}


def export(size: str) -> Callable[[], Answer]:
    """Write the generator as ONNX and LiteRT files, for pictures of any size or of one."""
    import tensorflow as tf
    import tf2onnx

    side = None if size == "any" else int(size)
    signature = [
        tf.TensorSpec((1, side, side, 3), tf.float32, name="picture"),
        tf.TensorSpec((1, _code_length()), tf.float32, name="code"),
    ]
    paint = tf.function(_paint(), input_signature=signature)

    def work() -> Answer:
        EXPORTED.mkdir(parents=True, exist_ok=True)
        lite = tf.lite.TFLiteConverter.from_concrete_functions([paint.get_concrete_function()])
        _exported(size, "tflite").write_bytes(lite.convert())
        path = str(_exported(size, "onnx"))
        tf2onnx.convert.from_function(paint, signature, opset=18, output_path=path)
        return {}

    return work


# --------------------------------------------------------------------------------------- shared


def _exported(size: str, kind: str) -> Path:
    return EXPORTED / f"{size}.{kind}"


def _output(way: str, side: int) -> Path:
    return EXPORTED / f"{way}-{side}.npy"


def _code_length() -> int:
    from stylefuse.config import load_params

    return 6 + load_params().train("transfer").code


def _untrained(model: str):
    """The same weights in every process."""
    import keras

    from stylefuse.config import load_params
    from stylefuse.models.recipe import find_recipe

    keras.utils.set_random_seed(0)
    recipe, settings = find_recipe(model), load_params().train(model)
    return recipe.build_generator(**{key: getattr(settings, key) for key in recipe.shape})


def _session(model: bytes) -> Callable[..., np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]
    return lambda *inputs: session.run(None, dict(zip(names, inputs, strict=True)))[0]


def _picture(side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)


def _times(start: float, known: float) -> Answer:
    now = time.perf_counter()
    return {"paint": now - known, "total": now - start, "peak": page.peak_mib()}


def _milliseconds(answers: list[Answer], figure: str) -> str:
    return f"{1000 * middle(answers, figure):.0f}"


WORK = {f.__name__: f for f in (train, transfer, restore, published, way, export)}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        serve(WORK[sys.argv[2]](*sys.argv[3:]))
    else:
        main()
