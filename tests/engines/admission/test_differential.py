"""What the driver allows vLLM's own parser and configuration check takes, and nothing else.

Disagreements are listed, each with its reason: what loads or runs differently than its
configuration says is known to the lock and not to that check.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from tandem_operator.api.spec import Spec
from tandem_operator.engines import registry
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.vllm import pair_view
from tandem_operator.engines.vllm.rules import pair as pair_rules
from tandem_runtime.contract.report import PairReport
from tests.engines.admission import cases
from tests.engines.admission.cases import Case
from tests.engines.admission.conftest import Accepts
from tests.engines.admission.pairs import rendered, side

COUNT, SEED = 400, 15

REFUSED_HERE_ALONE = {
    "target and draft are of the method's kinds": "its weights do not load into the other drafter",
    "a draft model stays a draft model": "vLLM goes on with method mtp, whose weights are absent",
    "K fits the layers or heads that draft": "vLLM makes the missing Medusa heads, without weights",
    "MTP has layers that vLLM loads": "a stripped layer is missed when weights are loaded",
    "tensor parallel sizes divide what is dealt out": "all but heads is dealt out with the model",
    "vLLM knows their quantisation, and the draft's is its own": "Medusa reads no quantisation",
}
"""Rules whose refusals vLLM's check may not share, and why."""
NOT_DRAWN = {
    "a head's config.json names what vLLM reads of it",
    "the target gives a head the states that it reads",
    "candidates of a head are for the second runner",
    "without a draft DSpark stands in the target",
    "experts are there to be dealt out",
    "prompts fit the steps",
    "vLLM has their rotary embedding",
    "they run in the dtype that is asked for",
}
"""Rules of keys, classes and options that no drawn case has: the tests beside this one hold those
of classes and names against vLLM."""
STARTS_ELSEWHERE = ("Arctic Inference is required",)
"""What vLLM refuses here for want of a package that an image may have."""


@dataclass(frozen=True)
class Answer:
    """What both say of one case."""

    case: Case
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    refused_by_vllm: str | None

    @property
    def is_listed(self) -> bool:
        """Whether a disagreement has its reason above."""
        if self.refused_by_vllm is None:
            return any(rule in REFUSED_HERE_ALONE for rule in self.rules)
        return any(start in self.refused_by_vllm for start in STARTS_ELSEWHERE)


@pytest.fixture(scope="module")
def answers(accepts: Accepts, tmp_path_factory: pytest.TempPathFactory) -> list[Answer]:
    place = tmp_path_factory.mktemp("pairs")
    judged, words = [], []
    for number, case in enumerate(cases.drawn(COUNT, SEED)):
        target, draft = place / f"t{number}", place / f"d{number}"
        report = PairReport(
            verdict="Compatible",
            reason="Equal",
            allowed=True,
            message="",
            target=side(target, case.target),
            draft=None if case.draft is None else side(draft, case.draft),
        )
        spec = Spec.model_validate(
            {
                "target": {"uri": "pvc://models/target"},
                "draft": None if case.draft is None else {"uri": "pvc://models/draft"},
                "speculation": case.speculation,
                "parallelism": case.parallelism,
                "engine": {
                    "type": "vLLM",
                    "image": "vllm/vllm-openai:v0.32.0",
                    "args": list(case.args),
                },
            }
        )
        pair = pair_view.of(spec, report)
        fired = [
            name
            for name, rule in pair_rules.RULES.items()
            if any(isinstance(each, FieldError) for each in rule(pair))
        ]
        judged.append((case, registry.validate_pair(spec, report), tuple(fired)))
        words.append(rendered(spec, report, target, draft))
    answers_of_vllm = accepts(words, limit_s=500.0)
    return [
        Answer(case, tuple(map(str, validation.refusals)), fired, refused)
        for (case, validation, fired), refused in zip(judged, answers_of_vllm, strict=True)
    ]


def test_what_is_allowed_starts_and_what_is_refused_does_not(answers: list[Answer]) -> None:
    disagreeing = [each for each in answers if bool(each.reasons) != bool(each.refused_by_vllm)]
    unlisted = [each for each in disagreeing if not each.is_listed]
    assert not unlisted, f"{len(unlisted)} of {len(answers)}: " + "\n\n".join(
        f"{each.case}\nhere: {each.reasons}\nvLLM: {each.refused_by_vllm}" for each in unlisted[:8]
    )


def test_both_say_yes_and_no_often_enough_to_mean_something(answers: list[Answer]) -> None:
    """Every rule that a configuration alone can break has refused some case."""
    counts = Counter((bool(each.reasons), bool(each.refused_by_vllm)) for each in answers)
    assert counts[False, False] >= COUNT // 10
    assert counts[True, True] >= COUNT // 10
    fired = {rule for each in answers for rule in each.rules}
    of_files = {
        "the weights are there",
        "vLLM has a loader for their format",
        "a draft model can take back what was refused",
        "K can change live",
        "the draft sees as far as the target serves",
        "requests without parameters are answered",
        "the image has what the method needs",
    }
    assert set(pair_rules.RULES) - fired == of_files | NOT_DRAWN


def test_each_listed_disagreement_is_met(answers: list[Answer]) -> None:
    met = {rule for each in answers if each.refused_by_vllm is None for rule in each.rules}
    assert set(REFUSED_HERE_ALONE) - met == {"MTP has layers that vLLM loads"}
