"""Every ready question has an answer that fits a terminal of 100 columns, and what is known from outside stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from warehouse.database.releases import reading
from warehouse.paths import WAREHOUSE
from warehouse.reports.dictionary.questions import question, questions

WIDEST = 100
BETWEEN_COLUMNS = 2
KNOWN: list[tuple[str, Mapping[str, str], str, tuple]] = [
    # Filings: purchases of property and equipment, revenue.
    ("capex_by_quarter", {"company": "AMZN"}, "calendar_quarter = '2026Q2'", ("2026Q2", "AMZN", 54.2, 1.19, "A")),
    ("capex_by_year", {"company": "GOOGL"}, "year = 2025", (2025, "GOOGL", 91.4, 91.4, 4, True, "A")),
    ("capex_to_revenue", {"company": "MSFT"}, "fiscal_year = 2025", (2025, "MSFT", 64.6, 281.7, 0.229, "A")),
    ("capex_grades", {"company": "AMZN"}, "calendar_quarter = '2026Q1'",
     ("2026Q1", "AMZN", 44.2, "A", "C", date(2026, 4, 30))),
    ("restatements", {"company": "META"}, "ends = '2023-12-31'",
     ("META", "purchases_of_property_and_equipment", date(2023, 1, 1), date(2023, 12, 31), 27266 - 27045.0, date(2026, 1, 29))),
    # What the companies said: Meta 125 to 145, then 130 to 145 billion dollars for 2026.
    ("guidance_revisions", {}, "ticker = 'META' and issued_on = '2026-07-29'",
     ("META", date(2026, 7, 29), 130.0, 145.0, 137.5 - 135.0, "cash_and_lease_principal", "A")),
    ("guidance_after", {}, "ticker = 'META'", ("META", 2025, "earlier_guidance", 62.5, date(2025, 4, 30), 68.0, 5.5)),
    # Closes of the exchange: 142.62 and 118.42 dollars, 24.49 billion shares.
    ("closes", {}, "date = '2025-01-27'", (date(2025, 1, 27), "NVDA", 118.42, -17.0, 818830900, "A")),
    ("closes", {"ticker": "MSFT", "since": "2025-01-27", "through": "2025-01-27"}, "true",
     (date(2025, 1, 27), "MSFT", 434.56, -2.1, 35647800, "A")),
    ("nvidia_loss", {}, "true", (date(2025, 1, 27), "NVDA", -16.97, -13.37, -5.1, -592.7, "A")),
    ("why_not_600_billion", {}, "figure = 'article'", ("article", -600.0, 118.42, 24.49, date(2024, 11, 15), -7.3, "A")),
    ("who_came_back", {}, "ticker = 'NVDA'", ("NVDA", "NVIDIA", -17.0, True, date(2025, 6, 9), 92, 63.0)),
    ("fell_most", {}, "ticker = 'ALAB'", (5, "ALAB", "Astera Labs", "supplier", "return_only", -28.0, None, None)),
    # 37 billion dollars a year of AI revenue, as Microsoft says.
    ("coverage", {"scope": "MSFT"}, "true", ("MSFT", "infrastructure", 0.33, 0.46, 0.65, 37.0, 80.1, "A")),
    # Hours of the paper at the middle rent: 2.788 million at 2.99 dollars; 57 million at 2.22.
    ("cost_per_operation", {"model": "DeepSeek-V3"}, "ratio_to_v3 = 1",
     ("DeepSeek-V3", date(2024, 12, 26), 8.34, "3.3e+24", 2.53, 1.0, "B")),
    ("cost_per_operation", {"model": "GPT-4"}, "model = 'GPT-4'",
     ("GPT-4", date(2023, 3, 14), 126.54, "2.1e+25", 6.03, 15.18, "B")),
    ("six_million", {}, "model = 'DeepSeek-V3'", ("DeepSeek-V3", "final_run_rental", 5.58, 6.11, 8.34, 17.16)),
    ("same_rung", {}, "model = 'Llama 3.1 405B' and basis = 'recomputed'",
     ("Llama 3.1 405B", "recomputed", date(2024, 7, 23), 92.2, 123.1, 183.5, 14.76)),
    # July 2024: Lambda 3.49, RunPod 3.99, Paperspace 5.95 dollars an hour.
    ("gpu_rental_prices", {}, "month = '2024-07-01'", (date(2024, 7, 1), 3, 3, 3.74, 3.99, 4.97, "B")),
    ("gpu_price_by_class", {}, "quarter = '2024Q3' and gpu_model = 'H100 SXM' and provider_class = 'specialist'",
     ("2024Q3", "H100 SXM", "specialist", 3.99, 1, 3, "B")),
    ("wrong_claims", {}, "claim_id = 'SC25'", ("SC25", "wrong", "GPU 800", None, "DeepSeek used the GPU 800")),
    ("findings_of_claims", {}, "finding = 'wrong'", ("wrong", 6, 5, ["SC07", "SC15", "SC23", "SC24", "SC25", "SC35"])),
    # Demand that grows as fast as the price falls (elasticity 1) makes nothing redundant.
    ("redundant_share", {}, "reading = 'mixture' and elasticity = 1", ("mixture", 1.0, 0.0, 0.0, 0.0, "C")),
    ("verdicts", {}, "question = 'Q1'",
     ("Q1", "claim_holds_for_its_scope", None, None, "B", date(2025, 9, 17))),
]  # fmt: skip

PARTS: list[tuple[str, Mapping[str, str], str, Mapping[str, object]]] = [
    # 44.203 of 181.52 billion dollars of revenue.
    ("capex_with_leases", {"company": "AMZN"}, "quarter = '2026Q1'", {"to_revenue": round(44.203 / 181.52, 3)}),
    # Bars end on 22 July 2026; the answer is as of 9 November.
    ("old_sources", {}, "source = 'reference_prices'", {"newest_fact_on": date(2026, 7, 22), "age_days": 110}),
    # Sequoia's 200 and 600, Bain's 2,000 billion dollars, as published.
    ("published_estimates", {}, "published_on = '2023-09-20' and basis = 'as_known'", {"published_usd_bn": 200.0}),
    ("published_estimates", {}, "published_on = '2024-06-20' and basis = 'as_known'", {"published_usd_bn": 600.0}),
    # Thresholds and lines of the method.
    ("signs_of_a_glut", {}, "signal = 'rental_prices'", {"is": ">", "threshold": 0.4}),
    ("conditions", {}, "kind = 'facts_cover_group_capex'", {"is": ">=", "threshold": 0.8, "holds": True}),
    # A common event day: only a test that carries the correlation between firms is valid.
    ("tests_that_cry_wolf", {}, "test = 'patell' and to_day = 0", {"is_valid": False}),
    ("tests_that_cry_wolf", {}, "test = 'kolari_pynnonen' and to_day = 0", {"is_valid": True}),
    # The range of the assumption.
    ("what_drives_it", {}, "driver = 'life' and revenue_view = 'infrastructure'", {"low": "3", "high": "6"}),
    # The first verdict is that of the day on which the model came out.
    ("when_the_answer_changed", {}, "question = 'Q1' and before is null", {"as_of": date(2024, 12, 26)}),
    # Nvidia's return of the day less what the market explains.
    ("how_long_it_lasted", {}, "ticker = 'NVDA' and to_day = 0", {"abnormal_percent": -13.4, "sees_loss": True}),
    # Half of the models of 2025 say what they took.
    ("share_that_trains", {}, "year = 2025", {"known": 218, "disclosed": 110, "disclosure_rate": 0.5}),
    ("method_changes", {}, "change = 'lease_assets'", {"version": 2, "changed_on": date(2026, 11, 29)}),
    ("which_way_it_leans", {}, "scope = 'ALL' and question = 'Q2'", {"verdict": "cannot_tell"}),
    ("rents_at_constant_quality", {}, "month = '2024-03-01'", {"change_percent": 0.0, "compared": date(2024, 2, 1)}),
]


@pytest.fixture(scope="module")
def warehouse(published):
    home, _ = published
    with reading(Path(home) / WAREHOUSE) as connection:
        yield connection


def as_printed(cell: object) -> str:
    """A cell as wide as a terminal shows it: numbers with separators of thousands."""
    if cell is None:
        return "NULL"
    return f"{cell:,}" if isinstance(cell, int | float) and not isinstance(cell, bool) else str(cell)


@pytest.mark.parametrize("name", questions())
def test_every_question_has_an_answer_of_a_hundred_columns(name, warehouse):
    result = warehouse.execute(question(name).filled())
    names = [column for column, *_ in result.description]
    rows = result.fetchall()
    assert rows
    widths = [max(len(as_printed(cell)) for cell in column) for column in zip(names, *rows, strict=True)]
    assert sum(widths) + BETWEEN_COLUMNS * (len(widths) - 1) <= WIDEST


@pytest.mark.parametrize(
    ("name", "given", "where", "row"), KNOWN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_known_values_stand_in_the_answers(name, given, where, row, warehouse):
    assert warehouse.execute(f"select * from ({question(name).filled(given)}) where {where}").fetchall() == [row]


@pytest.mark.parametrize(
    ("name", "given", "where", "part"), PARTS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_known_parts_stand_in_the_answers(name, given, where, part, warehouse):
    columns = ", ".join(f'"{column}"' for column in part)
    rows = warehouse.execute(f"select {columns} from ({question(name).filled(given)}) where {where}").fetchall()
    assert rows == [tuple(part.values())]


def test_there_are_at_least_twenty_five():
    assert len(questions()) >= 25


@pytest.mark.parametrize("name", [each.name for each in questions().values() if each.parameters])
def test_every_allowed_value_gives_a_query_that_runs(name, warehouse):
    for parameter in question(name).parameters:
        for value in parameter.allowed:
            warehouse.execute(question(name).filled({parameter.name: value}))
