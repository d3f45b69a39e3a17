"""What of a locked pair vLLM cannot serve: rules by name, in the order in which they are told.

Read `RULES` as the specification. Each rule is given the spec and the lock's facts of both models,
and finds what vLLM would refuse, or what starts and is not what one expects. What is not known is
never held against a pair.
"""

from collections.abc import Callable, Iterable

from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import PairValidation, Warned
from tandem_operator.engines.vllm import pair_view
from tandem_operator.engines.vllm.pair_view import Pair
from tandem_operator.engines.vllm.rules import speculation as speculation_rules
from tandem_operator.engines.vllm.rules.model_files import depth as depth_rules
from tandem_operator.engines.vllm.rules.model_files import head_config as head_config_rules
from tandem_operator.engines.vllm.rules.model_files import kind as kind_rules
from tandem_operator.engines.vllm.rules.model_files import length as length_rules
from tandem_operator.engines.vllm.rules.model_files import parallel as parallel_rules
from tandem_operator.engines.vllm.rules.model_files import sampling as sampling_rules
from tandem_operator.engines.vllm.rules.model_files import vocabulary as vocabulary_rules
from tandem_operator.engines.vllm.rules.model_files import weight as weight_rules
from tandem_runtime.contract.report import PairReport

Rule = Callable[[Pair], Iterable[FieldError | Warned]]
RULES: dict[str, Rule] = {
    "vLLM has a loader for their format": weight_rules.loadable,
    "vLLM knows their quantisation, and the draft's is its own": weight_rules.quantization,
    "target and draft are of the method's kinds": kind_rules.kinds,
    "vLLM has a class for the head": kind_rules.head_class,
    "a head's config.json names what vLLM reads of it": head_config_rules.keys,
    "the target gives a head the states that it reads": head_config_rules.inner_states_of_target,
    "candidates of a head are for the second runner": head_config_rules.candidates,
    "without a draft DSpark stands in the target": head_config_rules.stages_in_target,
    "MTP has layers that vLLM loads": kind_rules.mtp,
    "a draft model stays a draft model": kind_rules.turned_into_mtp,
    "a draft model can take back what was refused": kind_rules.hybrid_draft,
    "rows of the vocabularies are equal, or mapped": vocabulary_rules.rows,
    "only draft models are mapped, and greedily": vocabulary_rules.mapping,
    "K fits the layers or heads that draft": depth_rules.depth,
    "tensor parallel sizes divide what is dealt out": parallel_rules.dealt_out,
    "experts are there to be dealt out": parallel_rules.experts,
    "K can change live": parallel_rules.lockstep,
    "lengths fit the models": length_rules.lengths,
    "prompts fit the steps": length_rules.steps,
    "vLLM has their rotary embedding": length_rules.rotary,
    "they run in the dtype that is asked for": weight_rules.dtype,
    "the draft sees as far as the target serves": length_rules.draft_context,
    "requests without parameters are answered": sampling_rules.defaults,
    "the image has what the method needs": speculation_rules.needs_of_image,
    # Last, since on a laptop it is told of most folders.
    "the weights are there": weight_rules.present,
}


def validate(spec: Spec, report: PairReport) -> PairValidation:
    """What all rules find. Pure."""
    pair = pair_view.of(spec, report)
    errors = [each for rule in RULES.values() for each in rule(pair)]
    return PairValidation(
        tuple(each for each in errors if isinstance(each, FieldError)),
        tuple(each for each in errors if isinstance(each, Warned)),
    )
