"""The alerts for Prometheus and the dashboard for Grafana: they ask for what the server exports."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from stylefuse.serving.prometheus import Metrics

DEPLOY = Path(__file__).parents[3] / "deploy"
UP = "up"  # of Prometheus itself
NAME = re.compile(r"\b(?:stylefuse|process|python)_\w+|\bup\b")
LABELS = {"job", "instance", "le"}  # of Prometheus and its histograms


@pytest.fixture(scope="module")
def exported():
    """Metric → names of its labels, as a server exports them after a request."""
    client = TestClient(Metrics(PlainTextResponse("answer"), lambda: "3"))
    client.post("/invocations")
    families = text_string_to_metric_families(client.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return {sample.name: set(sample.labels) for sample in samples}


def alert_expressions():
    (group,) = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text())["groups"]
    return {rule["alert"]: rule["expr"] for rule in group["rules"]}


def dashboard_expressions():
    dashboard = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in dashboard["panels"]
        for target in panel["targets"]
    }


@pytest.mark.parametrize("expressions", [alert_expressions, dashboard_expressions])
def test_they_use_metrics_and_labels_that_the_server_exports(exported, expressions):
    for title, expression in expressions().items():
        names = set(NAME.findall(expression)) - {UP}
        assert names or UP in expression, title
        assert names <= exported.keys(), title
        known = LABELS.union(*(exported[name] for name in names))
        selected = re.findall(r"(\w+)\s*=~?\s*\"", expression)
        grouped = ",".join(re.findall(r"by \(([^)]*)\)", expression)).replace(" ", "").split(",")
        assert {*selected, *filter(None, grouped)} <= known, title


def test_the_dashboard_shows_every_metric_of_the_models(exported):
    shown = " ".join(dashboard_expressions().values())
    parts = ("_created", "_sum", "_count")  # of a counter and a histogram
    own = {n for n in exported if n.startswith("stylefuse_") and not n.endswith(parts)}
    assert own <= set(NAME.findall(shown))


def test_brackets_of_all_expressions_are_closed():
    for title, expression in (alert_expressions() | dashboard_expressions()).items():
        for opened, closed in ("()", "[]", "{}"):
            assert expression.count(opened) == expression.count(closed), title
