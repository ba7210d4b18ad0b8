"""Companies: a page each, with what a company's answer does not share with the group's.

The claim and the market's answer are the same for all, and the training share of the world stands in for a company's own.
So a company's page holds its verdicts where they differ, its spending and plans, what its AI revenue covers, and its day
on the market.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from warehouse.marts.common.scopes import COMPANIES, GROUP
from warehouse.marts.common.words import sentence
from warehouse.marts.verdict.decision import ASKED
from warehouse.reports.site import company_charts, intervals, settles
from warehouse.reports.site.blocks import (
    Answer,
    Block,
    Card,
    Cards,
    Chart,
    Figure,
    Heading,
    Items,
    Link,
    Note,
    Shown,
    Span,
    Strong,
    Table,
    Text,
    Words,
    shown,
)  # fmt: skip
from warehouse.reports.site.company_market import market_day
from warehouse.reports.site.forms import speak
from warehouse.reports.site.market_evidence import main_event
from warehouse.reports.site.page import Page, Reader

QUARTERLY, GROUPED, GUIDANCE, SIMULATION = (
    "marts.capex_quarterly", "marts.capex_group", "core.capex_guidance", "marts.waste_simulation",
)  # fmt: skip
YEARLY, VERDICT, REVENUE, OWN = (
    "marts.capex_yearly",
    "marts.verdict",
    "marts.attributable_revenue",
    "marts.training_share_own",
)
ALL_PAGES = Page(
    "companies.html",
    "The companies, one by one",
    "Each company's verdict, spending, plans and day on the market, where they differ from the group's.",
    label="Companies",
    place=90,
)
ALSO = ("NVDA",)
"""Firms beside the four and those that gave plans: whose share the article is about."""
SELLERS = ("supplier", "neocloud")
"""Roles of those who sell computing, whose sales would fall if it were wasted."""
SHARED = ("Q1", "Q4")
"""Questions whose answer is the same for every company, by the method: what was claimed and what prices said."""
BOUNDS = {"lower": "at the least", "point": "as drawn", "upper": "at the most"}
SHARES = {"coverage": "Covered of what is required", "marginal_coverage": "Newest money's revenue over its need",
          "breakeven_growth": "Growth a year that it needs"}  # fmt: skip
DOLLARS = {
    "attributable_revenue_usd": "AI revenue a year",
    "required_revenue_usd": "Revenue required a year",
    "standing_capital_usd": "Capital still to be recovered",
    "breakeven_revenue_usd": "Revenue that breaks even",
}


def family(reader: Reader) -> Iterator[tuple[Page, Sequence[Block]]]:
    known = firms(reader)
    yield ALL_PAGES, overview(reader, known)
    for ticker, company, role in known:
        page = Page(path_of(ticker), company, f"{company}: what its answer does not share with the group's.")
        yield page, content(reader, ticker, company, role)


def path_of(ticker: str) -> str:
    return f"companies/{ticker}.html"


def firms(reader: Reader) -> list[tuple[str, str, str]]:
    """Ticker, name and role: the four first, then those with plans of their own and the article's."""
    rows = reader.rows(
        """SELECT c.ticker, c.company, c.role FROM companies c WHERE list_contains(?, c.ticker)
        OR c.ticker IN (SELECT ticker FROM capex_guidance WHERE known_on <= ?)
        ORDER BY list_position(?, c.ticker) NULLS LAST, c.company""",
        [*COMPANIES, *ALSO],
        reader.as_of,
        list(COMPANIES),
    )
    return [(ticker, company, role) for ticker, company, role in rows.iter_rows()]


def overview(reader: Reader, known: Sequence[tuple[str, str, str]]) -> list[Block]:
    cards = []
    for ticker, company, _ in known:
        key = {"scope": ticker, "question": "Q3"}
        row = reader.row(VERDICT, key)
        if row:
            cards.append(
                Card(company, spans=(Words(VERDICT, key, "headline"),), href=path_of(ticker), verdict=row["verdict"],
                     more="Its page")
            )  # fmt: skip
    others = [(Link(company, path_of(ticker)),) for ticker, company, _ in known if ticker not in COMPANIES]
    blocks: list[Block] = [
        Text("Does each company's spending pay? Each page holds what its answer does not share with the group's.",
             style="lead")
    ]  # fmt: skip
    if cards:
        blocks.append(Cards(cards))
    else:
        blocks.append(
            Note(Strong("No company has a verdict. "), "No fact of them is known by this date.", style="warning")
        )
    if others:
        blocks += [Heading("Others with plans or a part in the story"), Items(*others)]
    return blocks


def content(reader: Reader, ticker: str, company: str, role: str) -> list[Block]:
    asked = ticker in COMPANIES
    blocks: list[Block] = [*(verdicts(reader, ticker, company) if asked else ())]
    blocks += spending(reader, ticker, company)
    if asked:
        blocks += [Heading("Does its spending pay?"), *coverage(reader, ticker, company)]
    elif role in SELLERS:
        blocks += sales(reader, ticker, company)
    blocks += plans(reader, ticker, company)
    blocks += [Heading("Its day on the market"), *market_day(reader, ticker, company, role)]
    if asked:
        blocks += own_share(reader, ticker)
        blocks.append(settles.information(reader, "Q3", ticker))
    return [*blocks, Text(Link("All companies", ALL_PAGES.path))]


# -- verdicts ------------------------------------------------------------------------------------------------------------


def verdicts(reader: Reader, ticker: str, company: str) -> list[Block]:
    """The company's verdicts beside the group's, and in words those that are its own."""
    rows = reader.rows(
        f"""SELECT v.question, v.scope, v.verdict, v.leaning, v.headline, g.verdict AS group_verdict,
        g.leaning AS group_leaning, g.headline AS group_headline FROM {VERDICT} v JOIN {VERDICT} g
        ON g.question = v.question AND g.scope = ? WHERE v.scope = ? ORDER BY v.question""",
        GROUP,
        ticker,
    )
    if not rows.height:
        return [Note(Strong("There is no verdict. "), "The facts known by this date give none.", style="warning")]
    blocks: list[Block] = []
    same = []
    for row in rows.iter_rows(named=True):
        key = {"scope": ticker, "question": row["question"]}
        if row["question"] in SHARED or row["headline"] == row["group_headline"]:
            same.append(row["question"])
            continue
        full = reader.row(VERDICT, key)
        blocks.append(
            Answer(
                ASKED[row["question"]],
                full["verdict"],
                Words(VERDICT, key, "headline"),
                lines=(("Why", (Words(VERDICT, key, "statement"),)),
                       ("What would change it", (Words(VERDICT, key, "would_change"),)),
                       ("The group", (f"{speak(row['group_verdict'], 'verdict')}.",))),
                leaning=settles.leaning(full),
            )
        )  # fmt: skip
    if same:
        asked = " ".join(f"“{ASKED[question]}”" for question in same)
        blocks.append(Text(f"{company} shares the group's answer to: {asked}", style="about"))
    return blocks


# -- spending ------------------------------------------------------------------------------------------------------------


def spending(reader: Reader, ticker: str, company: str) -> list[Block]:
    rows = reader.rows(f"SELECT * FROM {QUARTERLY} WHERE ticker = ? ORDER BY period_end", ticker)
    known = rows.filter(pl.col("capex_ttm_usd").is_not_null())
    blocks: list[Block] = [Heading("What it spends")]
    if known.height:
        last = known.row(-1, named=True)
        whole = {"calendar_quarter": last["calendar_quarter"]}
        spent = Figure(QUARTERLY, last, "capex_ttm_usd", "usd")
        until = f" on property and equipment in the four quarters to {speak(last['calendar_quarter'], 'quarter')}. "
        spans: list[Span] = [f"{company} spent ", spent, until]
        if ticker in COMPANIES and reader.row(GROUPED, whole).get("capex_ttm_usd") is not None:
            spans += ["The four together spent ", Figure(GROUPED, whole, "capex_ttm_usd", "usd"), "."]
        blocks.append(Text(*spans))
    blocks += years(reader, ticker, company)
    if not rows["capex_usd"].is_not_null().any():
        rows = rows.clear()
    blocks.append(
        Chart(
            title="How much does it spend in a quarter?",
            description=f"Bars of {company}'s spending by quarter, with finance leases on top where filings give them. "
            "A striped mark stands for an unknown quarter.",
            draw=company_charts.draw_quarters,
            note=("Striped: the quarter is unknown by this date. Leases are shown where a filing gives them.",),
            numbers=Table(
                "quarters",
                "Spending by quarter",
                rows,
                (
                    Shown("calendar_quarter", "Quarter", "quarter"),
                    Shown("capex_usd", "Paid", "usd"),
                    Shown("finance_lease_assets_usd", "Finance leases", "usd"),
                    Shown("revenue_usd", "Revenue", "usd"),
                    Shown("capex_to_revenue", "Paid, over revenue", "percent"),
                    Shown("capex_to_operating_cash_flow", "Over cash from operations", "percent"),
                    Shown("grade", "Grade", "grade"),
                ),
                of=QUARTERLY,
                empty="No quarter's spending is known by this date.",
            ),
        )
    )
    return blocks


def years(reader: Reader, ticker: str, company: str) -> list[Block]:
    """The last whole calendar years in a sentence: what is asked first of a company."""
    rows = reader.rows(
        f"SELECT * FROM {YEARLY} WHERE ticker = ? AND year_kind = 'calendar' AND capex_usd IS NOT NULL ORDER BY year DESC LIMIT 2",
        ticker,
    ).to_dicts()
    if not rows:
        return []
    spans: list[Span] = [
        f"In the whole of {rows[0]['year']} {company} spent ",
        Figure(YEARLY, rows[0], "capex_usd", "usd"),
    ]
    for before in rows[1:]:
        spans += [f", and in {before['year']} ", Figure(YEARLY, before, "capex_usd", "usd")]
    return [Text(*spans, ".")]


def sales(reader: Reader, ticker: str, company: str) -> list[Block]:
    """Quarterly revenue before and after the day: whether buyers of computing came back."""
    day = main_event(reader)
    rows = reader.rows(
        f"SELECT * FROM {QUARTERLY} WHERE ticker = ? AND revenue_usd IS NOT NULL ORDER BY period_end", ticker
    ).with_columns(
        when=pl.when(pl.col("period_end") < day)
        .then(pl.lit("ended before the day"))
        .otherwise(pl.lit("ended after it"))
    )
    return [
        Heading("What it sells"),
        Chart(
            title="Did its sales fall after that day?",
            description=f"Bars of {company}'s revenue by quarter; quarters that ended after the day have another colour.",
            draw=company_charts.draw_sales,
            numbers=Table(
                "sales",
                "Revenue by quarter",
                rows,
                (
                    Shown("calendar_quarter", "Quarter", "quarter"),
                    Shown("period_end", "Ended", "date"),
                    Shown("revenue_usd", "Revenue", "usd"),
                    Shown("when", "When"),
                    Shown("grade", "Grade", "grade"),
                ),
                of=QUARTERLY,
                empty="No quarter's revenue is known by this date.",
            ),
        ),
    ]


def plans(reader: Reader, ticker: str, company: str) -> list[Block]:
    rows = reader.rows(
        "SELECT * FROM capex_guidance WHERE ticker = ? AND known_on <= ? ORDER BY issued_on, fiscal_year, fact_id",
        ticker,
        reader.as_of,
    )
    if not rows.height:
        return [Heading("What it said it would spend"), Text("No plan with a figure is known by this date.")]
    return [
        Heading("What it said it would spend"),
        Chart(
            title="How did its plans for each year change?",
            description=f"Each plan of {company} as a range at the day it was given, one sign for each year planned.",
            draw=company_charts.draw_plans,
            note=("Plans may count leases differently: the numbers say how.",),
            numbers=Table(
                "plans",
                "Plans as they were given",
                rows,
                shown(
                    GUIDANCE,
                    Shown("issued_on", "Given on", "date"),
                    Shown("fiscal_year", "For", "year"),
                    Shown("year_kind", "Year", "name"),
                    Shown("low_usd", "From", "usd"),
                    Shown("high_usd", "To", "usd"),
                    Shown("basis", "Counts", "name"),
                    "grade",
                    Shown("note", "Remark"),
                ),
                of=GUIDANCE,
            ),
        ),
    ]


# -- payback -------------------------------------------------------------------------------------------------------------


def coverage(reader: Reader, ticker: str, company: str) -> list[Block]:
    rows = reader.rows(
        f"""SELECT * FROM {SIMULATION} WHERE revenue_view = 'infrastructure' AND quantity = 'coverage'
        AND (scope = ? OR scope = ? AND bound = 'point') AND p50 IS NOT NULL
        ORDER BY scope = ?, list_position(['lower', 'point', 'upper'], bound)""",
        ticker,
        GROUP,
        GROUP,
    )
    own = pl.col("scope") == ticker
    if rows.filter(own).unique(["p05", "p50", "p95"]).height == 1:  # its revenue is known, so its bounds are one
        rows = rows.filter(~own | (pl.col("bound") == "point")).with_columns(
            bound=pl.when(own).then(None).otherwise("bound")
        )
    if not rows.filter(own).height:
        rows = rows.clear()
    rows = rows.with_columns(
        what=pl.when(~own)
        .then(pl.lit("The four, as drawn"))
        .when(pl.col("bound").is_null())
        .then(pl.lit(company))
        .otherwise(pl.format("{}, {}", pl.lit(company), pl.col("bound").replace(BOUNDS))),
        taken=pl.col("bound").fill_null("point"),
    )
    return [
        Chart(
            title="What does AI revenue cover of what the spending requires?",
            description=f"Bars of {company}'s coverage, with the group's beside it and a dashed line at one hundred per cent.",
            draw=lambda rows, width: intervals.intervals(
                rows, width, label="what", ends=("p05", "p50", "p95"), title="Share of what is required", threshold=1.0,
                threshold_says="pays for itself",
            ),
            note=("Bars hold nine in ten draws. Below one hundred per cent is normal early in a build-out.",),
            numbers=Table(
                "coverage",
                "Coverage",
                rows,
                (
                    Shown("what", "Who"),
                    Shown("p05", "1 in 20 below", "percent", opens=f"{SIMULATION}:p05", key={"bound": "taken"}),
                    Shown("p50", "Middle", "percent", opens=f"{SIMULATION}:p50", key={"bound": "taken"}),
                    Shown("p95", "1 in 20 above", "percent", opens=f"{SIMULATION}:p95", key={"bound": "taken"}),
                    Shown("grade", "Grade", "grade"),
                ),
                empty=why_unknown(reader, ticker),
            ),
        ),
        simulated(reader, ticker, SHARES, "shares", "What it covers, and the growth it needs", "percent"),
        simulated(reader, ticker, DOLLARS, "dollars", "The dollars behind it", "usd"),
        path(reader, ticker, company),
        revenue(reader, ticker),
    ]  # fmt: skip


def simulated(reader: Reader, ticker: str, said: dict[str, str], name: str, title: str, form: str) -> Table:
    rows = reader.rows(
        f"""SELECT * FROM {SIMULATION} WHERE scope = ? AND revenue_view = 'infrastructure' AND bound = 'point'
        AND list_contains(?, quantity) AND p50 IS NOT NULL ORDER BY list_position(?, quantity)""",
        ticker,
        list(said),
        list(said),
    ).with_columns(what=pl.col("quantity").replace(said))
    return Table(
        name,
        title,
        rows,
        (
            Shown("what", "Figure"),
            Shown("p05", "1 in 20 below", form),
            Shown("p50", "Middle", form),
            Shown("p95", "1 in 20 above", form),
            Shown("grade", "Grade", "grade"),
        ),
        of=SIMULATION,
        empty=why_unknown(reader, ticker),
    )


def why_unknown(reader: Reader, ticker: str) -> str:
    """Why nothing is known of a company's coverage, as a sentence."""
    found = reader.one(
        f"""SELECT reasons FROM {SIMULATION}
        WHERE scope = ? AND quantity = 'coverage' AND p50 IS NULL AND reasons IS NOT NULL LIMIT 1""",
        ticker,
    )
    reasons = found.get("reasons") or ()
    return f"Unknown: {sentence(reasons[0]) if reasons else 'nothing is known of it by this date'}."


def path(reader: Reader, ticker: str, company: str) -> Chart:
    return settles.path(
        reader,
        ticker,
        title="Which revenue would break even in the coming quarters?",
        description=f"A line inside a band: the yearly AI revenue at which {company}'s spending breaks even, by quarter.",
        note="The band holds three in five draws.",
        empty=why_unknown(reader, ticker),
    )


def revenue(reader: Reader, ticker: str) -> Table:
    rows = reader.rows(
        f"SELECT * FROM {REVENUE} WHERE scope = ? AND as_of_date IS NOT NULL "
        "ORDER BY counted DESC, as_of_date DESC, metric, evidence_id",
        ticker,
    ).with_columns(
        what=pl.col("metric").str.replace_all("_", " ").str.replace(r"\bai\b", "AI"),
        why=pl.when("counted").then(pl.col("reason")),  # of the others, "used as" says enough
    )
    return Table(
        "revenue",
        "Its AI revenue, as far as it is known",
        rows,
        (
            Shown("what", "Figure"),
            Shown("as_of_date", "Of", "date"),
            Shown("low_usd", "At the least", "usd"),
            Shown("value_usd", "Given", "usd"),
            Shown("high_usd", "At the most", "usd"),
            Shown("used_as", "Used as", "name"),
            Shown("counted", "Counted", "flag"),
            Shown("grade", "Grade", "grade"),
            Shown("why", "Remark"),
        ),
        of=REVENUE,
        empty="It gives no AI revenue, and nothing bounds it.",
        open_rows=6,
    )


def own_share(reader: Reader, ticker: str) -> list[Block]:
    row = reader.one(
        f"SELECT * FROM {OWN} WHERE ticker = ? AND training_share IS NOT NULL ORDER BY year DESC LIMIT 1", ticker
    )
    if not row:
        return []
    return [
        Heading("Its own models and fleet"),
        Text("Its disclosed models took ", Figure(OWN, row, "training_share", "percent"),
             " of what its fleet could compute in ", speak(row["year"], "year"), ". That is a lower bound."),
    ]  # fmt: skip
