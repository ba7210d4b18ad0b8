"""Does the whole spending earn its cost: where it stands, how fast revenue has to grow, and whether the newest money earns.

Early in a build-out every owner is short of what the spending needs, and that alone decides nothing. So three figures stand
beside each other, each at the lowest and the highest that the revenue can be.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from warehouse.marts.common.scopes import GROUP
from warehouse.reports.site import intervals, settles
from warehouse.reports.site.blocks import Block, Chart, Heading, Shown, Table, Text
from warehouse.reports.site.page import Page, Reader
from warehouse.reports.site.pages import index

PAGE = Page(
    "pays.html",
    "Does the spending pay?",
    "AI revenue against what the spending requires, the growth it needs, and the path it has to keep.",
    label="Does it pay?",
    place=60,
)
SIMULATION, REVENUE, SCORES, VINTAGES, ESTIMATES, SIGNALS, VARIANTS = (
    "marts.waste_simulation", "marts.attributable_revenue", "marts.path_scores",
    "marts.capex_vintages", "marts.published_estimates", "marts.glut_signals", "marts.waste_variants",
)  # fmt: skip
QUESTION = "Q3"
WHO = {GROUP: "The four", "MSFT": "Microsoft", "GOOGL": "Alphabet", "AMZN": "Amazon", "META": "Meta"}
VIEWS = {"infrastructure": "paid to sellers of computing", "end_customer": "paid by end customers"}
BOUNDS = {"lower": "at the least", "point": "as drawn", "upper": "at the most"}


def content(reader: Reader) -> Sequence[Block]:
    return [
        settles.answer(reader, QUESTION),
        Heading("Where it stands: coverage"),
        Text(
            "Coverage is AI revenue over the revenue that the spending requires each year. Below one hundred per cent is normal "
            "early in a build-out.",
            style="about",
        ),
        simulated(reader, "coverage", "What AI revenue covers of what the spending requires", "pays for itself"),
        Heading("What has to happen: growth"),
        index.growth(reader),
        Heading("Whether the newest money earns"),
        Text(
            "Marginal coverage sets the revenue that came in over a year against what a year of spending has to bring. Above "
            "average coverage, matters improve. Below it, they decay.",
            style="about",
        ),
        simulated(reader, "marginal_coverage", "What the newest spending earns of what it has to", "pays in full"),
        Heading("What revenue can be"),
        revenue(reader),
        Heading("Which assumptions carry it"),
        settles.sensitivity(
            reader,
            "breakeven_growth",
            "infrastructure",
            title="What moves the growth that is needed, one assumption at a time",
            axis="Growth a year",
        ),
        Heading("The path it has to keep, and our record on it"),
        path(reader),
        record(reader),
        Heading("What would settle it", anchor="settle"),
        settles.information(reader, QUESTION),
        settles.conditions(reader, QUESTION),
        Heading("What other choices would give"),
        variants(reader),
        Heading("Signs of a glut"),
        glut(reader),
        Heading("What others said is needed"),
        estimates(reader),
        Heading("The spending behind it"),
        vintages(reader),
    ]


def simulated(reader: Reader, quantity: str, title: str, line: str) -> Chart:
    """One simulated quantity of every scope, view and bound, as intervals against one hundred per cent."""
    rows = reader.rows(f"SELECT * FROM {SIMULATION} WHERE quantity = ?", quantity).filter(
        pl.col("scope").is_in(list(WHO))
    )
    place = pl.col("scope").replace_strict({scope: at for at, scope in enumerate(WHO)}, return_dtype=pl.Int64)
    rows = rows.with_columns(
        who=pl.col("scope").replace_strict(WHO, return_dtype=pl.String),
        view=pl.col("revenue_view").replace_strict(VIEWS, return_dtype=pl.String),
        taken=pl.col("bound").replace_strict(BOUNDS, return_dtype=pl.String),
        place=place,
    ).sort("place", "revenue_view", "bound")
    rows = rows.with_columns(
        what=pl.when(pl.col("scope") == GROUP)
        .then(pl.format("{}, {}, {}", "who", "view", "taken"))
        .otherwise(pl.format("{}, {}", "who", "taken"))
    )
    return Chart(
        title=title,
        description="A bar for the group in both ways of counting revenue and for each company, with revenue at the least, "
        "as drawn and at the most. A dashed line stands at one hundred per cent.",
        draw=lambda rows, width: intervals.intervals(
            rows, width, label="what", ends=("p05", "p50", "p95"), title="Share of what is required", threshold=1.0,
            threshold_says=line,
        ),
        note=("Bars hold nine in ten draws. What is unknown has no bar; the numbers say why.",),
        numbers=Table(
            quantity.replace("_", "-"),
            title,
            rows,
            (
                Shown("who", "Who"),
                Shown("view", "Revenue"),
                Shown("taken", "Taken"),
                Shown("p05", "1 in 20 below", "percent"),
                Shown("p50", "Middle", "percent"),
                Shown("p95", "1 in 20 above", "percent"),
                Shown("grade", "Grade", "grade"),
                Shown("reason", "Remark"),
            ),
            of=SIMULATION,
        ),
    )  # fmt: skip


def revenue(reader: Reader) -> Table:
    rows = reader.rows(f"SELECT * FROM {REVENUE} WHERE scope = ? AND counted ORDER BY revenue_view, entity", GROUP)
    return Table(
        "revenue",
        "AI revenue behind the group's figures",
        rows,
        (
            Shown("entity", "Whose"),
            Shown("revenue_view", "View", "name"),
            Shown("as_of_date", "Of", "date"),
            Shown("low_usd", "At the least", "usd"),
            Shown("value_usd", "Figure", "usd"),
            Shown("high_usd", "At the most", "usd"),
            Shown("used_as", "Used as", "name"),
            Shown("growth_stated", "Growth it states", "percent"),
            Shown("grade", "Grade", "grade"),
            Shown("reason", "Remark"),
        ),
        of=REVENUE,
        about="Where a seller says nothing, its AI revenue lies between zero and all of its cloud's. "
        "The two views are never added.",
    )


def path(reader: Reader) -> Chart:
    return settles.path(
        reader,
        GROUP,
        title="The AI revenue that breaks even, at the next quarters' ends",
        description="A line inside a band: the revenue of the sellers of computing that breaks even, quarter by quarter.",
        note="The band holds three in five draws. Each day's path is kept as it was published and is never rewritten.",
    )


def record(reader: Reader) -> Table:
    rows = reader.rows(f"SELECT * FROM {SCORES} WHERE is_last_before ORDER BY as_of_date DESC, scope, revenue_view")
    rows = rows.with_columns(who=pl.col("scope").replace(WHO))
    return Table(
        "record",
        "Later facts against the path that was published before them",
        rows,
        (
            Shown("who", "Who"),
            Shown("revenue_view", "Revenue", "name"),
            Shown("path_as_of", "Path of", "date"),
            Shown("as_of_date", "Fact of", "date"),
            Shown("found_usd", "Found", "usd"),
            Shown("path_p20_usd", "Path, 1 in 5 below", "usd"),
            Shown("path_p80_usd", "1 in 5 above", "usd"),
            Shown("position", "Position", "name"),
            Shown("grade", "Grade", "grade"),
        ),
        of=SCORES,
        about="This is our own forecast record. Revenue above the path means that the spending earns more than it has to.",
        empty="No fact has arrived since the first path was published.",
    )


def variants(reader: Reader) -> Table:
    rows = reader.rows(
        f"""SELECT * FROM {VARIANTS} WHERE scope = ? AND question = ? AND is_touched
        QUALIFY row_number() OVER (PARTITION BY variant ORDER BY figure) = 1 ORDER BY variant <> 'as_assumed', variant""",
        GROUP,
        QUESTION,
    )
    return Table(
        "variants",
        "The verdict with one choice made otherwise",
        rows,
        (
            Shown("variant", "Choice", "name"),
            Shown("verdict", "Verdict", "verdict"),
            Shown("is_changed", "Another one", "flag"),
            Shown("grade", "Grade", "grade"),
        ),
        of=VARIANTS,
    )


def glut(reader: Reader) -> Table:
    rows = reader.rows(f"SELECT * FROM {SIGNALS} ORDER BY signal")
    return Table(
        "glut",
        "Four signs of idle capacity",
        rows,
        (
            Shown("signal", "Sign", "name"),
            Shown("triggered", "Seen", "flag"),
            Shown("value", "Found", "number"),
            Shown("threshold", "From", "number"),
            Shown("unit", "In"),
            Shown("grade", "Grade", "grade"),
            Shown("reason", "Remark"),
        ),
        of=SIGNALS,
        about="From facts of the last eighteen months. A sign without facts is unknown, and does not count as seen.",
    )


def estimates(reader: Reader) -> Table:
    rows = reader.rows(f"SELECT * FROM {ESTIMATES} ORDER BY published_on, evidence_id, basis")
    return Table(
        "estimates",
        "Published estimates in their own formulas, on our facts",
        rows,
        (
            Shown("published_by", "By"),
            Shown("published_on", "On", "date"),
            Shown("published_usd", "Published", "usd"),
            Shown("basis", "Our facts", "name"),
            Shown("our_input_usd", "Our input", "usd"),
            Shown("recomputed_usd", "Recomputed", "usd"),
            Shown("grade", "Grade", "grade"),
            Shown("formula", "Formula"),
        ),
        of=ESTIMATES,
        about="Our facts are of four companies or one supplier; these estimates speak of an industry.",
    )


def vintages(reader: Reader) -> Table:
    rows = reader.rows(f"SELECT * FROM {VINTAGES} ORDER BY calendar_quarter DESC, ticker")
    rows = rows.with_columns(company=pl.col("ticker").replace(WHO))
    return Table(
        "vintages",
        "Quarters of spending, as they count",
        rows,
        (
            Shown("calendar_quarter", "Quarter", "quarter"),
            Shown("company", "Company"),
            Shown("capex_usd", "Cash", "usd"),
            Shown("capex_low_usd", "At the least", "usd"),
            Shown("capex_high_usd", "At the most", "usd"),
            Shown("finance_lease_assets_usd", "Leased assets", "usd"),
            Shown("grade", "Grade", "grade"),
            Shown("reason", "Remark"),
        ),
        of=VINTAGES,
        about="A quarter that nobody has filed is an interval from zero to its larger neighbour. The verdict has to hold at "
        "both ends.",
        open_rows=8,
    )
