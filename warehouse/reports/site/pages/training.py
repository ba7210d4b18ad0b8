"""What training costs: the claim of under six million dollars, recomputed, and what that figure leaves out.

Costs of one model differ a thousandfold by what they count. So each figure stands on a rung: the final run alone, the
research around it, the hardware owned, all that a company builds. A ratio across rungs is the mistake that began this.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import polars as pl

from warehouse.reports.site import charts
from warehouse.reports.site.blocks import Block, Chart, Figure, Heading, Items, Link, Shown, Table, Text, shown
from warehouse.reports.site.page import Page, Reader

PAGE = Page(
    "training.html",
    "What training costs",
    "The claim of under six million dollars recomputed, by what it counts, beside other models.",
    label="Training cost",
    place=40,
)
COST, COMPARISON, AGAINST_CAPEX, TREND = (
    "marts.training_cost", "marts.training_comparison", "marts.capex_vs_training", "marts.efficiency_trend",
)  # fmt: skip
LADDER = ("final_run_rental", "hardware_owned", "research_programme", "company_capex")
CLAIM = "TR010"
"""The run that the claim is about: the final run of V3 with R1's increment (method 1)."""


def content(reader: Reader) -> Sequence[Block]:
    return [
        *lead(reader),
        ladder(reader),
        Heading("The runs of DeepSeek, recomputed"),
        deepseek(reader),
        Heading("Other final runs"),
        others(reader),
        Heading("Cheaper than the trend?"),
        trend(reader),
        Heading("Against what companies spend"),
        against_capex(reader),
    ]


def lead(reader: Reader) -> list[Block]:
    row = reader.row(COST, {"run_id": CLAIM})
    if not row or row["cost_mid_usd"] is None:
        return [
            Text(
                "The run behind the claim has no recomputed cost by this date. ",
                *([row["reason"]] if row and row["reason"] else []),
                style="lead",
            )
        ]
    return [
        Text(
            "At the rental prices of its time, the final run of DeepSeek's V3 with R1 cost ",
            Figure(COST, row, "cost_low_usd", "usd"),
            " to ",
            Figure(COST, row, "cost_high_usd", "usd"),
            ". The developer's figure is ",
            Figure(COST, row, "claimed_cost_usd", "usd"),
            ".",
            style="lead",
        ),
        Heading("Why believe it", level=3),
        Items(
            (
                "The developer's paper states ",
                Figure(COST, row, "gpu_hours", "gpu_hours"),
                ". We multiply them by what others asked for an hour of such a chip, and not by the developer's own price.",
            ),
            (
                "The prices are ",
                Figure(COST, row, "n_offers", "count"),
                f" offers of specialist clouds within 120 days of the run, for an {row['priced_as']}",
                ", which stands in for the run's own chip." if row["is_stand_in"] else ".",
            ),
            (
                "The claimed cost means ",
                Figure(COST, row, "implied_usd_per_gpu_hour", "usd_per_hour"),
                " for an hour of a GPU. That is a price of rent and not of ownership.",
            ),
            (
                "It leaves out the experiments, salaries, failed runs and the hardware. ",
                Link("The answer", "index.html"),
                " says how much of it the claim covers.",
            ),
        ),
    ]


def ladder(reader: Reader) -> Chart:
    rows = reader.rows(
        f"""SELECT run_id, model, developer, cost_scope, claimed_cost_usd, cost_low_usd, cost_mid_usd, cost_high_usd, grade
        FROM {COST} WHERE NOT is_component AND list_contains(?, cost_scope)
        AND (developer LIKE 'DeepSeek%' AND (cost_mid_usd IS NOT NULL OR cost_scope <> 'final_run_rental')
          OR cost_scope = 'research_programme' AND claimed_cost_usd > 1e9
          OR model IN ('Llama 3.1 405B', 'GPT-4') AND cost_mid_usd IS NOT NULL)
        ORDER BY coalesce(cost_mid_usd, claimed_cost_usd), run_id""",
        list(LADDER),
    )
    return Chart(
        title="Costs that do not compare: a final run, a fleet, a year of research",
        description="Dots and bars on a logarithmic axis of dollars. Final runs at rental prices stand far to the left of the "
        "hardware that a developer owns and of a year of research.",
        draw=draw_ladder,
        note=("Logarithmic axis: each step is ten times the one before. Bars run from the lowest to the highest rental offer.",),
        numbers=Table(
            "ladder",
            "Training costs by what they count",
            rows,
            shown(COST, "model", Shown("cost_scope", "What it counts", "name"), Shown("claimed_cost_usd", "Claimed", "usd"),
                  Shown("cost_low_usd", "Recomputed, lowest", "usd"), Shown("cost_mid_usd", "Middle", "usd"),
                  Shown("cost_high_usd", "Highest", "usd"), "grade"),
            of=COST,
        ),
    )  # fmt: skip


def draw_ladder(rows: pl.DataFrame, width: int) -> charts.Drawing:
    rows = rows.with_columns(scope=pl.col("cost_scope").str.replace_all("_", " "))
    narrow = width <= charts.NARROW
    model = pl.col("model").str.replace(" (", "|(", literal=True) if narrow else pl.col("model")
    rows = rows.with_columns(what=pl.format("{}|{}" if narrow else "{}: {}", model, pl.col("scope")))
    order = rows["what"].unique(maintain_order=True).to_list()
    y = alt.Y(
        "what:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelExpr="split(datum.label, '|')", labelLimit=150 if narrow else 400, domain=False),
    )
    axis = alt.Axis(values=[1e6, 1e7, 1e8, 1e9, 1e10], labelExpr="{'6': '$1m', '7': '$10m', '8': '$100m', '9': '$1bn', '10': "
                    "'$10bn'}[format(log(datum.value) / LN10, '.0f')]", grid=True, title="Dollars, logarithmic")  # fmt: skip
    x = alt.X("value:Q", scale=alt.Scale(type="log", domain=[3e6, 1e10], nice=False), axis=axis)
    kinds = {"claimed_cost_usd": "Claimed or estimated", "cost_mid_usd": "Recomputed at rental prices"}
    long = (
        rows.unpivot(list(kinds), index=["what", "model"], variable_name="which")
        .drop_nulls("value")
        .with_columns(pl.col("which").replace_strict(kinds))
    )
    names = list(kinds.values())
    legend = alt.Legend(columns=1)  # beside long names the axes are narrow, and two in a line would reach beyond paper
    points = (
        alt.Chart(long)
        .mark_point(size=90)
        .encode(
            y=y,
            x=x,
            color=alt.Color(
                "which:N", scale=alt.Scale(domain=names, range=[charts.COLOURS[1], charts.COLOURS[0]]), legend=legend
            ),
            shape=alt.Shape("which:N", scale=alt.Scale(domain=names, range=["diamond", "circle"]), legend=legend),
            tooltip=[
                alt.Tooltip("model:N", title="Model"),
                alt.Tooltip("which:N", title="Cost"),
                alt.Tooltip("value:Q", title="$", format=",.0f"),
            ],
        )
    )
    spans = (
        alt.Chart(rows.drop_nulls("cost_low_usd"))
        .mark_rule(strokeWidth=5, opacity=0.35, color=charts.COLOURS[0])
        .encode(y=y, x=alt.X("cost_low_usd:Q"), x2=alt.X2("cost_high_usd:Q"))
    )
    return alt.layer(spans, points).properties(height=alt.Step(50 if narrow else 30))


def deepseek(reader: Reader) -> Table:
    rows = reader.rows(
        f"SELECT * FROM {COST} WHERE developer LIKE 'DeepSeek%' "
        "ORDER BY cost_mid_usd IS NULL, claimed_cost_usd IS NULL, published, run_id"
    )
    with_costs = rows.filter(pl.any_horizontal(pl.col("cost_mid_usd", "claimed_cost_usd").is_not_null())).height
    return Table(
        "deepseek",
        "Claimed against recomputed",
        rows,
        (
            Shown("model", "Run"),
            Shown("cost_scope", "What it counts", "name"),
            Shown("gpu_hours", "GPU-hours", "count"),
            Shown("claimed_cost_usd", "Claimed", "usd"),
            Shown("cost_low_usd", "Recomputed, lowest", "usd"),
            Shown("cost_mid_usd", "Middle", "usd"),
            Shown("cost_high_usd", "Highest", "usd"),
            Shown("implied_usd_per_gpu_hour", "Claim, an hour", "usd_per_hour"),
            Shown("utilisation", "Chips used to", "percent"),
            Shown("grade", "Grade", "grade"),
            Shown("reason", "Remark"),
        ),
        of=COST,
        about="A part of a run stands beside its whole, and the two are never added.",
        open_rows=with_costs,
    )


def others(reader: Reader) -> Table:
    rows = reader.rows(
        f"""SELECT * FROM {COMPARISON} WHERE rung = 'final_run_rental' AND cost_mid_usd IS NOT NULL
        ORDER BY published DESC NULLS LAST, model, basis"""
    )
    return Table(
        "others",
        "Final runs at rental prices, newest first",
        rows,
        (
            Shown("model", "Model"),
            Shown("basis", "Figure", "name"),
            Shown("developer", "Developer"),
            Shown("published", "Published", "date"),
            Shown("cost_low_usd", "Lowest", "usd"),
            Shown("cost_mid_usd", "Middle", "usd"),
            Shown("cost_high_usd", "Highest", "usd"),
            Shown("ratio", "Times V3", "factor"),
            Shown("grade", "Grade", "grade"),
        ),
        of=COMPARISON,
        about="A ratio is taken only between figures that count the same thing.",
        open_rows=15,
    )


def trend(reader: Reader) -> Table:
    rows = reader.rows(
        f"""SELECT * FROM {TREND} WHERE model LIKE '%DeepSeek%' OR is_break
        OR model IN ('GPT-4', 'Llama 3.1 405B', 'Grok 3') ORDER BY quantity DESC, released"""
    )
    return Table(
        "trend",
        "What training took, against the trend of all models",
        rows,
        (
            Shown("model", "Model"),
            Shown("quantity", "What", "name"),
            Shown("released", "Released", "date"),
            Shown("n_models", "Models in the trend", "count"),
            Shown("times_cheaper_a_year", "Cheaper a year", "factor"),
            Shown("times_cheaper_low", "95 % from", "factor"),
            Shown("times_cheaper_high", "to", "factor"),
            Shown("residual_sd", "Off the trend, deviations", "number"),
            Shown("is_break", "A break", "flag"),
            Shown("grade", "Grade", "grade"),
        ),
        of=TREND,
        about="Training a given capability becomes several times cheaper each year. A run is a break where it lies more than two "
        "standard deviations below that trend.",
        empty="Too few models with a known capability are public by this date to fit a trend.",
    )


def against_capex(reader: Reader) -> Table:
    rows = reader.rows(
        f"""SELECT * FROM {AGAINST_CAPEX} WHERE calendar_quarter = (SELECT max(calendar_quarter) FROM {AGAINST_CAPEX})
        ORDER BY comparison, cost_usd DESC, ticker"""
    )
    return Table(
        "against-capex",
        "How many such costs one quarter's spending equals",
        rows,
        (
            Shown("ticker", "Company"),
            Shown("calendar_quarter", "Quarter", "quarter"),
            Shown("model", "Run"),
            Shown("cost_scope", "What it counts", "name"),
            Shown("comparison", "Kind", "name"),
            Shown("capex_usd", "Spending", "usd"),
            Shown("cost_usd", "Cost", "usd"),
            Shown("equivalents", "Times", "factor"),
            Shown("remaining_difference", "What still differs"),
            Shown("grade", "Grade", "grade"),
        ),
        of=AGAINST_CAPEX,
        about="A final run is not a data centre: ratios against it are rhetoric, and marked so. The nearest cost that a developer "
        "states is the hardware that it owns.",
        open_rows=12,
    )
