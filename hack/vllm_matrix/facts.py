"""What vLLM's configuration decides about speculation, read from its sources."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from hack.vllm_matrix import drafters, syntax
from hack.vllm_matrix.drafters import Drafts

BACKENDS = "v1/attention/backends/"


@dataclass(frozen=True)
class Facts:
    """One version. Sets are of vLLM's own method words.

    `deepest_only` names the builders of attention metadata that refuse a graph of another length
    than the deepest K's; `batches` are the defaults of the most requests in a step.
    """

    methods: frozenset[str]
    mtp_types: frozenset[str]
    not_in_v2: frozenset[str]
    not_in_v1: frozenset[str]
    parallel_in_v2: frozenset[str]
    v2_by_default: bool
    asynchronous: frozenset[str]
    v2_is_always_asynchronous: bool
    pipeline_is_synchronous_in_v1: bool
    drafters: dict[tuple[str, str], Drafts]
    deepest_only: frozenset[str]
    data_parallel_drops_schedule: bool
    schedule_costs_v1_its_full_graphs: bool
    every_depth_has_graphs_in_v2: bool
    batches: frozenset[int]
    captured_tokens: frozenset[int]


def read(root: Path) -> Facts:
    """The facts of the sources in `root`, vLLM's own folder. Raises syntax.MissingError."""
    speculative = syntax.module(root / "config/speculative.py")
    config = syntax.module(root / "config/vllm.py")
    mtp = syntax.strings(syntax.named(speculative, "MTPModelTypes"))
    unsupported = syntax.named(config, "_get_v2_model_runner_unsupported_features")
    of_v2_alone = syntax.named(config, "_get_v1_model_runner_unsupported_features")
    dropping = syntax.text(syntax.named(config, "_maybe_disable_dynamic_sd_for_data_parallel"))
    piecewise = syntax.text(syntax.named(config, "_maybe_override_dynamic_sd_cudagraph_mode"))
    rule = _synchronous_rule(config)
    return Facts(
        methods=_members(speculative, "SpeculativeMethod"),
        mtp_types=mtp,
        not_in_v2=_compared(unsupported, "in", "speculative_config.method"),
        not_in_v1=_compared(of_v2_alone, "==", "self.speculative_config.method"),
        parallel_in_v2=_compared(unsupported, "not in", "speculative_config.method"),
        v2_by_default=_v2_by_default(config),
        asynchronous=_asynchronous(speculative, rule),
        v2_is_always_asynchronous=_of_v1_alone(config, rule),
        pipeline_is_synchronous_in_v1=_pipeline_is_synchronous_in_v1(config, rule),
        drafters=drafters.read(root),
        deepest_only=_deepest_only(root),
        data_parallel_drops_schedule="num_speculative_tokens_per_batch_size = None" in dropping,
        schedule_costs_v1_its_full_graphs="or self.use_v2_model_runner" in piecewise
        and "CUDAGraphMode.PIECEWISE" in piecewise,
        every_depth_has_graphs_in_v2=_graphs_by_depth(root),
        batches=_batches(root),
        captured_tokens=_largest_graphs(syntax.named(config, "_set_cudagraph_sizes")),
    )


def _members(tree: ast.Module, name: str) -> frozenset[str]:
    """The strings of a Literal, with those of the Literals that it is made of."""
    definition = syntax.named(tree, name)
    own = set(syntax.strings(definition))
    for node in ast.walk(definition):
        if isinstance(node, ast.Name) and node.id.endswith("Types"):
            own |= _members(tree, node.id)
    return frozenset(own)


def _compared(tree: ast.AST, operator: str, subject: str) -> frozenset[str]:
    """What `subject in (...)`, `subject not in (...)` or `subject == ...` names."""
    kind = {"in": ast.In, "not in": ast.NotIn, "==": ast.Eq}[operator]
    return frozenset(
        word
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], kind)
        and syntax.text(node.left) == subject
        for word in syntax.strings(node.comparators[0])
    )


def _v2_by_default(config: ast.Module) -> bool:
    """Whether only what V2 cannot do leads to V1."""
    chosen = syntax.named(config, "use_v2_model_runner")
    assert isinstance(chosen, ast.FunctionDef)
    last = chosen.body[-1]
    return "_get_v2_model_runner_unsupported_features" in syntax.text(chosen) and (
        syntax.text(last) == "return True"
    )


def _asynchronous(speculative: ast.Module, rule: ast.BoolOp) -> frozenset[str]:
    """The methods that do not switch asynchronous scheduling off where nobody chose it."""
    types = re.findall(r"get_args\((\w+)\)", syntax.text(rule))
    named = frozenset(re.findall(r"\.method != '(\w+)'", syntax.text(rule)))
    listed = _compared(rule, "not in", "spec_config.method")
    return (named | listed).union(*(_members(speculative, each) for each in types))


def _synchronous_rule(config: ast.Module) -> ast.BoolOp:
    """The condition under which a method switches asynchronous scheduling off."""
    for node in ast.walk(config):
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            body = syntax.text(node)
            if re.match(r"(self\.speculative|spec)_config is not None and", body) and (
                "method not in get_args(EagleModelTypes)" in body
            ):
                return node
    raise syntax.MissingError("the rule that switches asynchronous scheduling off is gone")


def _of_v1_alone(config: ast.Module, rule: ast.AST) -> bool:
    """Whether the rule stands where V2 never comes."""
    return any(
        isinstance(node, ast.If)
        and syntax.text(node.test) == "not self.use_v2_model_runner"
        and any(each is rule for each in ast.walk(node))
        for node in ast.walk(config)
    )


def _pipeline_is_synchronous_in_v1(config: ast.Module, rule: ast.AST) -> bool:
    if _of_v1_alone(config, rule):
        return "'pipeline parallelism'" in syntax.text(config)
    both = "self.parallel_config.pipeline_parallel_size > 1 and (not self.use_v2_model_runner)"
    return both in syntax.text(config)


def _deepest_only(root: Path) -> frozenset[str]:
    """Builders whose capture asserts the deepest length, those derived from them included."""
    asserts = "assert m.max_query_len == 1 + self.num_spec_tokens"
    names = set()
    for path in sorted((root / BACKENDS).glob("*.py")):
        for node in syntax.module(path).body:
            if not isinstance(node, ast.ClassDef) or not node.name.endswith("Builder"):
                continue
            classes = list(syntax.lineage(root, BACKENDS + path.name, node.name))
            if any(asserts in syntax.text(each) for each in classes):
                names.add(node.name)
    return frozenset(names)


def _graphs_by_depth(root: Path) -> bool:
    manager = syntax.module(root / "v1/worker/gpu/cudagraph_utils.py")
    body = syntax.text(syntax.named(manager, "_init_candidates"))
    return "for num_spec in dense_schedule" in body and "uniform_token_count=" in body


def _batches(root: Path) -> frozenset[int]:
    """Defaults of an API server, the CPU's for one process among them."""
    defaults = syntax.named(syntax.module(root / "engine/arg_utils.py"), "get_batch_defaults")
    return frozenset(
        int(number)
        for node in ast.walk(defaults)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and "default_max_num_seqs =" in syntax.text(node)
        for number in re.findall(r"OPENAI_API_SERVER: (\d+)", syntax.text(node))
    )


def _largest_graphs(tree: ast.AST) -> frozenset[int]:
    """The largest graphs by default, in tokens."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and "default_max_graph_size" in syntax.text(
            node.targets[0]
        ):
            value = node.value
            if isinstance(value, ast.IfExp):
                return frozenset({_number(value.body), _number(value.orelse)})
            return frozenset({_number(value)})
    raise syntax.MissingError("the default of the largest graph is gone")


def _number(tree: ast.AST) -> int:
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int):
        return tree.value
    raise syntax.MissingError(f"the default of the largest graph is {syntax.text(tree)}")
