"""The report: one page that opens from disk, without a server or a network, and says what the marts say.

Each section is a query on the marts, so a figure on the page is a mart row and a column.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from warehouse.database.connection import Connection
from warehouse.marts.verdict.condition_words import graded
from warehouse.marts.verdict.decision import ALL_VERDICTS, ASKED, SILENT
from warehouse.reports import overrides
from warehouse.reports.freshness import failed_sources
from warehouse.reports.values import readable
from warehouse.tables.article_claims import FINDINGS

TEMPLATE = Path(__file__).with_name("site.html.j2")
WORDS = (*ALL_VERDICTS, *FINDINGS)

SENTENCE = 60
"""A column with a text longer than this holds sentences."""
SECTIONS: tuple[tuple[str, str, str, str], ...] = (
    (
        "companies",
        "Each company, each question",
        "By the decision rule of the method; cannot tell is an answer.",
        "SELECT scope, question, verdict, leaning, evidence_grade AS grade, headline, statement, would_change "
        "FROM marts.verdict WHERE scope <> 'ALL' "
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
        "Capital expenditure by calendar quarter, in dollars, from filings and results releases, and from secondary pages at "
        "grade C; without finance leases. Four quarters are summed only where all four companies are known.",
        "SELECT calendar_quarter, companies, capex_usd, capex_ttm_usd, coverage_share, grade FROM marts.capex_group "
        "ORDER BY calendar_quarter DESC LIMIT 12",
    ),
    (
        "ratios",
        "How heavy the spending is, company by company",
        "Capex of the last quarters known over revenue and over operating cash flow, without and with the "
        "principal paid on finance leases. 1 is all of it.",
        "SELECT ticker, calendar_quarter, capex_usd, finance_lease_principal_usd AS leases_usd, capex_to_revenue, "
        "capex_with_leases_to_revenue AS with_leases_to_revenue, capex_to_operating_cash_flow AS to_cash_flow, "
        "capex_with_leases_to_operating_cash_flow AS with_leases_to_cash_flow, grade FROM marts.capex_quarterly "
        "WHERE ticker IN ('MSFT', 'GOOGL', 'META', 'AMZN') AND capex_usd IS NOT NULL QUALIFY row_number() OVER "
        "(PARTITION BY ticker ORDER BY period_end DESC) <= 4 ORDER BY ticker, calendar_quarter DESC",
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
        "Abnormal returns against SPY, market model, of the day itself: the 25 firms and equal-weight portfolios of a role "
        "that fell most. Market value is known where a share count is.",
        "SELECT ticker, role, actual_return, abnormal_return, t_stat, p_value, market_value_change_usd "
        "FROM marts.event_study WHERE event_date = DATE '2025-01-27' AND benchmark = 'SPY' AND model = 'market_model' "
        "AND return_kind = 'simple' AND window_start = 0 AND window_end = 0 AND abnormal_return IS NOT NULL "
        "ORDER BY abnormal_return LIMIT 25",
    ),
    (
        "value",
        "How much market value Nvidia lost that day, and why figures differ",
        "Change of the close times the shares known that day, beside the figures of the article and the press.",
        "SELECT figure, market_value_change_usd, market_value_change_low_usd AS low_usd, market_value_change_high_usd AS "
        "high_usd, close_before_usd, close_usd, shares, difference_usd, explanation, grade FROM marts.event_market_value "
        "WHERE ticker = 'NVDA' AND event_date = DATE '2025-01-27' ORDER BY figure = 'computed' DESC, figure",
    ),
    (
        "who_was_hit",
        "Who was hit: role and exposure to chips",
        "Abnormal return of 27 and 28 January 2025 regressed across firms. A role's is that of its firm with average exposure, "
        "an exposure's that of one standard deviation more. The error is that of a portfolio, as firms share one event day. "
        "Every buyer is larger than average, so with size in it (turnover) role and size can hardly be told apart.",
        "SELECT specification, variable, coefficient, standard_error, p_value, share_of_quiet_days_beyond, n_firms, r2, grade, "
        "reason FROM marts.event_cross_section WHERE event_date = DATE '2025-01-27' AND window_start = 0 AND window_end = 1 "
        "AND coefficient IS NOT NULL ORDER BY CASE specification WHEN 'roles' THEN 0 WHEN 'exposure' THEN 1 ELSE 2 END, "
        "specification, variable",
    ),
    (
        "honest_tests",
        "Which tests may be believed on one common day",
        "Share of days without an event on which each test rejects at its level. A test that keeps its promise rejects about "
        "as often as the level says.",
        'SELECT test, "grouping" AS role, window_end AS last_day_of_window, level, days, rejection_share, share_of_quiet_days, '
        "is_valid_here AS valid, not_valid_because FROM marts.event_placebo WHERE \"grouping\" <> 'ALL' "
        "ORDER BY test = 'portfolio' DESC, test, role, window_end",
    ),
    (
        "simulation",
        "The simulation",
        "Quantiles over the draws; every distribution is an entry of the assumptions file.",
        "SELECT scope, revenue_view, bound, quantity, p05, p25, p50, p75, p95, draws, grade, reason "
        "FROM marts.waste_simulation ORDER BY CASE scope WHEN 'ALL' THEN 0 ELSE 1 END, scope, quantity, revenue_view, bound",
    ),
    (
        "variants",
        "What other choices would give",
        "The group's verdicts with one choice made otherwise; questions that the choice cannot reach are left out.",
        "SELECT variant, question, verdict, verdict_as_assumed AS as_assumed, is_changed AS changed, "
        "string_agg(figure || ' ' || coalesce(format('{:.3g}', value), 'unknown'), ', ' ORDER BY figure) "
        "FILTER (figure <> 'verdict') AS figures FROM marts.waste_variants WHERE scope = 'ALL' AND is_touched "
        "GROUP BY ALL ORDER BY variant, question",
    ),
    (
        "estimates",
        "What others said is needed, in their own formulas on these facts",
        "Each published estimate is a multiple of something spent. Here it is taken of the same thing in these facts, on the day "
        "it was published and now. The facts hold four companies or one supplier, the estimates speak of an industry.",
        "SELECT published_by, published_on, formula, published_usd, basis, our_input, our_input_usd, recomputed_usd, assumes, "
        "grade, reason FROM marts.published_estimates ORDER BY published_on, evidence_id, basis DESC",
    ),
    (
        "timeline",
        "When the answer changed",
        "The verdict as it would have been given on each event and month's end, from what was public by then; days on which "
        "it changed.",
        "SELECT as_of, question, verdict, leaning, evidence_grade AS grade, headline, early_assumptions "
        "FROM marts.verdict_timeline WHERE scope = 'ALL' "
        "QUALIFY verdict IS DISTINCT FROM lag(verdict) OVER (PARTITION BY question ORDER BY as_of) ORDER BY as_of, question",
    ),
    (
        "method",
        "How the method changed",
        "Each change of the rules with its reason, and the group's verdicts by the versions before and after it on that day. The "
        "second was written after the first one's results had been seen. Its first real test is the path that it publishes.",
        "SELECT version, changed_on, what, why, effect, overall_verdict_before AS overall_before, overall_verdict_after AS "
        "overall_after, q1_verdict_before AS q1_before, q1_verdict_after AS q1_after, q2_verdict_before AS q2_before, "
        "q2_verdict_after AS q2_after, q3_verdict_before AS q3_before, q3_verdict_after AS q3_after, q4_verdict_before AS "
        "q4_before, q4_verdict_after AS q4_after, reason FROM marts.method_changes ORDER BY version, change",
    ),
    (
        "persistence",
        "What came back of the fall",
        "Cumulative abnormal return after 27 January 2025 against SPY, market model, the smallest that its test finds in four "
        "of five cases, and the share of the first day's loss that had come back.",
        "SELECT ticker, day, date, cumulative_return, p_value, smallest_detectable_car, sees_first_day_loss, share_recovered, "
        "recovered_on, reason FROM marts.event_persistence "
        "WHERE event_date = DATE '2025-01-27' AND basis = 'market_model' AND day IN (0, 1, 10, 60, 120) "
        "AND ticker IN ('NVDA', 'portfolio:supplier', 'portfolio:power', 'portfolio:buyer') ORDER BY ticker, day",
    ),
    (
        "guidance",
        "What the buyers then said they would spend",
        "The first guidance after 27 January 2025 for the year that was running, against the last before it for that year, "
        "or against what was spent the year before where there was none.",
        "SELECT ticker, fiscal_year, held_against, base_usd, issued_after_on, guidance_after_usd, change_usd, "
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


def read(connection: Connection) -> dict[str, Any]:
    """Everything the page shows, from a warehouse's marts."""
    run_id, as_of, outcome = (
        connection.execute(
            "SELECT run_id, as_of, outcome FROM provenance.runs ORDER BY started_at DESC LIMIT 1"
        ).fetchone()
        or (None,) * 3
    )
    said = (
        "question",
        "verdict",
        "evidence_grade",
        "leaning",
        "leaning_probability",
        "headline",
        "statement",
        "would_change",
    )
    group = connection.execute(f"SELECT {', '.join(said)} FROM marts.verdict WHERE scope = 'ALL'").fetchall()
    order = ["overall", *(question for question in ASKED if question != "overall")]
    sections = []
    for anchor, title, about, query in SECTIONS:
        result = connection.execute(query)
        names = [name for name, *_ in result.description]
        rows = result.fetchall()
        columns = [(name, _kind([row[at] for row in rows])) for at, name in enumerate(names)]
        sections.append({"id": anchor, "title": title, "about": about, "columns": columns, "rows": rows})
    return {
        "run_id": run_id,
        "as_of": as_of,
        "outcome": outcome,
        "failed_sources": failed_sources(connection),
        "overridden": overrides.overridden(connection),
        "group": sorted(
            (dict(zip(said, row, strict=True)) for row in group),
            key=lambda v: order.index(v["question"]),
        ),
        "questions": ASKED,
        "silent": SILENT,
        "sections": sections,
        "verdicts": WORDS,
    }


def _kind(cells: list[Any]) -> str:
    """How a column is set: numbers to the right, sentences with room to be read."""
    given = [cell for cell in cells if cell is not None]
    if given and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in given):
        return "number"
    return "wide" if any(isinstance(cell, str) and len(cell) > SENTENCE for cell in given) else ""


def write(folder: Path, content: dict[str, Any]) -> None:
    """Write the page into `folder`."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        **content, readable=readable, graded=graded
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(page, encoding="utf-8")
