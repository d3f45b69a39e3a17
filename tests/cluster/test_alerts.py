"""Each alert of the chart fires when it should and is silent when it should, as promtool judges."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster import binaries
from hack.cluster.binaries import MissingProgramError
from hack.prometheus import server
from tests.parts import skip_without

CHART = Path(__file__).parents[2] / "charts" / "tandem"
SYSTEM = "tandem-system"
CHAT = 'namespace="serving",name="chat"'
OPERATOR = f'namespace="{SYSTEM}",pod="a",instance="a"'

pytestmark = pytest.mark.cluster


@dataclass(frozen=True)
class Case:
    """Series with their values minute by minute (promtool's notation), evaluated after minutes."""

    alert: str
    series: Mapping[str, str]
    after_min: int
    labels: Mapping[str, str] | None
    """Of the alert that fires; None: none does."""
    says: str = ""


def condition(kind: str, reason: str = "Any") -> str:
    return f'tandem_resource_condition{{{CHAT},type="{kind}",reason="{reason}"}}'


READY = f"tandem_resource_ready_replicas{{{CHAT}}}"
APPLIED = f"tandem_resource_applied_replicas{{{CHAT}}}"
LEADING = f"tandem_operator_leading{{{OPERATOR}}}"
STANDBY = f'tandem_operator_leading{{namespace="{SYSTEM}",pod="b",instance="b"}}'
BUGS = f'tandem_operator_reconcile_seconds_count{{{OPERATOR},result="bug"}}'
AGE = f'tandem_operator_watch_age_seconds{{{OPERATOR},kind="Pod"}}'
REFUSED = f'tandem_operator_watch_refused{{{OPERATOR},kind="Pod"}}'
YIELDED = f"tandem_operator_yielded_resources{{{OPERATOR}}}"
OF_CHAT = {"namespace": "serving", "name": "chat"}
DAY = 24 * 60

FIRES = (
    Case("TandemNoLeader", {LEADING: "0x10", STANDBY: "0x10"}, 5, {}, SYSTEM),
    # Gone altogether: nobody scrapes it, or there is none.
    Case("TandemNoLeader", {"up": "1x10"}, 5, {"namespace": SYSTEM}, SYSTEM),
    # The very first bug, and one of a process that started again since.
    Case("TandemReconcileBug", {BUGS: "0 0 1x10"}, 5, {}),
    Case("TandemReconcileBug", {BUGS: "3 3 3 0 1x5"}, 5, {}),
    Case("TandemWatchDeaf", {AGE: "0+60x10", REFUSED: "0x10"}, 6, {"kind": "Pod"}, "of Pod for 6m"),
    Case("TandemWatchRefused", {REFUSED: "1x20"}, 15, {"kind": "Pod"}, "watch of Pod"),
    Case("TandemTwoInstallations", {YIELDED: "2x30"}, 20, {}, "2 resources"),
    Case(
        "TandemResourceStalled",
        {condition("Stalled", "PairRejected"): "1x20"},
        10,
        {**OF_CHAT, "reason": "PairRejected"},
        "serving/chat is Stalled: PairRejected",
    ),
    Case(
        "TandemMetricsUnavailable",
        {condition("MetricsAvailable", "Unreachable"): "0x30", READY: "1x30"},
        20,
        OF_CHAT,
        "serving/chat",
    ),
    Case("TandemTableNotApplied", {READY: "3x30", APPLIED: "1x30"}, 15, OF_CHAT, "2 ready"),
    Case("TandemAcceptanceDecayed", {condition("AcceptanceDecayed"): "1x30"}, 15, OF_CHAT),
    Case(
        "TandemSpeculationOff",
        {condition("SpeculationActive", "NotProfitable"): f"0x{DAY + 30}", READY: f"2x{DAY + 30}"},
        DAY + 20,
        OF_CHAT,
        "serving/chat has not speculated",
    ),
    # Two reasons in turn are one day without speculation all the same.
    Case(
        "TandemSpeculationOff",
        {
            condition("SpeculationActive", "NotProfitable"): f"0x{DAY // 2} stale",
            condition("SpeculationActive", "ConcurrencyAboveThreshold"): (
                f"_x{DAY // 2} 0x{DAY // 2 + 30}"
            ),
            READY: f"2x{DAY + 30}",
        },
        DAY + 20,
        OF_CHAT,
    ),
)
SILENT = (
    Case("TandemNoLeader", {LEADING: "1x10", STANDBY: "0x10"}, 5, None),
    # A hand-over of a minute.
    Case("TandemNoLeader", {LEADING: "1 1 0 1x10", STANDBY: "0x13"}, 3, None),
    # Another installation's.
    Case(
        "TandemNoLeader",
        {LEADING: "1x10", 'tandem_operator_leading{namespace="other"}': "0x10"},
        5,
        None,
    ),
    Case("TandemReconcileBug", {BUGS: "3x40"}, 20, None),
    Case("TandemWatchDeaf", {AGE: "70x20", REFUSED: "0x20"}, 15, None),
    # It has an alert of its own.
    Case("TandemWatchDeaf", {AGE: "0+60x20", REFUSED: "1x20"}, 15, None),
    Case("TandemWatchRefused", {REFUSED: "0 1 1 0x20"}, 15, None),
    Case("TandemTwoInstallations", {YIELDED: "0x30"}, 20, None),
    Case("TandemResourceStalled", {condition("Stalled"): "1 1 stale"}, 10, None),
    Case("TandemResourceStalled", {condition("Reconciling"): "1x20"}, 10, None),
    # Scaled to zero there is nothing to measure.
    Case(
        "TandemMetricsUnavailable", {condition("MetricsAvailable"): "0x30", READY: "0x30"}, 20, None
    ),
    Case(
        "TandemMetricsUnavailable", {condition("MetricsAvailable"): "1x30", READY: "1x30"}, 20, None
    ),
    Case("TandemTableNotApplied", {READY: "3x30", APPLIED: "3x30"}, 15, None),
    # An engine without live K has no such series.
    Case("TandemTableNotApplied", {READY: "3x30"}, 15, None),
    Case("TandemAcceptanceDecayed", {condition("SpeculationActive"): "1x30"}, 15, None),
    Case(
        "TandemSpeculationOff",
        {condition("SpeculationActive", "KillSwitch"): f"0x{DAY + 30}", READY: f"2x{DAY + 30}"},
        DAY + 20,
        None,
    ),
    # An hour of the day it was on.
    Case(
        "TandemSpeculationOff",
        {
            condition("SpeculationActive", "NotProfitable"): f"0x700 stale _x59 0x{DAY - 700}",
            condition("SpeculationActive", "Tuned"): "_x701 1x58 stale",
            READY: f"2x{DAY + 200}",
        },
        DAY + 20,
        None,
    ),
)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules as the chart's PrometheusRule has them."""
    try:
        helm = binaries.ensure_clients() / "helm"
    except MissingProgramError as missing:
        skip_without(missing)
    words = [
        "--show-only=templates/prometheusrule.yaml",
        "--set=metrics.prometheusRule.enabled=true",
    ]
    done = subprocess.run(
        [str(helm), "template", "tandem", str(CHART), f"--namespace={SYSTEM}", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    file = tmp_path_factory.mktemp("rules") / "rules.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(done.stdout)["spec"]))
    return file


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        program = server.ensure().with_name("promtool")
    except MissingProgramError as missing:
        skip_without(missing)
    return subprocess.run([str(program), *words], capture_output=True, text=True, check=False)


def judged(case: Case, rules: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    known: list[dict[str, Any]] = yaml.safe_load(rules.read_text())["groups"][0]["rules"]
    (rule,) = [each for each in known if each["alert"] == case.alert]
    wanted = []
    if case.labels is not None:
        wanted = [{"exp_labels": {**case.labels, **rule["labels"]}, "exp_annotations": {}}]
    test = {
        "rule_files": [str(rules)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": values} for name, values in case.series.items()
                ],
                "alert_rule_test": [
                    {
                        "eval_time": f"{case.after_min}m",
                        "alertname": case.alert,
                        "exp_alerts": wanted,
                    }
                ],
            }
        ],
    }
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump(test))
    return promtool("test", "rules", str(file))


def test_the_rules_are_what_prometheus_takes(rules: Path) -> None:
    done = promtool("check", "rules", str(rules))

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_cases_of_both_kinds(rules: Path) -> None:
    names = {each["alert"] for each in yaml.safe_load(rules.read_text())["groups"][0]["rules"]}

    assert {case.alert for case in FIRES} == {case.alert for case in SILENT} == names


@pytest.mark.parametrize("case", SILENT, ids=lambda case: case.alert)
def test_it_is_silent(case: Case, rules: Path, tmp_path: Path) -> None:
    done = judged(case, rules, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", FIRES, ids=lambda case: case.alert)
def test_it_fires_with_what_is_meant_in_its_summary(
    case: Case, rules: Path, tmp_path: Path
) -> None:
    """promtool compares all annotations at once, so its answer is read for what they say."""
    done = judged(case, rules, tmp_path)
    got = done.stdout.partition("got:")[2] + done.stderr.partition("got:")[2]

    assert f'alertname="{case.alert}"' in got, done.stdout + done.stderr
    assert case.labels is not None
    for name, value in case.labels.items():
        assert f'{name}="{value}"' in got
    assert case.says in got
    assert f'runbook_url="docs/runbooks/{case.alert}.md"' in got
