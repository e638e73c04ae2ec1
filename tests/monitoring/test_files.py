"""The dashboard, the alert rules and the page about them name what a running service shows, and nothing else."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import aiohttp
import promql_parser
import pytest
import yaml

from service.api_keys import SCOPES
from service.http.routes import PREFIX, ROUTES
from service.refusals import STATUSES
from tests.conftest import StartService
from tests.docs.pages import ROOT, text_of
from tests.http.api import Api
from tests.http.figures import Metrics, metrics_of

pytestmark = pytest.mark.anyio

FOLDER = ROOT / "monitoring"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text())
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
OURS = {"up": {"job", "instance"}}
"""What Prometheus itself adds: a series, and labels of every series."""
VARIABLES = {"$__rate_interval": "5m", "$instance": ".*", "$job": "wallet"}
_ROW = re.compile(r"^\| `(wallet_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
_SUFFIX = re.compile(r"_(bucket|sum|count)$")


def expressions() -> Iterator[tuple[str, str]]:
    """Where each PromQL expression stands, and the expression with Grafana's variables filled in."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            expression: str = target["expr"]
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            yield f"{panel['title']} {target['refId']}", expression


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """The series that an expression selects.

    Raises:
        ValueError: it is no PromQL.
    """
    found = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        elif isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


@pytest.fixture
async def shown(anyio_backend: str, start_service: StartService, seeded_url: str) -> Metrics:
    """The metrics of a running service after some traffic."""
    with start_service(seeded_url) as service:
        async with aiohttp.ClientSession(service.base_url) as session:
            wallet = await Api(session).wallet(balance="5")
            assert (await wallet.spend("50")).status == 422
            return await metrics_of(session)


async def test_every_expression_selects_what_there_is(shown: Metrics) -> None:
    """Every metric of the dashboard and the rules is shown by a running service, with the labels they look at."""
    labels: dict[str, set[str]] = {}
    for sample in shown.samples:
        labels.setdefault(sample.name, {"instance", "job"}).update(sample.labels)
    labels |= OURS
    seen = set()
    for place, expression in expressions():
        for selector in selectors(expression):
            assert selector.name in labels, (place, selector.name)
            wanted = {matcher.name for matcher in selector.matchers.matchers}
            assert wanted <= labels[selector.name], (place, selector.name)
            seen.add(selector.name)
        named = set(re.findall(r"\b(?:by|without) \(([^)]*)\)", expression))
        wanted = {label.strip() for one in named for label in one.split(",")}
        assert wanted <= set().union(*(labels[one.name or ""] for one in selectors(expression))) | {"le"}, place
    assert len(seen) > 20


async def test_the_page_has_every_metric(shown: Metrics) -> None:
    """With its type and its labels, and none that is not there."""
    documented = {
        name: (kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in _ROW.findall(text_of("docs/monitoring.md"))
    }
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for sample in shown.samples:
        family = _SUFFIX.sub("", sample.name)
        histogram = shown.types.get(family) == "histogram"
        name = family if histogram else sample.name
        kind = "histogram" if histogram else shown.types.get(name, shown.types.get(name.removesuffix("_total"), ""))
        found[name] = (kind, found.get(name, ("", frozenset()))[1] | (frozenset(sample.labels) - {"le"}))
    assert documented == found


def test_the_dashboard_is_one() -> None:
    """Ids are unique, no panel lies on another, every panel asks the chosen data source and has a unit."""
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)
    variables = {one["name"] for one in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource", "job", "instance"}
    for panel in PANELS:
        assert panel["targets"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            used = set(re.findall(r"\$(\w+)", target["expr"]))
            assert used <= variables | {"__rate_interval"}


def test_the_rules_are_rules() -> None:
    """Each has a name of its own, a severity and a sentence; what the sentence shows is a label that is left."""
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"Wallet[A-Z]\w+", rule["alert"])
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))
        assert rule["annotations"]["summary"].endswith(".")
        shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        aggregated = re.findall(r"\bby \(([^)]*)\)", rule["expr"])
        if aggregated:
            assert shown <= {label.strip() for label in aggregated[0].split(",")}, rule["alert"]


def test_the_page_says_what_to_do_about_every_alert() -> None:
    documented = re.findall(r"^\| `(Wallet\w+)` \|", text_of("docs/monitoring.md"), re.MULTILINE)
    assert documented == [rule["alert"] for rule in RULES]


def test_values_that_are_matched_exist() -> None:
    """Statuses, codes, outcomes and routes in the expressions are those that the service has."""
    routes = [PREFIX + route.path for route in ROUTES]
    for place, expression in expressions():
        for selector in selectors(expression):
            for matcher in selector.matchers.matchers:
                if matcher.name == "code":
                    assert matcher.value in STATUSES, place
                if matcher.name == "status" and (selector.name or "").startswith("wallet_webhook"):
                    assert matcher.value in ("active", "paused", "disabled", "pending", "dead"), place
                elif matcher.name == "status":
                    assert any(re.fullmatch(matcher.value, str(one)) for one in {200, *STATUSES.values()}), place
                if matcher.name == "outcome":
                    assert matcher.value in ("posted", "replayed", "refused", "failed"), place
                if matcher.name == "route":
                    assert any(re.fullmatch(matcher.value, one) for one in routes), place


def test_prometheus_is_told_the_right_path() -> None:
    """It asks where the metrics are, with a key whose scope there is."""
    text = (FOLDER / "prometheus.yml").read_text()
    (job,) = yaml.safe_load(text)["scrape_configs"]
    # /metrics, where it looks unless it is told: tests/http/test_metrics.py asks there.
    assert "metrics_path" not in job
    assert job["job_name"] == VARIABLES["$job"]
    (scope,) = re.findall(r"--scope (\w+)", text)
    assert scope in SCOPES
    assert yaml.safe_load(text)["rule_files"] == [path.name for path in FOLDER.glob("alerts*")]
    assert Path(job["authorization"]["credentials_file"]).is_absolute()
