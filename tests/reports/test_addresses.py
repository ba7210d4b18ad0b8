"""The address of a figure: the same from every page, safe on every file system, and of one row alone."""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.errors import UsageError
from warehouse.reports.addresses import file_name, href

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*\.html")


def test_a_figure_has_a_folder_of_its_table_a_page_of_its_row_and_an_anchor_of_its_column() -> None:
    key = {"ticker": "MSFT", "period_end": date(2025, 6, 30)}
    folder, table, rest = href("marts.capex_quarterly", key, "capex_usd").split("/")
    page, anchor = rest.split("#")
    assert (folder, table, anchor) == ("figures", "capex_quarterly", "capex_usd")
    assert page.startswith("MSFT-2025-06-30-")


def test_who_gives_the_key_makes_no_difference() -> None:
    said = {
        href("capex_quarterly", {"ticker": "MSFT", "period_end": given}, "capex_usd")
        for given in (date(2025, 6, 30), "2025-06-30", datetime(2025, 6, 30))  # noqa: DTZ001 (a date has no zone)
    }
    said.add(href("capex_quarterly", {"period_end": "2025-06-30", "capex_usd": 1.0, "ticker": "MSFT"}, "capex_usd"))
    assert len(said) == 1


def test_a_page_in_a_folder_gives_the_way_to_the_root() -> None:
    key = {"run_id": "deepseek-v3"}
    assert href("training_cost", key, "cost_mid_usd", base="../") == "../" + href("training_cost", key, "cost_mid_usd")


def test_a_fact_is_named_by_its_id_and_lives_beside_the_marts_of_the_same_name() -> None:
    assert href("core.evidence", {"fact_id": "abc"}, "value").startswith("figures/core.evidence/abc-")


@pytest.mark.parametrize(
    "bad", ["", "..", "../../etc/passwd", "CON", "a/b\\c", "<script>", "' OR 1=1", "مرحبا", "\x00", "x" * 4000]
)
def test_a_key_of_any_text_gives_a_file_name_that_every_system_takes(bad: str) -> None:
    name = file_name("training_cost", {"run_id": bad})
    assert SAFE.fullmatch(name)
    assert len(name) < 100


@given(st.lists(st.text(max_size=90), min_size=2, max_size=2, unique=True))
def test_two_keys_never_share_a_file_not_even_where_case_is_ignored(texts: list[str]) -> None:
    one, other = (file_name("training_cost", {"run_id": text}).lower() for text in texts)
    assert one != other


def test_a_missing_value_is_not_a_text() -> None:
    names = {file_name("training_cost", {"run_id": value}) for value in (None, "", "None", "null")}
    assert len(names) == 4


def test_a_wrong_table_column_or_key_is_named() -> None:
    with pytest.raises(UsageError, match="capex_quaterly"):
        href("capex_quaterly", {}, "capex_usd")
    with pytest.raises(ValueError, match="capex_eur"):
        href("capex_quarterly", {"ticker": "MSFT", "period_end": "2025-06-30"}, "capex_eur")
    with pytest.raises(ValueError, match="period_end"):
        href("capex_quarterly", {"ticker": "MSFT"}, "capex_usd")
