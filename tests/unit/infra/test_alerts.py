"""Alerts and dashboards: each alert is in the runbook, and what they ask for is what our processes show."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pantile.metrics import REGISTRY

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "infra" / "prometheus"
GRAFANA = ROOT / "infra" / "grafana"
FILES = ROOT / "infra" / "helm" / "pantile" / "files"
RULES: list[dict[str, Any]] = yaml.safe_load((FILES / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARDS = sorted((FILES / "dashboards").glob("*.json"))
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()

METRIC = re.compile(r"\bpantile_[a-z0-9_]+")
LABELLED = re.compile(r"\b(pantile_[a-z0-9_]+)\{([^}]*)\}")


def shown_names() -> dict[str, set[str]]:
    """Each name by which a metric of ours can be asked for, and its labels; those of what scrapes are added."""
    names: dict[str, set[str]] = {}
    for collector, families in REGISTRY._collector_to_names.items():
        labels = set(getattr(collector, "_labelnames", ()))
        measures = {each.name: set(each.labels) for each in getattr(collector, "_measures", ())}
        names |= {name: measures.get(name, labels) | {"instance", "job", "service", "le"} for name in families}
    return names


def queries(dashboard: Path) -> list[str]:
    panels = json.loads(dashboard.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


ASKED = [rule["expr"] for rule in RULES] + [query for path in DASHBOARDS for query in queries(path)]


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs promtool from `.make/bin` or the PATH; skips, naming it, where there is none."""
    program = shutil.which("promtool", path=f"{ROOT / '.make' / 'bin'}") or shutil.which("promtool")
    if program is None:
        pytest.skip("needs promtool (`make alerts` builds it)")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_has_an_entry_in_the_runbook_with_what_to_do(rule: dict[str, Any]) -> None:
    anchor = rule["alert"].lower()
    entry = re.search(rf"^## {rule['alert']}\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)

    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{anchor}"
    assert entry
    assert "**You see**" in entry[1]
    assert "**Do**" in entry[1]
    assert rule["labels"]["severity"] in {"warning", "critical"}


def test_the_runbook_has_no_alert_that_is_gone() -> None:
    assert re.findall(r"^## (Pantile\w+)$", RUNBOOK, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_what_is_asked_for_is_shown_with_these_labels() -> None:
    names = shown_names()

    assert ASKED
    for query in ASKED:
        for name in METRIC.findall(query):
            assert name in names, f"{name} in {query}"
        for name, matchers in LABELLED.findall(query):
            assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= names[name], query


def test_every_metric_is_told_in_the_docs() -> None:
    told = set(METRIC.findall((ROOT / "docs" / "metrics.md").read_text()))

    families = {family.name for family in REGISTRY.collect() if family.name.startswith("pantile_")}
    assert families
    assert {name for name in families if not {name, f"{name}_total"} & told} == set()


def test_dashboards_are_as_their_program_writes_them(tmp_path: Path) -> None:
    subprocess.run([sys.executable, GRAFANA / "make_dashboards.py", tmp_path], check=True)

    assert DASHBOARDS
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        path.name: path.read_text() for path in DASHBOARDS
    }


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_lie_beside_each_other_and_not_upon(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(path.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}

        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_promtool_takes_the_configuration_and_its_rules() -> None:
    checked = promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alerts_fire_when_they_should_and_not_otherwise() -> None:
    tested = promtool("test", "rules", str(PROMETHEUS / "alerts_test.yml"))

    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_promtool_understands_every_query_of_a_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$cohort", ".*")}
        for number, query in enumerate(query for path in DASHBOARDS for query in queries(path))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))

    checked = promtool("check", "rules", "--lint=none", str(file))

    assert checked.returncode == 0, checked.stdout + checked.stderr
