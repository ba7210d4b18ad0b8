"""The report: one page that opens from disk, without a server or a network, and says what the marts say.

Each section is a query on the marts, so a figure on the page is a mart row and a column.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import jinja2

from warehouse import overrides
from warehouse.answers import failed_sources
from warehouse.output import readable
from warehouse.runner import QUESTIONS

TEMPLATE = Path(__file__).with_name("site.html.j2")
WORDS = (
    "looks_wasteful", "not_shown_wasteful", "cannot_tell", "claim_holds", "claim_holds_for_its_scope", "claim_fails",
    "market_said_waste", "market_did_not_say_waste", "confirmed", "approximately_right", "right_but_misleading", "wrong",
    "cannot_check",
)  # fmt: skip

SECTIONS: tuple[tuple[str, str, str, str], ...] = (
    (
        "companies",
        "Each company, each question",
        "By the decision rule of the method; cannot tell is an answer.",
        "SELECT scope, question, verdict, evidence_grade AS grade, statement FROM marts.verdict WHERE scope <> 'ALL' "
        "ORDER BY scope, question",
    ),
    (
        "conditions",
        "The figures and thresholds behind the group's verdicts",
        "A condition without a value is unknown and never counts as evidence.",
        "SELECT question, condition, value, comparison, threshold, holds, statement FROM marts.verdict_conditions "
        "WHERE scope = 'ALL' ORDER BY question, condition",
    ),
    (
        "figures",
        "What the four buyers spent",
        "Capital expenditure by calendar quarter, in dollars, from filings.",
        "SELECT calendar_quarter, companies, capex_usd, capex_ttm_usd, coverage_share, grade FROM marts.capex_group "
        "ORDER BY calendar_quarter DESC LIMIT 12",
    ),
    (
        "training",
        "What DeepSeek's runs cost, recomputed",
        "GPU-hours times the rental offers around the run's date, from the lowest to the highest.",
        "SELECT run_id, model, cost_scope, claimed_cost_usd, gpu_hours, price_low_usd_per_gpu_hour AS price_low, "
        "price_high_usd_per_gpu_hour AS price_high, cost_low_usd, cost_mid_usd, cost_high_usd, grade, reason "
        "FROM marts.training_cost WHERE model LIKE '%DeepSeek%' ORDER BY run_id",
    ),
    (
        "market",
        "What the market did on 27 January 2025",
        "Abnormal returns of the largest suppliers and buyers against SPY, market model, the day itself.",
        "SELECT ticker, role, actual_return, abnormal_return, t_stat, p_value, market_value_change_usd "
        "FROM marts.event_study WHERE event_date = DATE '2025-01-27' AND benchmark = 'SPY' AND model = 'market_model' "
        "AND return_kind = 'simple' AND window_start = 0 AND window_end = 0 AND abnormal_return IS NOT NULL "
        "ORDER BY abnormal_return LIMIT 25",
    ),
    (
        "simulation",
        "The simulation",
        "Quantiles over the draws; every distribution is an entry of the assumptions file.",
        "SELECT scope, revenue_view, quantity, p05, p25, p50, p75, p95, draws, grade, reason "
        "FROM marts.waste_simulation ORDER BY CASE scope WHEN 'ALL' THEN 0 ELSE 1 END, scope, quantity, revenue_view",
    ),
    (
        "timeline",
        "When the answer changed",
        "The verdict as it would have been given on each event and month's end, from what was public by then; days on which "
        "it changed.",
        "SELECT as_of, question, verdict, evidence_grade AS grade, reason FROM marts.verdict_timeline WHERE scope = 'ALL' "
        "QUALIFY verdict IS DISTINCT FROM lag(verdict) OVER (PARTITION BY question ORDER BY as_of) ORDER BY as_of, question",
    ),
    (
        "persistence",
        "What came back of the fall",
        "Cumulative abnormal return after 27 January 2025 against SPY, market model, and the share of the first day's loss "
        "that had come back.",
        "SELECT ticker, day, date, cumulative_return, p_value, share_recovered, recovered_on, reason FROM marts.event_persistence "
        "WHERE event_date = DATE '2025-01-27' AND basis = 'market_model' AND day IN (0, 1, 10, 60, 120) "
        "AND ticker IN ('NVDA', 'portfolio:supplier', 'portfolio:power', 'portfolio:buyer') ORDER BY ticker, day",
    ),
    (
        "guidance",
        "What the buyers then said they would spend",
        "Guidance for the fiscal year that was running, known at the event and two quarters later.",
        "SELECT ticker, fiscal_year, issued_before_on, guidance_before_usd, issued_after_on, guidance_after_usd, change_usd, "
        "reason FROM marts.capex_guidance_change WHERE event_date = DATE '2025-01-27' ORDER BY ticker",
    ),
    (
        "rents",
        "The rent of an H100 at constant quality",
        "Specialists' on-demand offers, matched by provider and chained, so that a change in who lists does not move it.",
        "SELECT month, n_providers, n_matched_providers, matched_index, usd_per_gpu_hour, grade, reason "
        "FROM marts.gpu_price_chain WHERE gpu_model = 'H100 SXM' AND provider_class = 'specialist' "
        "AND pricing_kind = 'on_demand' ORDER BY month",
    ),
    (
        "rung",
        "What other final runs cost, on the same rung",
        "Rental of the final run, claimed or recomputed; a ratio across rungs is refused.",
        "SELECT model, basis, developer, published, gpu_hours, cost_low_usd, cost_mid_usd, cost_high_usd, ratio, grade "
        "FROM marts.training_comparison WHERE rung = 'final_run_rental' AND ratio IS NOT NULL AND published >= DATE '2023-01-01' "
        "ORDER BY published DESC, model, basis LIMIT 30",
    ),
    (
        "claims",
        "Every claim of the article",
        "Computed where a figure decides; otherwise what was found, with its source, or that it cannot be checked. Where "
        "the finding was another one on the day the claim was made, that stands beside it.",
        "SELECT claim_id, statement, speaker, value_claimed, value_found, unit, finding, CASE WHEN changed_since THEN "
        'finding_then END AS "on its own day", reason FROM marts.claim_check '
        "ORDER BY claim_id",
    ),
)


def read(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Everything the page shows, from a warehouse's marts."""
    run_id, as_of, outcome = (
        connection.execute(
            "SELECT run_id, as_of, outcome FROM provenance.runs ORDER BY started_at DESC LIMIT 1"
        ).fetchone()
        or (None,) * 3
    )
    group = connection.execute("SELECT question, verdict, statement FROM marts.verdict WHERE scope = 'ALL'").fetchall()
    order = ["overall", *(question for question in QUESTIONS if question != "overall")]
    sections = []
    for anchor, title, about, query in SECTIONS:
        result = connection.execute(query)
        columns = [name for name, *_ in result.description]
        sections.append({"id": anchor, "title": title, "about": about, "columns": columns, "rows": result.fetchall()})
    return {
        "run_id": run_id,
        "as_of": as_of,
        "outcome": outcome,
        "failed_sources": failed_sources(connection),
        "overridden": overrides.overridden(connection),
        "group": sorted(
            ({"question": q, "verdict": v, "statement": s} for q, v, s in group),
            key=lambda v: order.index(v["question"]),
        ),
        "questions": QUESTIONS,
        "sections": sections,
        "verdicts": WORDS,
    }


def write(folder: Path, content: dict[str, Any]) -> None:
    """Write the page into `folder`."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(**content, readable=readable)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(page, encoding="utf-8")
