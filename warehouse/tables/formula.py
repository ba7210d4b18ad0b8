"""How the value of a column comes about, in words and in symbols, declared where the column is.

Whoever doubts a figure asks first how it was computed. The answer must not live in a document of its own, which nobody
changes along with the code. So the formula stands at the column. The data dictionary, `overbuild trace` and the page of
each figure read it from there. A test computes each that is plain arithmetic again from the rows of a warehouse.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_NAME = re.compile(r"\{(\w+)\}")
_TYPED = {"×": "*", "−": "-", "^": "**"}
_OPERATORS: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "^"}

_OPERATIONS: dict[str, Callable[[float, float], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}

Tree = float | str | list[Any]


@dataclass(frozen=True)
class Formula:
    """One formula: in words, in symbols, and the section of the method that has it.

    In `symbols`, a name in braces is a column of the same row: `{claimed_cost_usd} / {gpu_hours}`; the column itself
    stands to the left of the sign of equality, which is not written. `assumptions` are the entries of the assumptions
    file that it takes. Where the rows of one column are of several quantities, `of` names the column that says which,
    and `each` has the formula of each quantity.
    """

    words: str
    symbols: str = ""
    method: str = ""
    assumptions: tuple[str, ...] = ()
    of: str = ""
    each: Mapping[str, Formula] = field(default_factory=dict)

    @property
    def operands(self) -> tuple[str, ...]:
        """The columns of the same row that it takes."""
        return tuple(dict.fromkeys(_NAME.findall(self.symbols)))

    def in_symbols(self, named: Callable[[str], str] = str) -> str:
        """The right side, with each column as `named` says it."""
        return _NAME.sub(lambda match: named(match[1]), self.symbols)

    @property
    def said(self) -> str:
        """Symbols, words and section of the method in one line."""
        words = f"{self.words} (method {self.method})" if self.method else self.words
        return f"= {self.in_symbols()}: {words}" if self.symbols else words

    @property
    def tree(self) -> Tree | None:
        """The right side as nested lists, `["/", "capex_usd", "revenue_usd"]`; None where it is not plain arithmetic."""
        if not self.operands:
            return None
        typed = _NAME.sub(lambda match: match[1], self.symbols)
        for sign, typed_as in _TYPED.items():
            typed = typed.replace(sign, typed_as)
        try:
            return _tree(ast.parse(typed, mode="eval").body, set(self.operands))
        except (SyntaxError, ValueError):
            return None

    def for_row(self, row: Mapping[str, Any]) -> tuple[Formula, ...]:
        """This formula, then that of the quantity that the row is of."""
        below = self.each.get(str(row.get(self.of))) if self.of else None
        return (self,) if below is None else (self, *below.for_row(row))


def _tree(node: ast.AST, names: set[str]) -> Tree:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return [_OPERATORS[type(node.op)], _tree(node.left, names), _tree(node.right, names)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return ["-", 0.0, _tree(node.operand, names)]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id in names:
        return node.id
    raise ValueError("not plain arithmetic")


def computed(tree: Tree, row: Mapping[str, Any]) -> float | None:
    """The value of a tree for a row; None where an operand is missing or the result is no number."""
    if isinstance(tree, str):
        return None if row[tree] is None else float(row[tree])
    if not isinstance(tree, list):
        return tree
    left, right = (computed(each, row) for each in tree[1:])
    if left is None or right is None:
        return None
    try:
        return _OPERATIONS[tree[0]](left, right)
    except (ZeroDivisionError, OverflowError):
        return None
