"""Weights: that they are there, in a format and a quantization that vLLM reads."""

from collections.abc import Iterator

from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.pair_validation import Warned
from tandem_operator.engines.pod.flags import REFERENCE
from tandem_operator.engines.vllm.facts import values
from tandem_operator.engines.vllm.pair_view import Pair, refuse, refuse_in
from tandem_runtime.contract.request import DRAFT, TARGET

QUANTIZATIONS = frozenset({
    "auto_awq", "auto_gptq", "awq", "awq_marlin", "compressed-tensors", "deepseek_v4_fp8",
    "experts_int8", "fbgemm_fp8", "fp8", "fp8_per_block", "fp8_per_channel", "fp8_per_tensor",
    "fp_quant", "gpt_oss_mxfp4", "gptq", "gptq_marlin", "humming", "inc",
    "int8_per_channel_weight_only", "modelopt", "modelopt_fp4", "modelopt_mixed", "modelopt_mxfp8",
    "moe_wna16", "mxfp4", "mxfp8", "nvfp4_per_token", "online", "quark", "torchao",
})  # fmt: skip
"""What vLLM 0.32 loads (`QuantizationMethods`)."""
_OTHER_NAMES = {"auto-round": "inc", "compressed_tensors": "compressed-tensors"}
DEPRECATED = frozenset({"fbgemm_fp8", "fp_quant"})
"""Refused unless `--allow-deprecated-quantization` is given."""
_FAMILIES = (
    {"awq", "auto_awq", "awq_marlin", "moe_wna16"},
    {"gptq", "auto_gptq", "gptq_marlin", "moe_wna16"},
    {"modelopt", "modelopt_fp4", "modelopt_mxfp8", "modelopt_mixed"},
    {"mxfp4", "gpt_oss_mxfp4"},
    {"fp8", "deepseek_v4_fp8"},
)
"""Methods that vLLM takes for one another when it reads a configuration."""
_STORED_ALONE = _FAMILIES[0] | _FAMILIES[1]
"""Methods for weights that are stored so; others quantize while they load."""
UNNAMED = "unnamed"
NONE, GGUF = "none", "gguf"
_NO_LOADER = "which vLLM has no loader for"
_IN_SAFETENSORS = "use a copy of the model in safetensors"


def present(pair: Pair) -> Iterator[FieldError | Warned]:
    """Configuration without weights: refused; on a laptop, where they may be left out, told."""
    for name, side in pair.sides.items():
        if side.facts.weights != NONE:
            continue
        message = f"the {name}'s files hold no weights"
        remedy = "put the weights beside config.json"
        if "://" in side.uri:
            yield refuse(f"spec.{name}.uri", side.uri, message, remedy)
        else:
            yield Warned(f"spec.{name}.uri", f"{message} here: {side.uri}", remedy)


def named(spec: Spec) -> Iterator[FieldError]:
    """A source that names a GGUF file needs no inspection."""
    for name, source in ((TARGET, spec.target), (DRAFT, spec.draft)):
        if source is not None and source.uri.lower().endswith(".gguf"):
            yield refuse(
                f"spec.{name}.uri",
                source.uri,
                f"the {name} is a GGUF file, {_NO_LOADER}",
                _IN_SAFETENSORS,
            )


def loadable(pair: Pair) -> Iterator[FieldError | Warned]:
    """GGUF: vLLM has no loader for it."""
    for name, side in pair.sides.items():
        if side.facts.weights == GGUF:
            yield refuse(
                f"spec.{name}.uri",
                side.uri,
                f"the {name}'s weights are GGUF, {_NO_LOADER}",
                _IN_SAFETENSORS,
            )


def quantization(pair: Pair) -> Iterator[FieldError | Warned]:
    """Methods that vLLM does not know, and options that contradict what config.json names."""
    allowed = "--allow-deprecated-quantization" in pair.spec.engine.args
    for name, side in pair.sides.items():
        stored = _plain(side.facts.quantization)
        field = f"spec.{name}.uri"
        if stored is None or side.facts.weights == GGUF:
            continue
        if stored == UNNAMED:
            yield Warned(
                field,
                f"the {name}'s quantization_config names no quant_method, so vLLM loads it as if "
                "it were not quantised",
                "use a copy whose config.json names the method",
            )
        elif stored not in QUANTIZATIONS:
            yield refuse_in(
                pair,
                field,
                side.uri,
                f"vLLM does not load the {name}'s quantisation {stored}",
                "use a copy in safetensors that is not quantised, or in FP8, AWQ, GPTQ or "
                "compressed-tensors",
            )
        elif stored in DEPRECATED and not allowed:
            yield refuse(
                field,
                side.uri,
                f"vLLM refuses the {name}'s deprecated quantisation {stored}",
                "add --allow-deprecated-quantization to engine.args, or use another copy",
            )
    yield from _asked(pair, TARGET, pair.argument("quantization"), "spec.engine.args")
    asked = pair.config.get("quantization")
    if isinstance(asked, str):
        meant = TARGET if pair.draft is None else DRAFT
        yield from _asked(pair, meant, asked, "spec.speculation.engineConfig.quantization")


def dtype(pair: Pair) -> Iterator[FieldError | Warned]:
    """Models that are not run in float16, which is asked for."""
    asked = pair.argument("dtype")
    for name, side in pair.sides.items():
        kinds = {side.facts.model_type, side.facts.text_type} & values.WITHOUT_FLOAT16
        if asked in ("half", "float16") and kinds:
            yield refuse(
                "spec.engine.args",
                f"--dtype={asked}",
                f"vLLM does not run the {name}'s type {min(map(str, kinds))} in float16",
                "use bfloat16, or leave it out",
            )


def _asked(pair: Pair, name: str, asked: str | None, field: str) -> Iterator[FieldError | Warned]:
    """Whether the quantization that an option asks for is the one in which a side is stored."""
    if asked in (None, "", "None") or REFERENCE in str(asked):
        return
    stored = _plain(pair.sides[name].facts.quantization)
    if asked not in QUANTIZATIONS and asked not in _OTHER_NAMES:
        yield refuse_in(
            pair,
            field,
            asked,
            "vLLM knows no such quantisation",
            "leave it out: vLLM reads the quantisation from the model's own config.json",
        )
        return
    if stored is None and asked in _STORED_ALONE:
        message = f"the {name} is not stored as {asked}"
    elif stored not in (None, UNNAMED) and not _alike(asked, str(stored)):
        message = f"the {name} is stored as {stored}"
    else:
        return
    yield refuse(
        field,
        asked,
        message,
        "leave it out: vLLM reads the quantisation from the model's own config.json",
    )


def _plain(named: str | None) -> str | None:
    return None if named is None else _OTHER_NAMES.get(named, named)


def _alike(one: str, other: str) -> bool:
    return one == other or any({one, other} <= family for family in _FAMILIES)
