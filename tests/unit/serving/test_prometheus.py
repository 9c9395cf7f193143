"""Every request is counted in the metrics, whatever became of it."""

from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from stylefuse.serving.prometheus import NO_STATUS, Metrics


async def app(scope, receive, send):
    if scope["query_string"] == b"fail":
        raise RuntimeError("it failed")
    status = 400 if scope["query_string"] == b"wrong" else 200
    await PlainTextResponse("answer", status)(scope, receive, send)


def test_requests_are_counted_by_status():
    versions = ["3"]
    client = TestClient(Metrics(app, lambda: versions[0]), raise_server_exceptions=False)

    def samples():
        families = text_string_to_metric_families(client.get("/metrics").text)
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }

    for query in ("", "", "?wrong", "?fail"):
        client.post(f"/invocations{query}")
    assert client.get("/ping").text == "answer"  # is not counted
    values = samples()
    counts = {key[1]: n for key, n in values.items() if key[0] == "stylefuse_requests_total"}
    assert counts == {"200": 2, "400": 1, NO_STATUS: 1}
    assert values["stylefuse_request_seconds_count",] == 4
    assert values["stylefuse_requests_in_progress",] == 0
    assert values["stylefuse_model_version", "3"] == 1
    assert values["process_resident_memory_bytes",] > 1e6
    versions[0] = "4"
    values = samples()
    assert ("stylefuse_model_version", "3") not in values
    assert values["stylefuse_model_version", "4"] == 1
