"""How long a request takes over HTTP, beside the bare call of the model, and beside the peer's.

    python -m benchmarks.speed.serving

Needs the registry and the data that `make repro` leaves; takes three minutes. Every request holds
a photograph and a painting of 256×256 pixels as PNG files. "A slider" sends the same two with
another strength each time, "new pictures" sends others each time. The peer, a published network
(Ghiasi et al. 2017), stands behind the same server. Bare calls and requests take turns, so that
what else the machine does weighs on both alike. Aimed at: a median over HTTP of at most
1.3 times the bare call; reached on two quiet cores.
"""

import http.client
import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image
from tests.support.servers import answers, free_port, stop, wait_for

from benchmarks import report
from stylefuse.config import load_params
from stylefuse.evaluation.baselines.published_network import ArbitraryStylisation
from stylefuse.images.base64 import decode, encode
from stylefuse.inference.options import TransferRequestOptions
from stylefuse.models.transfer import TASK
from stylefuse.paths import NETWORKS
from stylefuse.registry.fetch import champion_uri, fetch_model

SIDE, LAPS, EACH = 256, 60, 40  # pixels, turns, requests of each client
PEER = NETWORKS / "arbitrary-stylisation"


def pictures(domain: str) -> list[str]:
    """Held-out squares in base64."""
    tiles = np.load(f"data/prepared/test_{domain}.npy", mmap_mode="r")
    return [encode(Image.fromarray(tile).resize((SIDE, SIDE))) for tile in tiles[:24]]


def ask(connection: http.client.HTTPConnection, content: str, style: str, **dials: float) -> float:
    """Seconds that a request takes."""
    body = {"dataframe_records": [{"content": content, "style": style}], "params": dials}
    begun = time.perf_counter()
    connection.request(
        "POST", "/invocations", json.dumps(body), {"Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    told = answer.read()
    seconds = time.perf_counter() - begun
    if answer.status != 200:
        raise SystemExit(told.decode())
    return seconds


def in_turns(port: int, bare: Callable[[int], None], request: Callable) -> dict[str, str]:
    """A bare call, a request, a bare call …"""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    called, asked = [], []
    for lap in range(LAPS + 5):
        begun = time.perf_counter()
        bare(lap)
        called.append(time.perf_counter() - begun)
        asked.append(request(connection, lap))
    called, asked = called[5:], asked[5:]  # the first ones compile
    ratios = [a / c for a, c in zip(asked, called, strict=True)]
    low, high = np.quantile(ratios, [0.25, 0.75])
    return {
        "bare call, ms": f"{1e3 * median(called):.0f}",
        "p50, ms": f"{1e3 * median(asked):.0f}",
        "p99, ms": f"{1e3 * np.quantile(asked, 0.99):.0f}",
        "p50 ÷ bare": f"{median(asked) / median(called):.2f}",
        "of neighbours": f"{median(ratios):.2f} ({low:.2f}–{high:.2f})",
    }


def crowd(port: int, clients: int, request: Callable) -> dict[str, str]:
    """Several clients at once, each with its next request as soon as it has its answer."""
    found: list[float] = []

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for lap in range(EACH):
            found.append(request(connection, number * EACH + lap))

    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    return {
        "p50, ms": f"{1e3 * median(found):.0f}",
        "p99, ms": f"{1e3 * np.quantile(found, 0.99):.0f}",
        "requests/s": f"{len(found) / seconds:.1f}",
    }


def main() -> None:
    args = report.parser(__doc__).parse_args()
    contents, styles = pictures("photograph"), pictures("painting")
    pairs = list(itertools.product(range(len(contents)), range(len(styles))))
    opened = [[decode(text) for text in texts] for texts in (contents, styles)]
    model = fetch_model(TASK, champion_uri("transfer"), load_params())
    peer = ArbitraryStylisation(PEER)

    def slider(connection, lap):
        return ask(connection, contents[0], styles[0], strength=0.5 + (lap % 50) / 100)

    def fresh(connection, lap):
        i, j = pairs[(lap * 7) % len(pairs)]
        return ask(connection, contents[i], styles[j])

    def bare_slider(lap):
        request = {"content": opened[0][0], "style": opened[1][0]}
        model.predictor.paint(request, TransferRequestOptions(strength=0.5 + (lap % 50) / 100))

    def bare_fresh(lap):
        i, j = pairs[(lap * 7) % len(pairs)]
        model.predictor.paint(
            {"content": opened[0][i], "style": opened[1][j]}, TransferRequestOptions()
        )

    def bare_peer(lap):
        i, j = pairs[(lap * 7) % len(pairs)]
        peer.stylize(*(np.asarray(o[k])[None] for o, k in zip(opened, (i, j), strict=True)))

    alone, many = {}, {}
    program = str(Path(sys.executable).with_name("stylefuse"))
    with tempfile.TemporaryDirectory() as folder:
        servers = {
            "stylefuse": [program, "serve", "transfer", "--port"],
            "peer": [sys.executable, "-m", "benchmarks.speed.serving", "--peer", folder],
        }
        for name, command in servers.items():
            port = free_port()
            server = subprocess.Popen([*command, str(port)])
            try:
                wait_for(lambda port=port: answers(f"http://127.0.0.1:{port}"), server)
                if name == "peer":
                    alone["peer, new pictures"] = in_turns(port, bare_peer, fresh)
                else:
                    alone["stylefuse, a slider"] = in_turns(port, bare_slider, slider)
                    alone["stylefuse, new pictures"] = in_turns(port, bare_fresh, fresh)
                for clients in (1, 2, 4):
                    row = f"{name}, {clients} client{'s' * (clients > 1)}"
                    many[row] = crowd(port, clients, fresh)
            finally:
                stop(server)
    report.write_section(
        args.docs, "Over HTTP", " ".join(__doc__.split("\n\n")[2].split()),
        report.table(alone, "one request after the other"), report.table(many, "new pictures"),
    )  # fmt: skip


def serve_peer(folder: str, port: int) -> None:
    """The peer as an MLflow model, behind the server that ours is behind."""
    import mlflow
    import pandas as pd

    from stylefuse.registry.package import signature
    from stylefuse.serving.app import run, scoring_app

    class Peer(mlflow.pyfunc.PythonModel):
        def load_context(self, context):
            self.network = ArbitraryStylisation(Path(context.artifacts["network"]))

        def predict(self, context, model_input, params=None):
            painted = []
            for row in model_input.to_dict("records"):
                content, style = (np.asarray(decode(row[n]))[None] for n in ("content", "style"))
                painted.append(encode(Image.fromarray(self.network.stylize(content, style)[0])))
            return pd.DataFrame({"picture": painted})

    path = str(Path(folder) / "peer")
    mlflow.pyfunc.save_model(
        path, python_model=Peer(), artifacts={"network": str(PEER)}, signature=signature(TASK),
        pip_requirements=[],
    )  # fmt: skip
    run(lambda: path, scoring_app, "127.0.0.1", port, load_params().serve)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        serve_peer(sys.argv[2], int(sys.argv[3]))
    else:
        main()
