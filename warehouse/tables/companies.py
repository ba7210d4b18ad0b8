"""The panel: which tickers are looked at and as what.

The role is our classification (who sells compute, who buys it, who powers it, who uses it), valid at every date.
"""

from warehouse.tables.guide import Guide
from warehouse.tables.promise import ON_CALL, RESEARCH, Promise
from warehouse.tables.table import Check, Column, core

ROLE_MEANINGS = {
    "supplier": "makes chips, servers, networks or what they need",
    "buyer": "buys computing by the tens of billions: the companies whose spending is asked about",
    "power": "makes electricity, or builds what carries and cools it",
    "neocloud": "rents out GPUs, and little else",
    "adopter": "sells software that uses AI",
    "benchmark": "fund that stands for the market",
}
ROLES = tuple(ROLE_MEANINGS)

TABLE = core(
    "companies",
    "tickers of the panel with their role and fiscal year",
    [
        Column("ticker", "text", "ticker", required=True),
        Column("company", "text", "name", required=True),
        Column("role", "text", "role in the question", required=True, allowed=ROLE_MEANINGS),
        Column("cik", "integer", "the SEC's number; null where its filings are not used", minimum=1),
        Column("fiscal_year_end_month", "integer", "month in which the fiscal year ends", minimum=1, maximum=12),
    ],
    promise=Promise(RESEARCH, ON_CALL, 366, "days", "newest_fact"),
    key=("ticker",),
    identity=("ticker", "known_on"),
    checks=(
        Check(
            "one_company_a_number",
            "select ticker, company, cik, document_sha256, locator from {table} where cik is not null "
            "qualify count(distinct company) over (partition by cik) > 1",
            "two companies with one SEC number: one would show the other's filings as its own",
            columns=("cik",),
        ),
        Check(
            "ticker_in_capitals",
            "ticker <> upper(trim(ticker))",
            "a ticker in small letters is another one to every join, and the company would stand in the panel twice",
            quarantines=True,
            columns=("ticker",),
        ),
        Check(
            "panel_has_those_asked_about",
            "select asked as ticker, 'not in the panel' as found from (values ('MSFT'), ('GOOGL'), ('META'), ('AMZN'), ('SPY')) "
            "v(asked) where asked not in (select ticker from {table}) and exists (select 1 from {table})",
            "without one of the four companies, or the benchmark, a question would be answered for fewer than it is asked for",
            severity="warning",
            columns=("ticker",),
        ),
    ),
    guide=Guide(
        "One row for each ticker of the panel.",
        "",
        {
            "Which firms have which role?": "select role, list(ticker order by ticker) as tickers from companies group by "
            "all",
            "Whose fiscal year does not end in December?": "select ticker, company, fiscal_year_end_month from companies "
            "where fiscal_year_end_month <> 12",
            "Who are the buyers?": "select ticker, company from companies where role = 'buyer'",
        },
    ),
)
