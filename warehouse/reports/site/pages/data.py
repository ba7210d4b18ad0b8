"""Data: every section of marts as a table, for those who want the rows themselves."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse.marts.verdict.decision import ASKED, SILENT
from warehouse.reports.site.blocks import Block, Heading, Items, Link, Shown, Table, Text, shown
from warehouse.reports.site.page import Page, Reader

PAGE = Page(
    "data.html",
    "The data, table by table",
    "Every section of the answer as a table with its figures, each of which opens; also as CSV.",
    label="Data",
    place=200,
)
OUTSIDE = (
    Page("quality.html", "Quality of the data", "What the checks found, what waits for a decision, trends of every table.",
         label="Data quality", place=190),
)  # fmt: skip

# Anchor, title, what it says, the mart, the rest of its query, and the columns that are shown.
Section = tuple[str, str, str, str, str, tuple[str | Shown, ...]]
SECTIONS: tuple[Section, ...] = (
    (
        "companies",
        "Each company, each question",
        "By the decision rule of the method; cannot tell is an answer.",
        "marts.verdict",
        "WHERE scope <> 'ALL' ORDER BY scope, question",
        ("scope", "question", Shown("verdict", form="verdict"), "leaning", Shown("evidence_grade", "Grade", "grade"),
         "headline", "statement", "would_change"),
    ),
    (
        "conditions",
        "The figures and thresholds behind the group's verdicts",
        "A condition without a value is unknown and never counts as evidence.",
        "marts.verdict_conditions",
        "WHERE scope = 'ALL' ORDER BY question, condition",
        ("question", Shown("holds", "Holds", "flag", opens="marts.verdict_conditions:holds"), "statement"),
    ),
    (
        "training",
        "What DeepSeek's runs cost, recomputed",
        "GPU-hours times the rental offers around the run's date, from the lowest to the highest.",
        "marts.training_cost",
        "WHERE model LIKE '%DeepSeek%' ORDER BY run_id",
        ("model", "cost_scope", "claimed_cost_usd", "gpu_hours", "price_low_usd_per_gpu_hour", "price_high_usd_per_gpu_hour",
         "cost_low_usd", "cost_mid_usd", "cost_high_usd", "grade", "reason"),
    ),
    (
        "market",
        "What the market did on 27 January 2025",
        "Abnormal returns against SPY, market model, of the day itself: the 25 firms and equal-weight portfolios of a role "
        "that fell most. Market value is known where a share count is.",
        "marts.event_study",
        "WHERE event_date = DATE '2025-01-27' AND benchmark = 'SPY' AND model = 'market_model' "
        "AND return_kind = 'simple' AND window_start = 0 AND window_end = 0 AND abnormal_return IS NOT NULL "
        "ORDER BY abnormal_return LIMIT 25",
        ("ticker", "role", Shown("actual_return", form="change"), Shown("abnormal_return", form="change"), "t_stat",
         Shown("p_value", form="probability"), "market_value_change_usd"),
    ),
    (
        "value",
        "How much market value Nvidia lost that day, and why figures differ",
        "Change of the close times the shares known that day, beside the figures of the article and the press.",
        "marts.event_market_value",
        "WHERE ticker = 'NVDA' AND event_date = DATE '2025-01-27' ORDER BY figure = 'computed' DESC, figure",
        (Shown("figure", form="name"), "market_value_change_usd", "market_value_change_low_usd",
         "market_value_change_high_usd", "close_before_usd", "close_usd", "shares", "difference_usd", "explanation", "grade"),
    ),
    (
        "who-was-hit",
        "Who was hit: role and exposure to chips",
        "Abnormal return of 27 and 28 January 2025 regressed across firms. A role's is that of its firm with average exposure, "
        "an exposure's that of one standard deviation more. The error is that of a portfolio, as firms share one event day. "
        "Every buyer is larger than average, so with size in it (turnover) role and size can hardly be told apart.",
        "marts.event_cross_section",
        "WHERE event_date = DATE '2025-01-27' AND window_start = 0 AND window_end = 1 "
        "AND coefficient IS NOT NULL ORDER BY CASE specification WHEN 'roles' THEN 0 WHEN 'exposure' THEN 1 ELSE 2 END, "
        "specification, variable",
        ("specification", Shown("variable", form="name"), "coefficient", "standard_error", Shown("p_value", form="probability"),
         "share_of_quiet_days_beyond", "n_firms", "r2", "grade", "reason"),
    ),
    (
        "honest-tests",
        "Which tests may be believed on one common day",
        "Share of days without an event on which each test rejects at its level. A test that keeps its promise rejects about "
        "as often as the level says.",
        "marts.event_placebo",
        "WHERE \"grouping\" <> 'ALL' ORDER BY test = 'portfolio' DESC, test, \"grouping\", window_end",
        (Shown("test", form="name"), Shown("grouping", "Role"), Shown("window_end", "Last day of window", "count"), "level",
         "days", "rejection_share", "share_of_quiet_days", "is_valid_here", "not_valid_because"),
    ),
    (
        "simulation",
        "The simulation",
        "Quantiles over the draws, for the four together; every distribution is an entry of the assumptions file. Those of each "
        "company are on its page.",
        "marts.waste_simulation",
        "WHERE scope = 'ALL' ORDER BY quantity, revenue_view, bound",
        ("scope", "revenue_view", "bound", Shown("quantity", form="name"),
         *(Shown(name, form="number", unit="unit") for name in ("p05", "p25", "p50", "p75", "p95")), "draws",
         "grade", "reason"),
    ),
    (
        "variants",
        "What other choices would give",
        "The group's verdicts with one choice made otherwise; questions that the choice cannot reach are left out.",
        "marts.waste_variants",
        "WHERE scope = 'ALL' AND is_touched ORDER BY variant, question, figure",
        (Shown("variant", form="name"), "question", Shown("verdict", form="verdict"),
         Shown("verdict_as_assumed", "As assumed", "verdict"), Shown("is_changed", "Changed", "flag"),
         Shown("figure", form="name"), "value"),
    ),
    (
        "estimates",
        "What others said is needed, in their own formulas on these facts",
        "Each published estimate is a multiple of something spent. Here it is taken of the same thing in these facts, on the day "
        "it was published and now. The facts hold four companies or one supplier, the estimates speak of an industry.",
        "marts.published_estimates",
        "ORDER BY published_on, evidence_id, basis DESC",
        ("published_by", "published_on", "formula", "published_usd", "basis", "our_input", "our_input_usd", "recomputed_usd",
         "assumes", "grade", "reason"),
    ),
    (
        "timeline",
        "When the answer changed",
        "The verdict as it would have been given on each event and month's end, from what was public by then; days on which "
        "it changed.",
        "marts.verdict_timeline",
        "WHERE scope = 'ALL' QUALIFY verdict IS DISTINCT FROM lag(verdict) OVER (PARTITION BY question ORDER BY as_of) "
        "ORDER BY as_of, question",
        ("as_of", "question", Shown("verdict", form="verdict"), "leaning", Shown("evidence_grade", "Grade", "grade"), "headline"),
    ),
    (
        "method",
        "How the method changed",
        "Each change of the rules with its reason, and the group's verdicts by the versions before and after it on that day. The "
        "second was written after the first one's results had been seen. Its first real test is the path that it publishes.",
        "marts.method_changes",
        "ORDER BY version, change",
        (Shown("version", form="plain"), "changed_on", "what", "why", "effect",
         *(Shown(f"{question}_verdict_{when}", f"{question.capitalize()} {when}", "verdict")
           for question in ("overall", "q1", "q2", "q3", "q4") for when in ("before", "after")), "reason"),
    ),
    (
        "persistence",
        "What came back of the fall",
        "Cumulative abnormal return after 27 January 2025 against SPY, market model, the smallest that its test finds in four "
        "of five cases, and the share of the first day's loss that had come back.",
        "marts.event_persistence",
        "WHERE event_date = DATE '2025-01-27' AND basis = 'market_model' AND day IN (0, 1, 10, 60, 120) "
        "AND ticker IN ('NVDA', 'portfolio:supplier', 'portfolio:power', 'portfolio:buyer') ORDER BY ticker, day",
        ("ticker", "day", "date", Shown("cumulative_return", form="change"), Shown("p_value", form="probability"),
         Shown("smallest_detectable_car", "Smallest detectable", "percent"), "sees_first_day_loss", "share_recovered",
         "recovered_on", "reason"),
    ),
    (
        "guidance",
        "What the buyers then said they would spend",
        "The first guidance after 27 January 2025 for the year that was running, against the last before it for that year, "
        "or against what was spent the year before where there was none.",
        "marts.capex_guidance_change",
        "WHERE event_date = DATE '2025-01-27' ORDER BY ticker",
        ("ticker", "fiscal_year", "held_against", "base_usd", "issued_after_on", "guidance_after_usd", "change_usd", "reason"),
    ),
    (
        "rents",
        "The rent of an H100 at constant quality",
        "Specialists' on-demand offers, matched by provider and chained, so that a change in who lists does not move it.",
        "marts.gpu_price_chain",
        "WHERE gpu_model = 'H100 SXM' AND provider_class = 'specialist' AND pricing_kind = 'on_demand' ORDER BY month",
        ("month", "n_providers", "n_matched_providers", "matched_index", "usd_per_gpu_hour", "grade", "reason"),
    ),
    (
        "rung",
        "What other final runs cost, on the same rung",
        "Rental of the final run, claimed or recomputed; a ratio across rungs is refused.",
        "marts.training_comparison",
        "WHERE rung = 'final_run_rental' AND ratio IS NOT NULL AND published >= DATE '2023-01-01' "
        "ORDER BY published DESC, model, basis LIMIT 30",
        ("model", "basis", "developer", "published", "gpu_hours", "cost_low_usd", "cost_mid_usd", "cost_high_usd", "ratio",
         "grade"),
    ),
    (
        "claims",
        "Every claim of the article",
        "Computed where a figure decides; otherwise what was found, with its source, or that it cannot be checked. Where "
        "the finding was another one on the day the claim was made, that stands beside it.",
        "marts.claim_check",
        "ORDER BY claim_id",
        ("claim_id", "statement", "speaker", "value_claimed", "value_found", "unit", Shown("finding", form="verdict"),
         Shown("finding_then", "On its own day", "verdict"), "reason"),
    ),
)  # fmt: skip


def content(reader: Reader) -> Sequence[Block]:
    return [
        Text("Each table is a query on the published warehouse. The same rows come from ",
             "the command line, or from the CSV below each table.", style="lead"),
        Text("To take away: ", Link("every table as Parquet and CSV", "../export/index.html"), ", with its columns, units, "
             "allowed values, the terms of the sources and how to cite it."),
        Items(*(Link(title, f"#{anchor}") for anchor, title, *_ in SECTIONS)),
        *(section(reader, *each) for each in SECTIONS),
        Heading("What these answers do not say", anchor="silent"),
        Items(*(f"{ASKED[question]} {text}" for question, text in SILENT.items())),
    ]  # fmt: skip


def section(
    reader: Reader, anchor: str, title: str, about: str, mart: str, rest: str, columns: tuple[str | Shown, ...]
) -> Table:
    rows = reader.rows(f"SELECT * FROM {mart} {rest}")
    return Table(anchor, title, rows, shown(mart, *columns), of=mart, about=about, open_rows=25)
