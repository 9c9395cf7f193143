"""Figures of a server: every request is counted, whatever became of it."""

from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from stylefuse.serving.metrics import Metrics


async def answering(scope, receive, send):
    if scope["query_string"] == b"fall":
        raise RuntimeError("it fell")
    status = 400 if scope["query_string"] == b"wrong" else 200
    await PlainTextResponse("answer", status)(scope, receive, send)


def test_requests_are_counted_by_status():
    versions = ["3"]
    client = TestClient(Metrics(answering, lambda: versions[0]), raise_server_exceptions=False)

    def figures():
        families = text_string_to_metric_families(client.get("/metrics").text)
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }

    for query in ("", "", "?wrong", "?fall"):
        client.post(f"/invocations{query}")
    assert client.get("/ping").text == "answer"  # which is not counted
    found = figures()
    counted = {name[1]: n for name, n in found.items() if name[0] == "stylefuse_requests_total"}
    assert counted == {"200": 2, "400": 1, "none": 1}
    assert found["stylefuse_request_seconds_count",] == 4
    assert found["stylefuse_requests_in_progress",] == 0
    assert found["stylefuse_model_version", "3"] == 1
    assert found["process_resident_memory_bytes",] > 1e6
    versions[0] = "4"
    found = figures()
    assert ("stylefuse_model_version", "3") not in found
    assert found["stylefuse_model_version", "4"] == 1
