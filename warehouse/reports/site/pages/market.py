"""Market's day: who fell when cheap training met the market, whether it lasted, and which tests may be believed.

If cheap training made computing wasteful, those who sell it would fall and those who buy it would not. So firms stand by
what they do. Each has its return beyond the market's own move with the interval of its market model. A firm that was
listed too late for a model has none, and stands in a band of its own with its plain return.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from warehouse.marts.common.scopes import GROUP
from warehouse.marts.verdict.decision import ASKED
from warehouse.reports.site.blocks import (
    Answer,
    Block,
    Card,
    Cards,
    Chart,
    Figure,
    Heading,
    Note,
    Shown,
    Strong,
    Table,
    Text,
    Words,
    shown,
)  # fmt: skip
from warehouse.reports.site.forms import speak
from warehouse.reports.site.market_charts import (
    NO_MODEL,
    ROLES,
    draw_firms,
    draw_guidance,
    draw_path,
    draw_roles,
)
from warehouse.reports.site.market_evidence import (
    DAY_0,
    INTERVAL,
    PORTFOLIO,
    STUDY,
    UNKNOWN,
    against,
    first_benchmark,
    hit,
    main_event,
    study_key,
    tests,
)
from warehouse.reports.site.page import Page, Reader

PAGE = Page(
    "market.html",
    "What did the market say that day?",
    "Who fell when cheap training became news, by how much more than the market, and whether it lasted.",
    label="Market's day",
    place=10,
)
PATH, VALUE, CHANGE, VERDICT = (
    "marts.event_persistence", "marts.event_market_value", "marts.capex_guidance_change", "marts.verdict",
)  # fmt: skip
AFTER = (0, 1, 5, 10, 20, 60, 120)
"""Trading days after the event at which the table of paths is read."""


def content(reader: Reader) -> Sequence[Block]:
    day = main_event(reader)
    return [
        *lead(reader, day),
        by_role(reader, day),
        Text(
            "Wasted computing would hurt those who sell it and power it. Those who buy it would rise or stay.",
            style="about",
        ),
        by_firm(reader, day),
        Heading("What Nvidia lost in dollars"),
        *dollars(reader, day),
        Heading("The days after"),
        *after(reader, day),
        Heading("Which market to compare with"),
        against(reader, day),
        Heading("Which tests to believe"),
        *tests(reader, day),
        Heading("Who was hit"),
        hit(reader, day),
        Heading("What the buyers did next"),
        *guidance(reader, day),
        Heading("The other days"),
        other_days(reader),
    ]


def lead(reader: Reader, day: date) -> list[Block]:
    blocks: list[Block] = []
    benchmark = first_benchmark(reader)
    key = study_key(day, "NVDA", benchmark)
    nvidia = reader.row(STUDY, key)
    if nvidia.get("actual_return") is None:
        blocks.append(Note(Strong("The day itself is unknown. "), UNKNOWN, style="warning"))
    else:
        supplier, buyer = (study_key(day, f"{PORTFOLIO}{role}", benchmark) for role in ("supplier", "buyer"))
        blocks += [
            Text("Nvidia's share returned ", Figure(STUDY, key, "actual_return", "change"), f" on {speak(day, 'date')}. ",
                 "Beyond what the whole market explains, that is ", Figure(STUDY, key, "abnormal_return", "change"),
                 ".", style="lead"),
            Cards([
                Card("Market value that Nvidia lost",
                     Figure(VALUE, value_key(day, "computed"), "market_value_change_usd", "usd"),
                     ("Change of the closing price times the shares known that day.",)),
                Card("Chips and equipment, beyond the market", Figure(STUDY, supplier, "abnormal_return", "change"),
                     ("Mean of ", Figure(STUDY, supplier, "n_firms", "count"), " firms.")),
                Card("Large buyers, beyond the market", Figure(STUDY, buyer, "abnormal_return", "change"),
                     ("Mean of ", Figure(STUDY, buyer, "n_firms", "count"), " firms.")),
            ]),
        ]  # fmt: skip
    verdict = {"scope": GROUP, "question": "Q4"}
    row = reader.row(VERDICT, verdict)
    if row:
        blocks.append(Answer(ASKED["Q4"], row["verdict"], Words(VERDICT, verdict, "headline")))
    return blocks


def by_role(reader: Reader, day: date) -> Chart:
    rows = reader.rows(
        f"""SELECT * FROM {STUDY} WHERE event_date = ? AND benchmark = ? AND {DAY_0} AND starts_with(ticker, '{PORTFOLIO}')
        AND abnormal_return IS NOT NULL ORDER BY abnormal_return""",
        day,
        first_benchmark(reader),
    ).with_columns(group=pl.col("role").replace(ROLES))
    return Chart(
        title="Who moved, those who sell computing or those who buy it?",
        description="Dots of the mean return beyond the market of each group of firms on the day, with 95 % intervals.",
        draw=draw_roles,
        note=(
            "Each group is held as a portfolio with equal parts. "
            "Lines are 95 % intervals; where one crosses zero, chance may have done it.",
        ),
        numbers=Table(
            "roles",
            "Return beyond the market, by what firms do",
            rows,
            (
                Shown("group", "Group"),
                Shown("n_firms", "Firms", "count"),
                Shown("actual_return", "Plain return", "change"),
                Shown("abnormal_return", "Beyond the market", "change"),
                *INTERVAL,
                Shown("p_value", "p-value", "probability"),
                Shown("grade", "Grade", "grade"),
                Shown("reason", "Remark"),
            ),
            of=STUDY,
            empty=UNKNOWN,
        ),
    )


def by_firm(reader: Reader, day: date) -> Chart:
    rows = reader.rows(
        f"""SELECT s.*, coalesce(c.company, s.ticker) AS company FROM {STUDY} s LEFT JOIN companies c ON c.ticker = s.ticker
        WHERE s.event_date = ? AND s.benchmark = ? AND {DAY_0} AND s.role <> 'benchmark'
        AND NOT starts_with(s.ticker, '{PORTFOLIO}') ORDER BY s.actual_return NULLS LAST, s.ticker""",
        day,
        first_benchmark(reader),
    )
    known = pl.col("abnormal_return").is_not_null()
    rows = rows.with_columns(
        group=pl.col("role").replace(ROLES),
        band=pl.when(known).then(pl.col("role").replace(ROLES)).otherwise(pl.lit(NO_MODEL)),
        why=pl.when(known).then(None).otherwise(pl.col("reason").str.split("; ").list.first()),
    )
    if not rows["actual_return"].is_not_null().any():
        rows = rows.clear()
    return Chart(
        title="How far did each firm move, and how far beyond the market?",
        description="One row a firm, in groups by what firms do, largest fall first. A dot is the return beyond the market "
        "with its 95 % interval, a diamond the plain return. Firms without a market model are a group of their own.",
        draw=draw_firms,
        note=(
            "Firms that were listed too late have no market model. They stand in the last group with their plain return.",
        ),
        numbers=Table(
            "firms",
            "Every firm, largest fall first",
            rows,
            (
                Shown("company", "Company"),
                Shown("group", "What it does"),
                Shown("actual_return", "Plain return", "change"),
                Shown("abnormal_return", "Beyond the market", "change"),
                *INTERVAL,
                Shown("p_value", "p-value", "probability"),
                Shown("why", "Why there is no model"),
                Shown("grade", "Grade", "grade"),
            ),
            of=STUDY,
            empty=UNKNOWN,
        ),
    )


def value_key(day: date, figure: str) -> dict[str, Any]:
    return {"event_date": day, "ticker": "NVDA", "figure": figure, "figure_id": figure}


def dollars(reader: Reader, day: date) -> list[Block]:
    rows = reader.rows(
        f"SELECT * FROM {VALUE} WHERE event_date = ? AND ticker = 'NVDA' AND figure <> 'computed' ORDER BY figure_id",
        day,
    ).with_columns(by=pl.col("figure").replace({"article": "The article", "press": "The press"}))
    key = value_key(day, "computed")
    said: list[Block] = []
    if reader.row(VALUE, key).get("market_value_change_usd") is not None:
        said.append(
            Text("One share went from ", Figure(VALUE, key, "close_before_usd", "usd_per_hour"), " to ",
                 Figure(VALUE, key, "close_usd", "usd_per_hour"), ", and there were ",
                 Figure(VALUE, key, "shares", "count"), " of them. The change of the price times the shares is ",
                 Figure(VALUE, key, "market_value_change_usd", "usd"), ".")
        )  # fmt: skip
    return [
        *said,
        Table(
            "value",
            "What others say that Nvidia lost",
            rows,
            (
                Shown("by", "By"),
                Shown("market_value_change_usd", "Change", "usd"),
                Shown("difference_share", "Off by", "change"),
                Shown("explanation", "Why it differs"),
                Shown("grade", "Grade", "grade"),
            ),
            of=VALUE,
            empty=UNKNOWN,
        ),
    ]


def after(reader: Reader, day: date) -> list[Block]:
    """The suppliers' path with what a test could see at all, then all groups at a few days."""
    rows = reader.rows(
        f"""SELECT * FROM {PATH} WHERE event_date = ? AND ticker = '{PORTFOLIO}supplier' AND basis = 'market_model'
        AND cumulative_return IS NOT NULL AND day <= 60 ORDER BY day""",
        day,
    )
    days = other_news(reader)
    remark = pl.lit(None, dtype=pl.String)
    for at, what in days.items():
        is_first = (pl.col("date") >= at) & (pl.col("date").shift(1) < at)
        remark = pl.when(is_first).then(pl.lit(what)).otherwise(remark)
    rows = rows.with_columns(news=remark)
    return [
        *back_again(reader, day, rows),
        Chart(
            title="Did the loss of those who sell computing last?",
            description="A line of the suppliers' cumulative return beyond the market over sixty trading days. A growing band "
            "around zero holds what the test would miss.",
            draw=draw_path,
            note=(
                "Inside the striped band a loss may be there and the test would miss it. "
                "The dashed line is a loss as large as the first day's. Other news that moved all shares is marked.",
            ),
            numbers=Table(
                "path",
                "Makers of chips and equipment, day by day",
                rows,
                (
                    Shown("day", "Trading day", "count", opens=""),
                    Shown("date", "Date", "date"),
                    Shown("cumulative_return", "Beyond the market, summed", "change"),
                    Shown("smallest_detectable_car", "Smallest that the test finds", "percent"),
                    Shown("sees_first_day_loss", "Would it see the first day's loss?", "flag"),
                    Shown("share_recovered", "Part of the loss made good", "change"),
                    Shown("news", "Other news"),
                ),
                of=PATH,
                empty=UNKNOWN,
            ),
        ),
        paths(reader, day),
    ]


def other_news(reader: Reader) -> dict[date, str]:
    """Days on which something else moved the whole market, and what."""
    found = reader.one("SELECT value FROM marts.assumptions WHERE key = 'other_news'")
    return {date.fromisoformat(at): what for at, what in json.loads(found["value"]).items()} if found else {}


def back_again(reader: Reader, day: date, rows: pl.DataFrame) -> list[Block]:
    blocks: list[Block] = []
    seen = rows.filter(pl.col("sees_first_day_loss"))
    if seen.height:
        last = seen.row(-1, named=True)
        blocks.append(
            Text("A loss as large as the first day's can be seen for ", Figure(PATH, last, "day", "count"),
                 " trading days after it. Later, chance moves these shares by as much.")
        )  # fmt: skip
    price = {"event_date": day, "ticker": "NVDA", "basis": "price", "day": 0}
    if reader.row(PATH, price).get("recovered_on"):
        blocks.append(
            Text("Nvidia's share was back at its earlier price after ", Figure(PATH, price, "days_to_recover", "count"),
                 " trading days, on ", Figure(PATH, price, "recovered_on", "date"), ".")
        )  # fmt: skip
    return blocks


def paths(reader: Reader, day: date) -> Table:
    rows = reader.rows(
        f"""SELECT * FROM {PATH} WHERE event_date = ? AND starts_with(ticker, '{PORTFOLIO}') AND basis = 'market_model'
        AND list_contains(?, day) AND cumulative_return IS NOT NULL
        ORDER BY list_position(?, role) NULLS LAST, role, day""",
        day,
        list(AFTER),
        list(ROLES),
    ).with_columns(group=pl.col("role").replace(ROLES))
    held = [pl.when(pl.col("date") >= at).then(pl.lit(what)) for at, what in other_news(reader).items() if at > day]
    rows = rows.with_columns(holds=pl.concat_str(*held, separator=", ", ignore_nulls=True) if held else pl.lit(""))
    return Table(
        "paths",
        "All groups, some days later",
        rows,
        (
            Shown("group", "Group"),
            Shown("day", "Trading days after", "count", opens=""),
            Shown("cumulative_return", "Beyond the market, summed", "change"),
            Shown("smallest_detectable_car", "Smallest that the test finds", "percent"),
            Shown("share_recovered", "Part of the loss made good", "change"),
            Shown("holds", "Other news in between"),
        ),
        of=PATH,
        open_rows=len(AFTER),
        empty=UNKNOWN,
    )


def guidance(reader: Reader, day: date) -> list[Block]:
    rows = reader.rows(
        f"""SELECT g.*, coalesce(c.company, g.ticker) AS company FROM {CHANGE} g LEFT JOIN companies c ON c.ticker = g.ticker
        WHERE g.event_date = ? AND g.ticker <> '{GROUP}' ORDER BY g.change_share DESC NULLS LAST, g.ticker""",
        day,
    )
    whole = {"event_date": day, "ticker": GROUP}
    said: list[Block] = []
    if reader.row(CHANGE, whole).get("change_usd") is not None:
        said.append(
            Text("The first plans after the day changed by ", Figure(CHANGE, whole, "change_usd", "usd"), " in total, or ",
                 Figure(CHANGE, whole, "change_share", "change"), ".")
        )  # fmt: skip
    return [
        *said,
        Chart(
            title="Did the buyers plan to spend less after that day?",
            description="For each buyer two marks: the plan before the day, or last year's spending where there was none, and "
            "the first plan after it.",
            draw=draw_guidance,
            note=("Where no plan for the year was known before the day, last year's spending stands in.",),
            numbers=Table(
                "guidance",
                "Plans before and after",
                rows,
                shown(
                    CHANGE,
                    Shown("company", "Company"),
                    Shown("guidance_before_usd", "Plan before", "usd"),
                    Shown("last_years_capex_usd", "Spent the year before", "usd"),
                    Shown("guidance_after_usd", "First plan after", "usd"),
                    Shown("issued_after_on", "Given on", "date"),
                    Shown("change_share", "Change", "change"),
                    "grade",
                    Shown("reason", "Remark"),
                ),
                of=CHANGE,
                empty="No plan given after the day is known by this date.",
            ),
        ),
    ]


def other_days(reader: Reader) -> Table:
    rows = reader.rows(
        f"""SELECT * FROM {STUDY} WHERE benchmark = ? AND {DAY_0} AND abnormal_return IS NOT NULL
        AND list_contains(['NVDA', '{PORTFOLIO}supplier', '{PORTFOLIO}buyer'], ticker) ORDER BY session, ticker""",
        first_benchmark(reader),
    ).with_columns(
        whose=pl.when(pl.col("ticker") == "NVDA").then(pl.lit("Nvidia")).otherwise(pl.col("role").replace(ROLES))
    )
    return Table(
        "days",
        "Returns beyond the market on each day of news",
        rows,
        shown(STUDY, Shown("event", "News"), Shown("session", "Trading day", "date"), Shown("whose", "Whose"),
              Shown("abnormal_return", "Beyond the market", "change"), Shown("p_value", "p-value", "probability"), "grade"),
        of=STUDY,
        empty=UNKNOWN,
    )  # fmt: skip
