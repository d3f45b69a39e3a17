"""`tandem explain NAME`: what is in force, and the decisions that led there with their numbers.

Exit status 0: it was read and printed; 2: nothing could be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tandem_operator.api import names
from tandem_operator.api.conditions import DecayReason, SpeculationReason
from tandem_operator.api.status import LiveMode
from tandem_operator.cli import connection, output
from tandem_operator.cli.connection import Cluster, ConnectionProblem
from tandem_operator.control import decision_log
from tandem_operator.planning.children.config_maps import tuner_state

Object = dict[str, Any]

COULD_NOT_READ = 2
LAST = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("name", metavar="NAME", help=f"name of the {names.KIND}")
    connection.add_arguments(parser)
    parser.add_argument(
        "--last",
        type=_count,
        default=LAST,
        metavar="N",
        help=f"decisions to show; default {LAST}, {decision_log.MOST_RECORDS} are kept",
    )
    output.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what is in force and why; returns the exit status."""
    try:
        cluster = connection.connect(arguments)
        raw = cluster.resource(arguments.name)
        records = records_of(cluster, arguments.name)[-arguments.last :]
    except ConnectionProblem as problem:
        print(f"tandem explain: {problem}", file=sys.stderr)
        return COULD_NOT_READ
    status = raw.get("status") or {}
    in_force, rollouts = status.get("speculation"), _rollouts(status)
    if arguments.output != output.TEXT:
        place = {"namespace": cluster.namespace, "name": arguments.name}
        document = {**place, "speculation": in_force, "rollouts": rollouts, "records": records}
        output.write(document, arguments.output)
        return 0
    console = output.console()
    for line in _text(f"{cluster.namespace}/{arguments.name}", in_force, rollouts, records):
        console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)
    return 0


def records_of(cluster: Cluster, name: str) -> tuple[Object, ...]:
    """The kept decisions, oldest first. Raises ConnectionProblem, also for damaged ones."""
    stored = cluster.config_map(names.tuner(name))
    text = (stored or {}).get(tuner_state.RECORDS_KEY, "[]")
    records = decision_log.from_json(text)
    if not records and text.strip() != "[]":
        raise ConnectionProblem(
            f"{tuner_state.RECORDS_KEY} of ConfigMap {names.tuner(name)} "
            "holds no decision records: "
            "another program wrote it; delete the ConfigMap, and the tuner starts again"
        )
    return records


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of decisions: give 1 or more")
    return int(text)


def _rollouts(status: Object) -> list[Object]:
    """Reason and message of what rolls pods out, or would: no record of the tuner tells it."""
    reasons = [SpeculationReason.REMOVED_BY_ROLLOUT.value, DecayReason.DECAYED.value]
    if (status.get("speculation") or {}).get("liveMode") == LiveMode.ROLLOUT:
        reasons.append(SpeculationReason.TUNED.value)
    return [
        {"reason": each["reason"], "message": each.get("message", "")}
        for each in status.get("conditions") or ()
        if each.get("reason") in reasons
    ]


def _text(
    place: str, in_force: Object | None, rollouts: Sequence[Object], records: Sequence[Object]
) -> Iterator[str]:
    yield f"{names.KIND} {place}"
    yield from _in_force(in_force)
    for each in rollouts:
        yield f"  {each['reason']}: {each['message']}"
    if not records:
        yield "\nNo decision is recorded: replicas must be ready and scraped first."
    for each in records:
        yield from _decision(each)


def _in_force(status: Object | None) -> Iterator[str]:
    if status is None:
        yield "in force: nothing yet"
        return
    state = status["state"]
    if "effectiveTokens" in status:
        state += f", K={status['effectiveTokens']} at the present load"
    yield f"in force: {state}"
    if status.get("schedule"):
        ranges = [(each["from"], each["to"], each["tokens"]) for each in status["schedule"]]
        yield f"  K by decoding requests: {_schedule(ranges)}"
    if "generation" in status:
        mode = f", live mode {status['liveMode']}" if "liveMode" in status else ""
        applied = status.get("appliedReplicas", 0)
        yield f"  table generation {status['generation']}, applied by {applied} replicas{mode}"
    measured = _joined(
        (
            ("acceptance", status.get("acceptanceRatePercent"), "{} %"),
            ("accepted tokens per draft", status.get("meanAcceptedTokens"), "{}"),
            ("speedup", status.get("speedup"), "{}"),
            ("compared with", status.get("speedupBaseline"), "{}"),
        )
    )
    if measured:
        yield f"  measured: {measured}"
    segments = _joined(
        (each["name"], each.get("acceptanceRatePercent"), "{} %")
        for each in status.get("segments") or ()
    )
    if segments:
        yield f"  acceptance by segment: {segments}"


def _decision(record: Object) -> Iterator[str]:
    yield f"\n{record.get('time', 'at no time')} {record.get('reason')}, {record.get('state')}"
    if record.get("message"):
        yield f"  {record['message']}"
    if record.get("schedule"):
        yield f"  K by decoding requests: {_schedule(record['schedule'])}"
    if record.get("prefillSchedule"):
        yield f"  with prefill in the step: {_schedule(record['prefillSchedule'])}"
    predicted = _predicted(record.get("predicted") or {})
    if predicted:
        yield f"  predicted: {predicted}"
    inputs = record.get("inputs") or {}
    shown = _joined((key.replace("_", " "), value, "{}") for key, value in inputs.items())
    if shown:
        yield f"  inputs: {shown}"
    for replica in record.get("replicas") or ():
        yield f"  {replica.get('replica', '?')}: {_replica(replica)}"
    if record.get("outliers"):
        yield f"  slower than the others: {', '.join(record['outliers'])}"


def _predicted(prediction: Mapping[str, Any]) -> str:
    survival = prediction.get("survival") or ()
    return _joined(
        (
            ("batch", prediction.get("batch"), "{:.1f}"),
            ("K", prediction.get("tokens"), "{}"),
            ("tokens per step", prediction.get("tokensPerStep"), "{:.2f}"),
            ("ms per token", _milliseconds(prediction.get("timePerOutputTokenSeconds")), "{:.2f}"),
            (
                "measured",
                _milliseconds(prediction.get("realisedTimePerOutputTokenSeconds")),
                "{:.2f}",
            ),
            ("acceptance %", _percent(prediction.get("acceptanceRate")), "{:.0f}"),
            ("survival by position %", _list(_percent(each) for each in survival), "{}"),
            ("speedup", prediction.get("speedup"), "{:.2f}"),
        )
    )


def _replica(window: Mapping[str, Any]) -> str:
    return _joined(
        (
            ("seconds", window.get("durationSeconds"), "{}"),
            ("running", window.get("running"), "{}"),
            ("waiting", window.get("waiting"), "{}"),
            ("tokens", window.get("generatedTokens"), "{}"),
            ("drafts", window.get("drafts"), "{}"),
            ("drafted", window.get("draftTokens"), "{}"),
            ("accepted by position", _list(window.get("acceptedByPosition") or ()), "{}"),
            ("steps of mixed depths", window.get("mixedDepthPercent"), "{} %"),
        )
    )


def _schedule(ranges: Sequence[Sequence[int]]) -> str:
    """Ranges as `1-8: 3, 9 and more: 2`; neighbours of equal K become one."""
    merged: list[tuple[int, int, int]] = []
    for first, last, tokens in ranges:
        if merged and merged[-1][2] == tokens:
            merged[-1] = (merged[-1][0], last, tokens)
        else:
            merged.append((first, last, tokens))
    shown = [
        f"{first if first == last else f'{first}-{last}'}: {tokens}"
        for first, last, tokens in merged[:-1]
    ]
    first, _, tokens = merged[-1]
    return ", ".join((*shown, f"{first} and more: {tokens}"))


def _joined(parts: Iterable[tuple[str, Any, str]]) -> str:
    """`name value` of the parts that have a value."""
    return ", ".join(
        f"{name} {form.format(value)}" for name, value, form in parts if value is not None
    )


def _list(values: Iterable[float | None]) -> str | None:
    shown = [f"{value:.0f}" for value in values if value is not None]
    return " / ".join(shown) if shown else None


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100
