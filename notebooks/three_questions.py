"""Three questions to the published warehouse, each answered with a query and a chart.

    .venv/bin/marimo edit notebooks/three_questions.py     # to change it
    .venv/bin/marimo run notebooks/three_questions.py      # to read it

It reads the warehouse of OVERBUILD_HOME (`data/` in the current folder): `make run` makes one.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="overbuild: three questions")


@app.cell
def _():
    import altair as alt
    import marimo as mo
    import polars as pl

    import warehouse

    return alt, mo, pl, warehouse


@app.cell
def _(mo, warehouse):
    overall = warehouse.verdict().row(0, named=True)
    mo.md(
        f"""
        # Is AI infrastructure spending wasteful?

        As of {overall["as_of"]}: **{overall["verdict"].replace("_", " ")}**. {overall["headline"]}
        (Evidence: grade {overall["evidence_grade"]}.)

        The three questions below are where to start reading. `warehouse.table("NAME")` and `warehouse.sql("...")` give
        Polars frames; change a query, and everything below it follows.
        """
    )
    return


@app.cell
def _(mo):
    mo.md("""
    ## 1. How much do the four large buyers spend, and can they pay it from what they earn?
    """)
    return


@app.cell
def _(warehouse):
    spend = warehouse.sql(
        """
        select calendar_quarter, company, capex_usd / 1e9 as capex_billion_usd, capex_to_operating_cash_flow, grade
        from capex_quarterly
        where ticker in ('MSFT', 'GOOGL', 'META', 'AMZN') and calendar_quarter >= '2023Q1' and capex_usd is not null
        order by calendar_quarter, company
        """
    )
    return (spend,)


@app.cell
def _(alt, spend):
    spend_chart = (
        alt.Chart(spend, title="Capital expenditure by calendar quarter, billions of US dollars")
        .mark_bar()
        .encode(
            x=alt.X("calendar_quarter:O", title=None),
            y=alt.Y("capex_billion_usd:Q", title="billion USD"),
            color=alt.Color("company:N", title=None),
            tooltip=[
                "company:N",
                "calendar_quarter:O",
                alt.Tooltip("capex_billion_usd:Q", format=".1f"),
                alt.Tooltip("capex_to_operating_cash_flow:Q", format=".0%", title="of operating cash flow"),
                "grade:N",
            ],
        )
        .properties(width=600, height=260)
    )
    spend_chart
    return


@app.cell
def _(mo, pl, spend):
    latest = spend.filter(pl.col("capex_to_operating_cash_flow").is_not_null()).group_by("company").last()
    above = latest.filter(pl.col("capex_to_operating_cash_flow") > 1).get_column("company").sort().to_list()
    mo.md(
        f"In their latest quarter, spending exceeds operating cash flow at: **{', '.join(above) or 'none of them'}**."
    )
    return


@app.cell
def _(mo):
    mo.md("""
    ## 2. Whom did the market punish on 27 January 2025?
    """)
    return


@app.cell
def _(warehouse):
    day = warehouse.sql(
        """
        select company, role, actual_return, abnormal_return, t_stat
        from market_day
        where abnormal_return is not null
        order by abnormal_return
        limit 15
        """
    )
    return (day,)


@app.cell
def _(alt, day):
    day_chart = (
        alt.Chart(day, title="Return beyond what the market explains, that day")
        .mark_bar()
        .encode(
            x=alt.X("abnormal_return:Q", axis=alt.Axis(format="%"), title=None),
            y=alt.Y("company:N", sort="x", title=None),
            color=alt.Color("role:N", title=None),
            tooltip=[
                "company:N",
                "role:N",
                alt.Tooltip("abnormal_return:Q", format=".1%"),
                alt.Tooltip("t_stat:Q", format=".1f"),
            ],
        )
        .properties(width=600)
    )
    day_chart
    return


@app.cell
def _(mo):
    mo.md("""
    ## 3. Does the price of computing say that there is too much of it?
    """)
    return


@app.cell
def _(warehouse):
    rents = warehouse.sql(
        """
        select month, provider_class, median_usd_per_gpu_hour, p25_usd_per_gpu_hour, p75_usd_per_gpu_hour, n_providers
        from gpu_price_index
        where gpu_model = 'H100 SXM' and pricing_kind = 'on_demand' and median_usd_per_gpu_hour is not null
        order by provider_class, month
        """
    )
    return (rents,)


@app.cell
def _(alt, rents):
    base = alt.Chart(
        rents, title="An H100 SXM for an hour, on demand: median and middle half of the offers, US dollars"
    ).encode(x=alt.X("month:T", title=None), color=alt.Color("provider_class:N", title=None))
    rents_chart = (
        base.mark_area(opacity=0.2).encode(
            y=alt.Y("p25_usd_per_gpu_hour:Q", title="USD per GPU-hour"), y2="p75_usd_per_gpu_hour:Q"
        )
        + base.mark_line(point=True).encode(
            y="median_usd_per_gpu_hour:Q",
            tooltip=[
                "month:T",
                "provider_class:N",
                alt.Tooltip("median_usd_per_gpu_hour:Q", format=".2f"),
                "n_providers:Q",
            ],
        )
    ).properties(width=600, height=260)
    rents_chart
    return


@app.cell
def _(mo):
    mo.md("""
    A falling price alone does not show a glut: a newer chip also lowers it. `gpu_prices` holds every offer, and
    `warehouse.trace("gpu_price_index", "gpu_model = 'H100 SXM'")` gives the documents behind the medians.
    """)
    return


if __name__ == "__main__":
    app.run()
