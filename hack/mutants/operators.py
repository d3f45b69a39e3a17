"""The kinds of defects that are planted: cosmic-ray's, and one of our own.

Left out, because what they make is no defect or dies at once, which would flatter the figure:

- annotations (`int | None` becomes `int & None`): nothing reads them at run time. So no
  operator on `|` is used, nor on the other bits, which the pure rooms do not calculate with;
- an arithmetic or comparison sign for any other than its neighbour (`+` for `**`, `<` for `==`):
  each is a louder form of the one that is kept;
- decorators removed: `@dataclass` and `@property` fail at import, `@cache` changes time alone;
- `frozen=True` of a data class: mypy refuses what it would allow;
- exceptions caught: cosmic-ray 8.7 cannot replace a name with a dot;
- strings, log words and docstrings: cosmic-ray does not touch them; nor what stands inside of an
  f-string, such as how much of a wrong value is shown. Messages have tests by reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cosmic_ray.operators.provider import OperatorProvider

UNTOUCHED = "@dataclass("
"""Beginning of the lines that are left alone."""

Span = tuple[tuple[int, int], tuple[int, int]]

KEPT = (
    *(
        f"ReplaceBinaryOperator_{one}_{other}"
        for pair in (("Add", "Sub"), ("Mul", "Div"), ("FloorDiv", "Mul"))
        for one, other in (pair, pair[::-1])
        if other != "FloorDiv"
    ),
    *(
        f"ReplaceComparisonOperator_{one}_{other}"
        for pair in (("Lt", "LtE"), ("Gt", "GtE"), ("Eq", "NotEq"), ("Is", "IsNot"))
        for one, other in (pair, pair[::-1])
    ),
    "ReplaceUnaryOperator_USub_UAdd",
    "ReplaceUnaryOperator_Delete_Not",
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "NumberReplacer",
    "ZeroIterationForLoop",
)


class SwapBuiltin:
    """`any` for `all`, `min` for `max`, and back, where they are called."""

    OTHER = {"any": "all", "all": "any", "min": "max", "max": "min"}  # noqa: RUF012

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        """Where `node`, of parso's tree, is such a name."""
        if node.type == "name" and node.value in self.OTHER and _is_called(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The node with the other name."""
        node.value = self.OTHER[node.value]
        return node


def _is_called(name: Any) -> bool:
    after = name.get_next_sibling()
    return after is not None and after.type == "trailer" and after.children[0].value == "("


def operators() -> dict[str, Any]:
    """Operators by name. Raises KeyError for a name that this cosmic-ray does not have."""
    provider = OperatorProvider()
    return {**{name: provider[name]() for name in KEPT}, "SwapBuiltin": SwapBuiltin()}
