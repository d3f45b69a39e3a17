"""The Grafana dashboard of the chart, from its panels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hack.generate.dashboard_panels import ROWS, Panel

Object = dict[str, Any]

WIDTH, HEIGHT, COLUMNS = 8, 8, 3
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def queries() -> tuple[str, ...]:
    """Every query of every panel, with Grafana's variables in it."""
    return tuple(query for _, row in ROWS for panel in row for query, _ in panel.queries)


def render() -> str:
    """The dashboard as Grafana imports it."""
    return (
        json.dumps(
            {
                "uid": "tandem",
                "title": "Tandem",
                "tags": ["tandem"],
                "schemaVersion": 39,
                "refresh": "30s",
                "time": {"from": "now-3h", "to": "now"},
                "templating": {"list": list(_variables())},
                "panels": list(_panels()),
            },
            indent=1,
        )
        + "\n"
    )


def _variables() -> Iterator[Object]:
    yield {"name": "datasource", "type": "datasource", "query": "prometheus"}
    for name, query in (
        ("namespace", "label_values(tandem_resource_replicas, namespace)"),
        ("name", 'label_values(tandem_resource_replicas{namespace=~"$namespace"}, name)'),
    ):
        yield {
            "name": name,
            "type": "query",
            "datasource": DATASOURCE,
            "query": {"query": query, "refId": name},
            "definition": query,
            "refresh": 2,
            "includeAll": True,
            "allValue": ".*",
            "multi": True,
            "current": {"text": "All", "value": "$__all"},
        }


def _panels() -> Iterator[Object]:
    number, top = 0, 0
    for title, row in ROWS:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "gridPos": {"x": 0, "y": top, "w": WIDTH * COLUMNS, "h": 1},
        }
        top += 1
        for place, panel in enumerate(row):
            number += 1
            line, column = divmod(place, COLUMNS)
            yield _panel(panel, number, {"x": column * WIDTH, "y": top + line * HEIGHT})
        top += -(-len(row) // COLUMNS) * HEIGHT


def _panel(panel: Panel, number: int, at: Object) -> Object:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": {**at, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": query, "legendFormat": legend}
            for place, (query, legend) in enumerate(panel.queries)
        ],
    }
