"""What people call a table, a row and a column, and how a value reads on the page of a figure.

A warehouse names things for programs: `p25_usd_per_gpu_hour`, `flips_at_ai_share_end_customer`, `5.286e-17`. A page for
people shows none of these. A column has its own label where its name put into words would not do. Everything else is
made here, by rule, so that a new table reads well without anybody thinking of it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from warehouse.marts.common.in_words import NAMES
from warehouse.reports.values import readable
from warehouse.tables.table import Column, Table

UNKNOWN = "unknown"
THIN, MINUS = "\u00a0", "\u2212"
TABLES = {
    "assumptions": "Assumption",
    "attributable_revenue": "AI revenue attributed to a seller",
    "capex_group": "Spending of the four by quarter",
    "capex_guidance_change": "Guidance after the event",
    "capex_quarterly": "Spending of a company by quarter",
    "capex_vintages": "Vintage of spending",
    "capex_vs_training": "Spending held against a training cost",
    "capex_yearly": "Spending of a company by year",
    "claim_check": "Claim of the article",
    "event_cross_section": "Who was hit: regression across firms",
    "event_market_value": "Market value lost in a day",
    "event_persistence": "What came back after the event",
    "event_placebo": "Test tried on quiet days",
    "event_study": "Abnormal return",
    "event_study_tests": "Test of a role's abnormal returns",
    "glut_signals": "Sign of too much computing",
    "gpu_price_chain": "Rental price at constant quality",
    "gpu_price_comparison": "Our rental index beside a published one",
    "gpu_price_index": "Rental price by month",
    "gpu_price_trend": "Trend of rental prices",
    "method_changes": "Change of the method",
    "path_scores": "Our forecast held against a later fact",
    "published_estimates": "Estimate that others published",
    "redundant_by_elasticity": "Redundant spending by demand's response",
    "required_path": "Revenue that the path asks for",
    "training_comparison": "Training cost on one rung",
    "training_cost": "Training cost recomputed",
    "training_share": "Share of computing that trains",
    "training_share_own": "A company's own share of training",
    "training_share_readings": "Reading of the share that trains",
    "value_of_information": "What learning a fact would settle",
    "verdict": "Verdict",
    "verdict_conditions": "Condition of a verdict",
    "verdict_timeline": "Verdict as of an earlier day",
    "waste_probabilities": "Probability in the simulation",
    "waste_sensitivity": "What a driver does",
    "waste_simulation": "Simulated quantity",
    "waste_variants": "Verdict under another choice",
}
_WORDS = {
    "ttm": "over four quarters", "gpu": "GPU", "gpus": "GPUs", "r2": "R²", "eci": "capability index", "p05": "5th percentile",
    "p20": "20th percentile", "p25": "25th percentile", "p50": "median", "p75": "75th percentile", "p80": "80th percentile",
    "p95": "95th percentile", "flop": "FLOP", "tflops": "TFLOP/s", "pflop": "PFLOP", "6nd": "by 6 × parameters × tokens",
    "bf16": "BF16", "cpi": "consumer price index", "n": "number of", "sd": "standard deviation", "id": "name", "usd": "USD",
    "car": "cumulative abnormal return", "tdp": "power draw", "gb": "GB", "mid": "middle", "h100": "H100", "ai": "AI",
    "log10": "in orders of magnitude", "t": "t", "vs": "against",
}  # fmt: skip
SAID = {
    "ai_share": "part of the spending that is for AI",
    "attributable_revenue": "AI revenue",
    "cash_margin": "part of revenue left to pay with",
    "discount_rate": "cost of capital",
    "efficiency_gain": "how much cheaper training became",
    "elasticity": "demand's response to a lower price",
    "fleet": "size of the world's fleet",
    "inference_share": "part of computing that serves users",
    "life": "useful life of the equipment",
    "share_final": "final run's part of training",
    "training_share_readings": "which reading of training counts",
    "undisclosed_gross_up": "training that nobody disclosed",
    "utilisation": "how busy the chips are",
    "attributable_revenue_usd": "AI revenue a year",
    "breakeven_growth": "growth a year that breaks even",
    "breakeven_revenue_usd": "revenue a year that breaks even",
    "coverage": "part of the required revenue that is earned",
    "marginal_coverage": "part of its need that the newest money earns",
    "redundant_capex_share": "spending made redundant, after demand responds",
    "redundant_capex_share_gross": "spending made redundant, before demand responds",
    "remaining_life_years": "years that the capital has left",
    "required_revenue_usd": "revenue required a year",
    "standing_capital_usd": "capital still to be recovered",
    "training_share": "computing that published models took",
    "training_share_with_experiments": "computing that trains, with experiments",
    "final_run_cost_usd": "cost of the final run",
    "training_flop": "operations of training",
}
"""What is assumed and what is simulated, in words that need no formula."""
_CODES = {
    **NAMES,
    **SAID,
    "ALL": "the four together",
    "none": "no revenue view",
    "point": "revenue as drawn",
    "lower": "revenue at its lower bound",
    "upper": "revenue at its upper bound",
    "end_customer": "what end customers pay",
    "infrastructure": "what sellers of computing take",
    "overall": "Overall",
    "==": "equal to",
    ">=": "at least",
    "<=": "at most",
    ">": "above",
    "<": "below",
}
_SMALL, _LARGE = 1e-4, 1e15
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def table_label(table: Table) -> str:
    """A table as the heading of one of its rows."""
    return TABLES.get(table.name) or worded(table.name).capitalize()


def column_label(column: Column) -> str:
    """A column in words: its label, or its name with abbreviations spelt out."""
    return column.label or _named_in_words(column.name)


@cache
def _named_in_words(column: str) -> str:
    name = re.sub(r"_usd(?=_per_|$)", "", column) or column
    words = [_WORDS.get(part, part) for part in name.split("_")]
    said = " ".join(words)
    return said[:1].upper() + said[1:]


def row_label(table: Table, row: Mapping[str, Any]) -> str:
    """What a row is about, from the values of its key."""
    if table.schema == "core":
        names: tuple[str, ...] = tuple(name for name in table.key if name in row)
    else:
        names = table.key
    said = [worded(row[name]) for name in names if row.get(name) is not None]
    return ", ".join(filter(None, said))


def worded(value: Any) -> str:
    """A value of a key or a code in words: no underscore, no list of a program."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return f"{value.day}{THIN}{value:%B}{THIN}{value.year}"
    if isinstance(value, str):
        return _code_in_words(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(worded, value))
    return spoken(value, "")


@lru_cache(maxsize=65_536)
def _code_in_words(code: str) -> str:
    text = _CODES.get(code) or code
    quarter = re.fullmatch(r"(\d{4})Q([1-4])", text)
    return f"Q{quarter[2]}{THIN}{quarter[1]}" if quarter else re.sub(r"(?<=\w)_(?=\w)", " ", text)


def spoken(value: Any, unit: str) -> str:
    """A value of a column as people read it: shares in percent, dollars in billions, no more than four digits."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float | Decimal):
        return worded(value)
    number = float(value)
    if unit.startswith(("share", "fraction")):
        return f"{_digits(100 * number)}{THIN}%" + _after(unit)
    if unit == "probability":
        return "below 0.001" if 0 <= number < 0.001 else "above 0.999" if 0.999 < number <= 1 else _digits(number)
    if unit.startswith("USD"):
        return _dollars(number) + _after(unit)
    said = str(value) if isinstance(value, int) and unit in ("year", "") and 1900 < value < 2100 else _digits(number)
    return f"{said}{THIN}{unit}" if unit and unit not in ("ratio", "multiple", "year", "see unit", "0 or 1") else said


def in_full(value: Any) -> str:
    """A number with every digit that the warehouse holds, and no exponent of a program."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    text = repr(value) if not isinstance(value, Decimal) else str(value)
    if "e" in text.lower():
        digits, _, power = text.lower().partition("e")
        return f"{digits} × 10{str(int(power)).translate(_RAISED)}".replace("-", MINUS)
    whole, dot, rest = text.removesuffix(".0").partition(".")
    return f"{int(whole):,}{dot}{rest}".replace("-", MINUS) if whole not in ("-0",) else f"{MINUS}0{dot}{rest}"


def unit_of(column: Column, row: Mapping[str, Any]) -> str:
    """The unit of a value: the column's, or the row's own where the column holds figures of several quantities."""
    if column.unit and column.unit != "see unit":
        return column.unit
    if column.type in ("real", "integer") and column.name not in NOT_OF_THE_UNIT:
        own = row.get("unit")
        if isinstance(own, str) and own:
            return own
        if column.name.endswith("_usd"):
            return "USD"
    return ""


NOT_OF_THE_UNIT = (
    "draws",
    "seed",
    "year",
    "fiscal_year",
    "fiscal_quarter",
    "window_start",
    "window_end",
    "rank",
    "standard_error",
)


def _after(unit: str) -> str:
    """What follows a unit's symbol: "a year" of "USD a year"."""
    said = unit.partition(" ")[2]
    return f" {said}" if said else ""


def _dollars(number: float) -> str:
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(number) >= size * 0.9995:
            return f"{_sign(number)}${_digits(abs(number) / size)}{THIN}{name}"
    return f"{_sign(number)}${abs(number):,.2f}" if 0 < abs(number) < 1000 else f"{_sign(number)}${abs(number):,.0f}"


def _digits(number: float, significant: int = 4) -> str:
    if number == 0:
        return "0"
    if abs(number) >= _LARGE or abs(number) < _SMALL:
        power = math.floor(math.log10(abs(number)))
        return f"{_sign(number)}{abs(number) / 10**power:.2f} × 10{str(power).translate(_RAISED)}"
    decimals = max(0, significant - 1 - math.floor(math.log10(abs(number))))
    text = f"{abs(number):,.{decimals}f}"
    return _sign(number) + (text.rstrip("0").rstrip(".") if "." in text else text)


def _sign(number: float) -> str:
    return MINUS if number < 0 else ""


def assumed(held: str | None) -> str:
    """The value of an assumption, which the warehouse holds as JSON, in words."""
    if held is None:
        return "none"
    value = json.loads(held)
    if isinstance(value, dict) and "distribution" in value:
        kind = value.pop("distribution")
        parts = ", ".join(f"{worded(name)} {facts_value(number)}" for name, number in value.items())
        return f"{kind}: {parts}"
    if isinstance(value, dict):
        return "; ".join(f"{worded(name)}: {_of_assumption(part)}" for name, part in value.items())
    return _of_assumption(value)


def _of_assumption(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_of_assumption, value))
    if isinstance(value, dict):
        return ", ".join(f"{worded(name)} {_of_assumption(part)}" for name, part in value.items())
    return facts_value(value)


def facts_value(value: Any) -> str:
    """A value of a fact in a list: short, exact enough to find it in its document."""
    if isinstance(value, float) and value and (abs(value) >= _LARGE or abs(value) < _SMALL):
        return _digits(value)
    return worded(value) if isinstance(value, str | date) else readable(value)
