#!/usr/bin/env python3
"""Writes the dashboards, infra/helm/pantile/files/dashboards/*.json: `infra/grafana/make_dashboards.py [FOLDER]`.

A panel here is a line; what Grafana wants to know besides is filled in. Change this file, run it, and commit both.
"""

import json
import sys
from pathlib import Path
from typing import Any

SOURCE = {"type": "prometheus", "uid": "pantile-prometheus"}
WIDTH = 24
DASHBOARDS = Path(__file__).parents[1] / "helm" / "pantile" / "files" / "dashboards"
"""In the chart, since Helm reads nothing outside of it; compose shows Grafana the same folder."""

Panel = dict[str, Any]

DONE_RATE = (
    "sum by (cohort) (max by (cohort, segmenter, state) "
    '(deriv(pantile_cohort_jobs{state=~"succeeded|failed", cohort=~"$cohort"}[10m])))'
)
"""Jobs that ended, a second, by the catalog's own counts: those of workers that are gone are among them."""

SECONDS_A_JOB = (
    "sum by (stage) (rate(pantile_stage_seconds_sum[5m])) / on () group_left () sum(rate(pantile_jobs_done_total[5m]))"
)
REUSED = "sum(rate(pantile_rois_reused_total[5m]))"
SHARE_REUSED = f"{REUSED} / ({REUSED} + sum(rate(pantile_rois_decoded_total[5m])))"


def quantile(share: float, metric: str, by: str, *, matching: str = "") -> str:
    """A quantile of a histogram, by some label."""
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket{matching}[5m])))"


def panel(kind: str, title: str, *queries: tuple[str, str], unit: str = "short", width: int = 8, **more: Any) -> Panel:
    """A panel: each query with its legend."""
    targets = [
        {"refId": chr(65 + number), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
        for number, (expression, legend) in enumerate(queries)
    ]
    options = more.pop("options", {})
    custom = more.pop("custom", {})
    defaults = {"unit": unit, "custom": custom, **more.pop("defaults", {})}
    return {
        "type": kind,
        "title": title,
        "datasource": SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "gridPos": {"w": width, "h": more.pop("height", 8)},
        **more,
    }


def lines(title: str, *queries: tuple[str, str], stacked: bool = False, **more: Any) -> Panel:
    """Lines over time."""
    custom = {
        "fillOpacity": 60 if stacked else 0,
        "lineWidth": 1,
        "stacking": {"mode": "normal" if stacked else "none"},
    }
    return panel("timeseries", title, *queries, custom=custom, defaults={"min": 0}, **more)


def figure(title: str, query: str, *, unit: str = "short", width: int = 4, red_from: float | None = None) -> Panel:
    """One figure of now, red from some value on."""
    steps = [{"color": "text", "value": None}] + ([{"color": "red", "value": red_from}] if red_from else [])
    return panel(
        "stat",
        title,
        (query, ""),
        unit=unit,
        width=width,
        height=4,
        options={"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"},
        defaults={"thresholds": {"mode": "absolute", "steps": steps}, "noValue": "–"},
    )


def table(title: str, columns: dict[str, str], *, key: str, units: dict[str, str]) -> Panel:
    """A table with one row for each value of a label, and one column for each query."""
    made = panel("table", title, *((query, "") for query in columns.values()), width=WIDTH, height=9)
    letters = [target["refId"] for target in made["targets"]]
    for target in made["targets"]:
        target |= {"format": "table", "instant": True}
    names = {f"Value #{letter}": name for letter, name in zip(letters, columns, strict=True)}
    made["transformations"] = [
        {"id": "joinByField", "options": {"byField": key, "mode": "outer"}},
        {
            "id": "organize",
            "options": {
                "renameByName": names,
                "excludeByName": {name: True for n in range(1, len(letters) + 1) for name in ("Time", f"Time {n}")},
            },
        },
    ]
    made["fieldConfig"]["overrides"] = [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": unit}]}
        for name, unit in units.items()
    ]
    return made


def dashboard(uid: str, title: str, panels: list[Panel], *, variables: list[Panel] | None = None) -> dict[str, Any]:
    """A dashboard whose panels lie in rows from the upper left on."""
    x = y = height = 0
    for number, each in enumerate(panels, start=1):
        place = each["gridPos"]
        if x + place["w"] > WIDTH:
            x, y, height = 0, y + height, 0
        each |= {"id": number, "gridPos": {**place, "x": x, "y": y}}
        x, height = x + place["w"], max(height, place["h"])
    links = [{"type": "dashboards", "tags": ["pantile"], "title": "Pantile", "asDropdown": False}]
    return {
        "uid": uid,
        "title": title,
        "tags": ["pantile"],
        "schemaVersion": 41,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "links": links,
        "templating": {"list": variables or []},
        "panels": panels,
    }


COHORT = {
    "name": "cohort",
    "label": "Cohort",
    "type": "query",
    "datasource": SOURCE,
    "query": {"query": "label_values(pantile_cohort_state, cohort)", "refId": "cohort"},
    "definition": "label_values(pantile_cohort_state, cohort)",
    "refresh": 2,
    "sort": 1,
    "multi": True,
    "includeAll": True,
    "allValue": ".*",
    "current": {"text": ["All"], "value": ["$__all"]},
}


def jobs(state: str, by: str = "cohort") -> str:
    """Jobs of the chosen cohorts in some states, by some label, whichever coordinator tells them."""
    largest = f'max by (cohort, segmenter, state) (pantile_cohort_jobs{{cohort=~"$cohort", state=~"{state}"}})'
    return f"sum by ({by}) ({largest})" if by else f"sum({largest})"


LEFT = 'max by (cohort) (pantile_cohort_jobs_left{cohort=~"$cohort"})'

COHORTS = dashboard(
    "pantile-cohorts",
    "Pantile: cohorts",
    [
        figure("Jobs done", jobs("succeeded", by="")),
        figure("Jobs left", f"sum({LEFT})"),
        figure("Time left", f"sum({LEFT}) / (sum({DONE_RATE}) > 0)", unit="s"),
        figure("Jobs a minute", f"60 * sum({DONE_RATE})"),
        figure("Failed", jobs("failed", by=""), red_from=1),
        figure("Cohorts paused", 'count(max by (cohort) (pantile_cohort_state{state="paused"}))', red_from=1),
        table(
            "Cohorts under way",
            {
                "left": LEFT,
                "done": jobs("succeeded"),
                "running": jobs("running"),
                "failed": jobs("failed"),
                "jobs a minute": f"60 * {DONE_RATE}",
                "time left": f"{LEFT} / ({DONE_RATE} > 0)",
            },
            key="cohort",
            units={"time left": "s"},
        ),
        lines("Jobs by state", (jobs(".*", by="state"), "{{state}}"), stacked=True, width=12),
        lines("Jobs done a minute, by cohort", (f"60 * {DONE_RATE}", "{{cohort}}"), width=12),
        lines("Jobs done, by segmenter", (jobs("succeeded", by="segmenter"), "{{segmenter}}")),
        lines(
            "ROIs by state",
            ('sum by (state) (max by (cohort, state) (pantile_cohort_rois{cohort=~"$cohort"}))', "{{state}}"),
            stacked=True,
        ),
        lines("Scores in 24 h, by account", ("max by (account) (pantile_scores_last_day)", "account {{account}}")),
    ],
    variables=[COHORT],
)

WORKERS = dashboard(
    "pantile-workers",
    "Pantile: workers",
    [
        lines("Processes", ("count by (service) (pantile_build)", "{{service}}")),
        lines("Patches a second", ("sum by (segmenter) (rate(pantile_patches_total[5m]))", "{{segmenter}}")),
        lines(
            "Jobs a minute, by worker", ("60 * sum by (instance) (rate(pantile_jobs_done_total[5m]))", "{{instance}}")
        ),
        lines(
            "Where the time goes: seconds a job, by stage",
            (
                SECONDS_A_JOB,
                "{{stage}}",
            ),
            unit="s",
            stacked=True,
            width=12,
        ),
        lines(
            "Stages, 95 of 100 within",
            (quantile(0.95, "pantile_stage_seconds", "stage"), "{{stage}}"),
            unit="s",
            width=12,
        ),
        lines("GPU busy", ("pantile_gpu_busy_ratio", "{{instance}} {{gpu}}"), unit="percentunit"),
        lines("GPU memory", ('pantile_gpu_memory_bytes{kind="used"}', "{{instance}} {{gpu}}"), unit="bytes"),
        lines("GPU power", ("pantile_gpu_watts", "{{instance}} {{gpu}}"), unit="watt"),
        lines(
            "Decodes an ROI, and jobs that found theirs decoded",
            ("sum(rate(pantile_rois_decoded_total[5m])) / sum(rate(pantile_rois_fetched_total[5m]))", "decodes an ROI"),
            (
                SHARE_REUSED,
                "share reused",
            ),
        ),
        lines("Rows held, by worker", ("pantile_leases_held", "{{instance}}")),
        lines(
            "Memory, by process",
            ('process_resident_memory_bytes{job="pantile"}', "{{service}} {{instance}}"),
            unit="bytes",
        ),
        lines("Messages in the queues", ("max by (queue) (pantile_queue_messages)", "{{queue}}")),
        lines("Work that waits", ('max by (work) (pantile_work{state="waiting"})', "{{work}}")),
        lines("How long the first has waited", ("max by (work) (pantile_work_oldest_seconds)", "{{work}}"), unit="s"),
        lines(
            "Object store, 95 of 100 within",
            (quantile(0.95, "pantile_s3_seconds", "operation"), "{{operation}}"),
            unit="s",
        ),
        lines(
            "Transactions, 95 of 100 within",
            (quantile(0.95, "pantile_sql_seconds", "service"), "{{service}}"),
            unit="s",
        ),
        lines(
            "Redis, 95 of 100 within",
            (quantile(0.95, "pantile_broker_seconds", "operation"), "{{operation}}"),
            unit="s",
        ),
        lines("Chores a minute", ("60 * sum by (task) (rate(pantile_tasks_total[5m]))", "{{task}}")),
        lines("Tasks, 95 of 100 within", (quantile(0.95, "pantile_task_seconds", "task"), "{{task}}"), unit="s"),
        lines(
            "The coordinator's round, 95 of 100 within",
            (quantile(0.95, "pantile_round_seconds", "step"), "{{step}}"),
            unit="s",
        ),
    ],
)

FAULTS = dashboard(
    "pantile-faults",
    "Pantile: faults",
    [
        panel("table", "Alerts", ('ALERTS{alertname=~"Pantile.*", alertstate="firing"}', ""), width=WIDTH, height=6),
        lines(
            "Work that was not done, a minute",
            ("60 * sum by (work, outcome) (rate(pantile_not_done_total[5m]))", "{{work}}: {{outcome}}"),
            width=12,
        ),
        lines(
            "By reason, a minute", ("60 * sum by (reason) (rate(pantile_not_done_total[5m]))", "{{reason}}"), width=12
        ),
        lines(
            "Leases that ended silently, in 15 min",
            ("sum by (work) (increase(pantile_leases_ended_total[15m]))", "{{work}}"),
        ),
        lines("Messages lost and sent again, in 15 min", ("sum(increase(pantile_messages_lost_total[15m]))", "lost")),
        lines(
            "Servers that did not answer, in 5 min",
            ("sum by (server) (increase(pantile_server_errors_total[5m]))", "{{server}}"),
        ),
        lines(
            "Tasks that went wrong, in 15 min",
            ('sum by (task) (increase(pantile_tasks_total{result="went wrong"}[15m]))', "{{task}}"),
        ),
        lines(
            "Starts of processes, in 1 h",
            ('sum by (service) (changes(process_start_time_seconds{job="pantile"}[1h]))', "{{service}}"),
        ),
        lines("Longest piece of work", ("pantile_longest_work_seconds", "{{instance}}"), unit="s"),
        lines(
            "Since the coordinator's last round",
            ("time() - max(pantile_round_timestamp_seconds)", "round"),
            ("time() - max(pantile_measured_timestamp_seconds)", "measurement"),
            unit="s",
        ),
        lines("Answers a second, by status", ("sum by (status) (rate(pantile_http_requests_total[5m]))", "{{status}}")),
        lines(
            "Answers, 95 of 100 within, slowest routes",
            (f"topk(8, {quantile(0.95, 'pantile_http_answer_seconds', 'route')})", "{{route}}"),
            unit="s",
        ),
        lines("Requests under way", ("sum by (instance) (pantile_http_requests_open)", "{{instance}}")),
        lines(
            "Open files",
            ('process_open_fds{job="pantile"} / process_max_fds{job="pantile"}', "{{service}} {{instance}}"),
            unit="percentunit",
        ),
        lines(
            "Processor, by process",
            ('rate(process_cpu_seconds_total{job="pantile"}[5m])', "{{service}} {{instance}}"),
            unit="cores",
        ),
    ],
)


def main(folder: Path) -> None:
    """Writes each dashboard."""
    for each in (COHORTS, WORKERS, FAULTS):
        name = each["uid"].removeprefix("pantile-")
        (folder / f"{name}.json").write_text(json.dumps(each, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DASHBOARDS)
