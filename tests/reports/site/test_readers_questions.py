"""Ten questions that readers ask, answered from the front page by links that they would follow, with no browser.

Each names the links by their words, the place on the page where the answer stands, and what the warehouse holds. A
minute is enough for two links; so none takes more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import html

from warehouse.reports.site.forms import speak

MOST = 2
MAIN_DAY = "event_date = '2025-01-27'"


@dataclass(frozen=True)
class Asked:
    """A question; the words of the links from the front page; the place of the answer there; and the answer by SQL.

    The first column of `sql` is the answer in `form` (short, as tables have it, with `short`). Without `sql` it is that the
    place says something.
    """

    question: str
    links: tuple[str, ...]
    place: str
    sql: str = ""
    form: str = "text"
    short: bool = False


ROW = "//section[@id='{}']//tr[{}]"
ASKED = (
    Asked(
        "How much did Meta spend in 2025?",
        ("Spending",),
        ROW.format("years", "th='2025' and td='Meta Platforms'"),
        "SELECT capex_usd FROM marts.capex_yearly WHERE ticker = 'META' AND year = 2025 AND year_kind = 'calendar'",
        "usd",
        short=True,
    ),
    Asked(
        "When did the answer last change?",
        ("Verdict over time",),
        "//p[@class='lead']",
        """SELECT max(as_of) FROM (SELECT as_of, verdict, lag(verdict) OVER (PARTITION BY question ORDER BY as_of) AS before
        FROM marts.verdict_timeline WHERE scope = 'ALL') WHERE verdict <> before""",
        "date",
    ),
    Asked(
        "Why should I believe some 6 or 7 million?",
        ("How this was made: Is the cheap-training claim true?",),
        "//h2[.='Why believe it']/following-sibling::ul[1]/li[1]",
        """SELECT t.gpu_hours FROM marts.training_cost t JOIN marts.verdict_conditions c ON abs(t.cost_low_usd - c.value) < 1
        WHERE c.scope = 'ALL' AND c.condition = 'recomputed_low_within_factor'""",
        "gpu_hours",
    ),
    Asked(
        "How many dollars did Nvidia lose that day?",
        ("Market's day",),
        "//section[contains(@class, 'card')][contains(., 'Nvidia lost')]",
        f"""SELECT market_value_change_usd FROM marts.event_market_value WHERE ticker = 'NVDA' AND {MAIN_DAY}
        AND figure = 'computed'""",
        "usd",
    ),
    Asked(
        "What does an hour of an H100 cost?",
        ("GPU prices",),
        "//p[@class='lead']",
        """SELECT median_usd_per_gpu_hour FROM marts.gpu_price_index WHERE gpu_model = 'H100 SXM' AND provider_class =
        'specialist' AND pricing_kind = 'on_demand' AND median_usd_per_gpu_hour IS NOT NULL ORDER BY month DESC""",
        "usd_per_hour",
    ),
    Asked(
        "How is the share that is redundant computed?",
        ("−0.1\u00a0%",),
        "//h2[@id='assumptions']/following-sibling::*[1]",
        "SELECT key FROM marts.assumptions WHERE key = 'elasticity'",
        "name",
    ),
    Asked(
        "Does Microsoft's spending pay?",
        ("Companies",),
        "//section[contains(@class, 'card')][contains(., 'Microsoft')]//*[contains(@class, 'verdict')]",
        "SELECT verdict FROM marts.verdict WHERE scope = 'MSFT' AND question = 'Q3'",
        "verdict",
    ),
    Asked(
        "How many claims of the article are wrong?",
        ("Claims",),
        "//figure[@id='counts']//tr[th='Wrong' and td='now']/td[last()]",
        "SELECT count(*) FROM marts.claim_check WHERE finding = 'wrong'",
        "count",
    ),
    Asked(
        "How old are the share prices?",
        ("how fresh each table is",),
        ROW.format("sources", "th='Share prices'"),
        "SELECT max(date) FROM core.stock_prices",
        "date",
        short=True,
    ),
    Asked(
        "What would prove the answer on payback wrong?",
        ("Attack this", "Does the spending pay?"),
        "//h2[.='What would refute it']/following-sibling::p[1]",
        "SELECT would_change FROM marts.verdict WHERE scope = 'ALL' AND question = 'Q3'",
    ),
    Asked(
        "Where can I take the data away?",
        ("Data", "every table as Parquet and CSV"),
        "//body",
        "SELECT 'CSV'",
    ),
)


@pytest.fixture(scope="module")
def site(request) -> Path:
    given = os.environ.get("OVERBUILD_TEST_SITE")
    return Path(given) if given else Path(request.getfixturevalue("published")[0]) / "site"


def words(element) -> str:
    return " ".join(element.text_content().split()).replace("\u00a0", " ")


def followed(site: Path, links: tuple[str, ...]) -> Path:
    """The page that some links lead to from the front page, each found by its whole words and leading to one place."""
    page = site / "index.html"
    for link in links:
        said = link.replace("\u00a0", " ")
        found = {
            each.get("href").partition("#")[0] for each in html.parse(str(page)).xpath("//a") if words(each) == said
        }
        assert len(found) == 1, f"{page.name}: {link} leads to {sorted(found)}"
        page = page.parent / found.pop()
    return page


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.question)
def test_the_answer_is_two_links_from_the_front_page_at_most(site, connection, asked):
    assert len(asked.links) <= MOST
    links = asked.links
    if asked.links[0].endswith("%"):  # the figure itself is the link
        [(value,)] = connection.execute(
            "SELECT p50 FROM marts.waste_simulation WHERE scope = 'ALL' AND quantity = 'redundant_capex_share'"
        ).fetchall()
        links = (speak(value, "percent", short=True),)
    found = [words(each) for each in html.parse(str(followed(site, links))).xpath(asked.place)]
    value = connection.execute(asked.sql).fetchone()[0]
    answer = speak(value, asked.form, short=asked.short).replace("\u00a0", " ")
    assert any(answer.lower() in said.lower() for said in found), f"{answer} is not in {found}"
