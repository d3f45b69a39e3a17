"""An engine that does not exist, as somebody would add it: this file, and one line in the registry.

It differs from vLLM in all that may differ: a container that prepares and one that steers, files of
its own, metrics at another port under another path, in gauges and under labels, in two spellings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import EngineType, Method, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import Endpoint, EngineParts, Launch, PodParts
from tandem_operator.engines.interface.pair_validation import PairValidation, Warned
from tandem_operator.engines.interface.support import Support
from tandem_operator.engines.metrics.page import Page
from tandem_operator.engines.metrics.reader import Series, SeriesReader
from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.engines.pod import container, drain, environment
from tandem_runtime.contract import pod_lock
from tandem_runtime.contract.report import PairReport

FIGURES = Endpoint(port="figures", path="/figures")
READER = SeriesReader(
    prefixes=("made_up_", "madeup:"),
    running=Series(("made_up_requests", "madeup:requests"), {"state": "running"}),
    waiting=Series(("made_up_requests", "madeup:requests"), {"state": "queued"}),
    counters={
        "request_steps": Series(("made_up_steps_total",)),
        "generated_tokens": Series(("made_up_tokens_total",), {"kind": "output"}),
        "prefill_tokens": Series(("made_up_tokens_total",), {"kind": "prompt"}),
        "draft_tokens": Series(("made_up_drafted_total",)),
    },
    accepted_by_position=Series(("made_up_accepted_total",), position="token_position"),
    drafted_by_position=Series(("made_up_drafted_total",), position="token_position"),
)


class Reader:
    """Its page has no counter of drafts: each draft has a first token."""

    prefixes = READER.prefixes
    queue = ("made_up_requests",)

    def counts_drafts(self, page: Page) -> bool:
        return page.first(("made_up_drafted_total",)) is not None

    def read(self, page: Page, at_s: float) -> EngineSample:
        sample = READER.read(page, at_s)
        drafts = (sample.drafted_by_position or (0.0,))[0]
        totals: Mapping[str, float] = {**sample.totals, "drafts": drafts}
        return replace(sample, totals=totals)


class Driver:
    type = EngineType.NEURON
    metrics = Reader()
    plugin = pod_lock.NO_PLUGIN
    support = (Support({"1": "made up"}, {Method.DRAFT_MODEL: "made up"}),)
    owned_env = (*environment.OWNED_EVERYWHERE, "MADE_UP_*")

    def validate(self, spec: Spec) -> tuple[FieldError, ...]:
        wrong: tuple[FieldError, ...] = ()
        if spec.speculation.method is not Method.DRAFT_MODEL:
            wrong = (
                FieldError(
                    StalledReason.UNSUPPORTED_COMBINATION,
                    "spec.speculation.method",
                    spec.speculation.method.value,
                    "the made-up engine has no such method",
                    "use DraftModel",
                ),
            )
        return (*wrong, *environment.validate(spec, self.owned_env))

    def validate_pair(self, spec: Spec, report: PairReport) -> PairValidation:
        if report.target.facts.quantization is None:
            return PairValidation()
        return PairValidation(
            (
                FieldError(
                    StalledReason.UNSUPPORTED_COMBINATION,
                    "spec.target.uri",
                    report.target.uri,
                    "the made-up engine reads no quantized weights",
                    "use another model",
                ),
            )
        )

    def warn(self, spec: Spec) -> tuple[Warned, ...]:
        return ()

    def image_of(self, version: str) -> str | None:
        return f"made/up:{version}"

    def live_mode(self, spec: Spec) -> LiveMode:
        return LiveMode.LOOKUP

    def render(self, launch: Launch) -> EngineParts:
        tiers = (0, 2, 4)
        settings = json.dumps({"draft": not launch.without_speculation}, sort_keys=True)
        files = launch.config_files("repository", {"model.json": settings})
        at = [{"name": "repository", "mountPath": "/repository", "readOnly": True}]
        main = {
            **container.served(launch, READER.queue, port=9100, page=(9101, FIGURES.path)),
            "image": launch.spec.engine.image,
            "args": list(launch.spec.engine.args),
            "env": environment.merged({}, container.owned_env(launch, tiers), launch.spec),
            "volumeMounts": [*container.mounts(plugin=False), *at],
        }
        installation = launch.installation
        prepare = container.of_the_release(
            "tandem-prepare", ["prepare"], {}, at, installation.runtime_image, installation, {}
        )
        steer = {
            **container.of_the_release(
                "tandem-steer", ["steer"], {}, at, installation.runtime_image, installation, {}
            ),
            "ports": [{"name": FIGURES.port, "containerPort": 9101, "protocol": "TCP"}],
        }
        return EngineParts(
            PodParts(
                main,
                [{"name": "repository", "configMap": {"name": files.name}}],
                container.POD_HARDENED,
                drain.GRACE_S,
                init_containers=(prepare,),
                sidecars=(steer,),
            ),
            tiers=tiers,
            config=(files,),
            metrics=FIGURES,
        )


DRIVER = Driver()
