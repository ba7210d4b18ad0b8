"""Formulas that are declared at columns say what the code computes, and name only what there is."""

from __future__ import annotations

import re

import pytest

from warehouse.assumptions import load
from warehouse.database import releases
from warehouse.marts import all_marts
from warehouse.paths import WAREHOUSE
from warehouse.tables.formula import Formula, computed

METHOD = re.compile(r"[1-9](\.[1-6])?")
DECLARED = [
    (mart.table, column, column.formula)
    for mart in all_marts().values()
    for column in mart.table.columns
    if column.formula is not None
]


def every(formula: Formula):
    yield formula
    for each in formula.each.values():
        yield from every(each)


def test_a_formula_names_columns_of_its_row_and_entries_of_the_assumptions_file() -> None:
    assumptions = load()
    for table, column, declared in DECLARED:
        for formula in every(declared):
            where = f"{table.full_name}.{column.name}"
            assert set(formula.operands) <= set(table.names) - {column.name}, where
            assert set(formula.assumptions) <= set(assumptions), where
            assert METHOD.fullmatch(formula.method), where
            assert formula.words, where
            assert not formula.of or formula.of in table.names, where


def test_plain_arithmetic_is_read_with_its_signs_and_precedence() -> None:
    formula = Formula("", "{a} − {b} × 2 ^ -{c} / 4")
    # 10 - 3 x 2^-1 / 4 = 9.625
    assert formula.tree is not None
    assert computed(formula.tree, {"a": 10, "b": 3, "c": 1}) == 9.625
    assert computed(formula.tree, {"a": 10, "b": None, "c": 1}) is None


@pytest.mark.parametrize("symbols", ["Σ {a}", "max(a, b)", "{a} over {b}", "", "__import__('os')", "{a}.real"])
def test_what_is_no_plain_arithmetic_has_no_tree(symbols: str) -> None:
    assert Formula("", symbols).tree is None


def test_with_numbers_each_operand_stands_in_its_place() -> None:
    formula = Formula("", "{capex_usd} / {revenue_usd}")
    assert formula.in_symbols({"capex_usd": "3", "revenue_usd": "4"}.__getitem__) == "3 / 4"


def test_a_column_of_several_quantities_has_the_formula_of_the_rows_own() -> None:
    formula = Formula("median", of="quantity", each={"coverage": Formula("R over required")})
    assert [f.words for f in formula.for_row({"quantity": "coverage"})] == ["median", "R over required"]
    assert [f.words for f in formula.for_row({"quantity": "another"})] == ["median"]


def test_every_formula_of_plain_arithmetic_gives_what_the_warehouse_holds(published_paths) -> None:
    tried = 0
    with releases.reading(published_paths.current / WAREHOUSE) as connection:
        for table, column, formula in DECLARED:
            if formula.tree is None:
                continue
            names = [*formula.operands, column.name]
            found = connection.execute(
                f"select {', '.join(names)} from {table.full_name} where {column.name} is not null"
            ).fetchall()
            for cells in found:
                row = dict(zip(names, cells, strict=True))
                again = computed(formula.tree, row)
                if again is not None:
                    tried += 1
                    assert again == pytest.approx(row[column.name], rel=1e-9, abs=1e-12), f"{table.full_name} {row}"
    assert tried > 5000
