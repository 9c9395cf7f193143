"""Latency and throughput of the scoring server, compared with direct calls of the model.

    python -m benchmarks.speed.serving

Needs the registry and the data that `make repro` leaves; takes three minutes.

Every request has a photograph and a painting of 256×256 pixels as PNG files. “Slider” sends the
same two with another strength each time, “new pictures” sends others each time. A published network
(Ghiasi et al. 2017) runs behind the same server for comparison. Direct calls and requests take
turns, so that other load on the machine affects both alike. The target is a median over HTTP of at
most 1.3 times the direct call, on two cores without other load.
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
from stylefuse.inference.predictor import find_predictor
from stylefuse.loading import load_model
from stylefuse.paths import NETWORKS
from stylefuse.registry.fetch import champion_uri

SIDE = 256  # pixels
TURNS, WARM_UP = 60, 5  # of a direct call and a request; the first ones compile
REQUESTS_PER_CLIENT = 40
SERVE_PUBLISHED = "--serve-published-network"  # option of the process that serves it
PUBLISHED_NETWORK = NETWORKS / "arbitrary-stylisation"


def pictures(domain: str) -> list[str]:
    """Held-out squares in base64."""
    tiles = np.load(f"data/prepared/test_{domain}.npy", mmap_mode="r")
    return [encode(Image.fromarray(tile).resize((SIDE, SIDE))) for tile in tiles[:24]]


def send(
    connection: http.client.HTTPConnection, content: str, style: str, **options: float
) -> float:
    """Send a request; returns the seconds until its answer."""
    body = {"dataframe_records": [{"content": content, "style": style}], "params": options}
    start = time.perf_counter()
    connection.request(
        "POST", "/invocations", json.dumps(body), {"Content-Type": "application/json"}
    )
    response = connection.getresponse()
    text = response.read()
    seconds = time.perf_counter() - start
    if response.status != 200:
        raise SystemExit(text.decode())
    return seconds


def compare_with_direct_calls(
    port: int, call: Callable[[int], None], request: Callable[..., float]
) -> dict[str, str]:
    """Alternate direct calls and requests, each with the number of its turn."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    calls, requests = [], []
    for turn in range(WARM_UP + TURNS):
        start = time.perf_counter()
        call(turn)
        calls.append(time.perf_counter() - start)
        requests.append(request(connection, turn))
    calls, requests = calls[WARM_UP:], requests[WARM_UP:]
    ratios = [r / c for r, c in zip(requests, calls, strict=True)]
    low, high = np.quantile(ratios, [0.25, 0.75])
    return {
        "direct call, ms": f"{1e3 * median(calls):.0f}",
        "p50, ms": f"{1e3 * median(requests):.0f}",
        "p99, ms": f"{1e3 * np.quantile(requests, 0.99):.0f}",
        "p50 ÷ direct call": f"{median(requests) / median(calls):.2f}",
        "ratio of neighbouring turns": f"{median(ratios):.2f} ({low:.2f}–{high:.2f})",
    }


def run_clients(port: int, clients: int, request: Callable[..., float]) -> dict[str, str]:
    """Several clients at a time; each sends its next request when it has its answer."""
    durations: list[float] = []

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for i in range(REQUESTS_PER_CLIENT):
            durations.append(request(connection, number * REQUESTS_PER_CLIENT + i))

    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    return {
        "p50, ms": f"{1e3 * median(durations):.0f}",
        "p99, ms": f"{1e3 * np.quantile(durations, 0.99):.0f}",
        "requests/s": f"{len(durations) / seconds:.1f}",
    }


def main() -> None:
    args = report.parser(__doc__).parse_args()
    contents, styles = pictures("photograph"), pictures("painting")
    pairs = list(itertools.product(range(len(contents)), range(len(styles))))
    decoded = [[decode(text) for text in texts] for texts in (contents, styles)]
    model = load_model("transfer", champion_uri("transfer"))
    published = ArbitraryStylisation(PUBLISHED_NETWORK)

    def send_slider(connection, turn):
        return send(connection, contents[0], styles[0], strength=0.5 + (turn % 50) / 100)

    def send_new(connection, turn):
        i, j = pairs[(turn * 7) % len(pairs)]
        return send(connection, contents[i], styles[j])

    def call_slider(turn):
        request = {"content": decoded[0][0], "style": decoded[1][0]}
        model.predictor.paint(request, TransferRequestOptions(strength=0.5 + (turn % 50) / 100))

    def call_new(turn):
        i, j = pairs[(turn * 7) % len(pairs)]
        model.predictor.paint(
            {"content": decoded[0][i], "style": decoded[1][j]}, TransferRequestOptions()
        )

    def call_published(turn):
        i, j = pairs[(turn * 7) % len(pairs)]
        published.stylize(*(np.asarray(o[k])[None] for o, k in zip(decoded, (i, j), strict=True)))

    latency, throughput = {}, {}
    program = str(Path(sys.executable).with_name("stylefuse"))
    with tempfile.TemporaryDirectory() as folder:
        servers = {
            "stylefuse": [program, "serve", "transfer", "--port"],
            "published network": [sys.executable, "-m", __spec__.name, SERVE_PUBLISHED, folder],
        }
        for name, command in servers.items():
            port = free_port()
            server = subprocess.Popen([*command, str(port)])
            try:
                wait_for(lambda port=port: answers(f"http://127.0.0.1:{port}"), server)
                calls = {"new pictures": (call_published, send_new)}
                if name == "stylefuse":
                    calls = {
                        "slider": (call_slider, send_slider),
                        "new pictures": (call_new, send_new),
                    }
                for series, (call, request) in calls.items():
                    row = f"{name}, {series}"
                    latency[row] = compare_with_direct_calls(port, call, request)
                for clients in (1, 2, 4):
                    row = f"{name}, {clients} client{'s' * (clients > 1)}"
                    throughput[row] = run_clients(port, clients, send_new)
            finally:
                stop(server)
    report.write_section(
        args.docs, "Over HTTP", report.paragraph(__doc__, -1),
        report.table(latency, "one request at a time"), report.table(throughput, "new pictures"),
    )  # fmt: skip


def serve_published_network(folder: str, port: int) -> None:
    """Serve the published network as an MLflow model, with the server of `stylefuse serve`."""
    import mlflow
    import pandas as pd
    from mlflow.pyfunc import load_model, scoring_server

    from stylefuse.registry.package import signature
    from stylefuse.serving.alias_follower import AliasFollower
    from stylefuse.serving.app import run

    class PublishedNetwork(mlflow.pyfunc.PythonModel):
        def load_context(self, context):
            self.network = ArbitraryStylisation(Path(context.artifacts["network"]))

        def predict(self, context, model_input, params=None):
            painted = []
            for row in model_input.to_dict("records"):
                content, style = (np.asarray(decode(row[n]))[None] for n in ("content", "style"))
                painted.append(encode(Image.fromarray(self.network.stylize(content, style)[0])))
            return pd.DataFrame({"picture": painted})

    path = str(Path(folder) / "model")
    mlflow.pyfunc.save_model(
        path,
        python_model=PublishedNetwork(),
        artifacts={"network": str(PUBLISHED_NETWORK)},
        signature=signature(find_predictor("transfer")),
        pip_requirements=[],
    )
    app = AliasFollower(lambda: path, lambda _: scoring_server.init(load_model(path)))
    run(app, "127.0.0.1", port, load_params().serve)


if __name__ == "__main__":
    if sys.argv[1:2] == [SERVE_PUBLISHED]:
        serve_published_network(sys.argv[2], int(sys.argv[3]))
    else:
        main()
