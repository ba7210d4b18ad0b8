"""The model behind Q2 and Q3: what is drawn, and the two formulas that turn draws into shares and coverage.

A point estimate of a figure whose inputs are known within a factor of two is a guess with decimals. So every input that
is a judgement is a driver with a distribution, and the answer is a distribution too. Each driver has random numbers of
its own, made from the seed and its name: the same for every scope (so that companies differ by their facts and not by
luck), unchanged when another driver is added, and unchanged when its distribution is, so that two assumptions are
compared on the same draws.

Everything here takes arrays of draws or single numbers alike; nothing here reads a table of `core`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtri

from warehouse.assumptions import Assumptions, Distribution
from warehouse.marts.common.scopes import COMPANIES, GROUP, SCOPES, VIEWS
from warehouse.marts.training.training_share import H100_DENSE_BF16_FLOP_PER_S, SECONDS_PER_YEAR

Values = Mapping[str, Any]
Grade = str | None
DAYS_PER_YEAR = 365.25
NO_VIEW = "none"
# What is said beside the result of the vintages; neither is a reason for anything that is missing.
LEFT_OUT = "left out, as their capex is unknown"
SO_FAR = "by the quarters known so far"
SHARE_QUANTITIES = (
    "training_share",
    "training_share_with_experiments",
    "redundant_capex_share_gross",
    "redundant_capex_share",
)
PAY_QUANTITIES = (
    "required_revenue_usd",
    "attributable_revenue_usd",
    "coverage",
    "years_to_cover",
    "remaining_life_years",
)


@dataclass(frozen=True)
class Driver:
    """One thing that is drawn: a sum of distributions times a scale, held inside its bounds; and the facts behind it.

    Most drivers are one distribution; attributable revenue is a sum over entities, each drawn by itself.
    """

    name: str
    parts: tuple[tuple[str, Distribution], ...]
    scale: float = 1.0
    minimum: float = -np.inf
    maximum: float = np.inf
    facts: tuple[str, ...] = ()
    grade: Grade = None
    known_on: date | None = None

    def values(self, seed: int, draws: int) -> np.ndarray:
        """Its draws; not to be written to."""
        return drawn_values(self.parts, self.scale, self.minimum, self.maximum, seed, draws)

    def _of(self, figure: str) -> float:
        total = sum(getattr(drawn, figure) for _, drawn in self.parts)
        return float(np.clip(self.scale * total, self.minimum, self.maximum))

    @property
    def low(self) -> float:
        return self._of("low")

    @property
    def high(self) -> float:
        return self._of("high")

    @property
    def central(self) -> float:
        """Sum of the medians."""
        total = sum(float(quantile(drawn, np.array(0.5))) for _, drawn in self.parts)
        return float(np.clip(self.scale * total, self.minimum, self.maximum))


@lru_cache(maxsize=64)
def uniforms(seed: int, name: str, draws: int) -> np.ndarray:
    """Uniform draws of one name, the same whatever else is drawn; not to be written to."""
    drawn = np.random.default_rng([seed, zlib.crc32(name.encode())]).random(draws)
    drawn.flags.writeable = False
    return drawn


@lru_cache(maxsize=64)
def drawn_values(
    parts: tuple[tuple[str, Distribution], ...], scale: float, minimum: float, maximum: float, seed: int, draws: int
) -> np.ndarray:
    total = sum(quantile(drawn, uniforms(seed, name, draws)) for name, drawn in parts)
    values = np.clip(scale * np.asarray(total), minimum, maximum)
    values.flags.writeable = False
    return values


def quantile(drawn: Distribution, u: np.ndarray) -> np.ndarray:
    """Values of a distribution at probabilities `u` (its inverse distribution function)."""
    if drawn.kind == "point":
        return np.full(np.shape(u), drawn["value"])
    if drawn.kind == "normal":
        return drawn["mean"] + drawn["sd"] * ndtri(u)
    low, high = drawn["low"], drawn["high"]
    if drawn.kind == "uniform":
        return low + (high - low) * u
    width, rise = high - low, drawn["mode"] - low
    if width == 0:
        return np.full(np.shape(u), low)
    below = low + np.sqrt(u * width * rise)
    above = high - np.sqrt((1 - u) * width * (high - drawn["mode"]))
    return np.where(u < rise / width, below, above)


# ---- Formulas ------------------------------------------------------------------------------------------------------


def redundancy(values: Values, training_flop_added: float) -> dict[str, Any]:
    """How much capex cheap training makes redundant (method 4.2 to 4.5), by quantity; shares.

    `fleet` is in H100-equivalents, `efficiency_gain` is k, `elasticity` is e.
    """
    fleet_flop = values["fleet"] * H100_DENSE_BF16_FLOP_PER_S * values["utilisation"] * SECONDS_PER_YEAR
    share = training_flop_added * values["undisclosed_gross_up"] / fleet_flop
    with_experiments = np.minimum(share / values["share_final"], 1.0)
    gain, elasticity = values["efficiency_gain"], values["elasticity"]
    return {
        "training_share": share,
        "training_share_with_experiments": with_experiments,
        "redundant_capex_share_gross": with_experiments * (1 - 1 / gain),
        "redundant_capex_share": with_experiments * (1 - gain ** (elasticity - 1)),
    }


def capital_recovery(rate: Any, life: Any) -> Any:
    """CRF(r, L) = r / (1 - (1 + r)^-L): what has to come back each year for one dollar spent; 1 / L at no interest."""
    rate, life = np.asarray(rate, dtype=float), np.asarray(life, dtype=float)
    counts = rate > 1e-12  # below it the formula is rounding, and the limit 1 / L exact
    some = np.where(counts, rate, 1.0)
    return np.where(counts, some / -np.expm1(-life * np.log1p(some)), 1 / life)


def payback(values: Values, capex_usd: Sequence[float], ages_years: Sequence[float]) -> dict[str, Any]:
    """Does the spend pay (method 5)? By quantity; `capex_usd` and `ages_years` are the vintages'.

    A vintage older than its life has dropped out. Where all have, nothing is required: coverage is infinite and there
    is no remaining life. Coverage of 1 or more takes no years; without growth it takes for ever.
    """
    life = np.asarray(values["life"], dtype=float)
    standing: Any = 0.0
    lived: Any = 0.0
    for capex, age in zip(capex_usd, ages_years, strict=True):
        alive = np.where(age < life, capex, 0.0)
        standing, lived = standing + alive, lived + alive * (life - age)
    recovery = capital_recovery(values["discount_rate"], life)
    required = standing * values["ai_share"] * recovery / values["cash_margin"]
    found = {
        "required_revenue_usd": required,
        "remaining_life_years": np.divide(lived, standing, out=np.zeros_like(lived + 0.0), where=standing > 0),
    }
    if "attributable_revenue" in values:
        revenue = np.asarray(values["attributable_revenue"], dtype=float)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            coverage = np.where(required > 0, revenue / np.where(required > 0, required, 1.0), np.inf)
            growth = np.asarray(values["growth"], dtype=float)
            years = np.log(1 / coverage) / np.log1p(np.where(growth > 0, growth, np.nan))
            years = np.where(coverage >= 1, 0.0, np.where(growth > 0, years, np.inf))
        found |= {"attributable_revenue_usd": revenue + 0 * required, "coverage": coverage, "years_to_cover": years}
    return found


# ---- A model for each scope and view -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """What can be drawn for one scope and revenue view, and with what it is computed.

    `reasons` says for a quantity why it cannot be computed; `notes` what to know about those that can.
    """

    scope: str
    view: str
    drivers: tuple[Driver, ...] = ()
    quantities: tuple[str, ...] = ()
    training_flop_added: float | None = None
    capex_usd: tuple[float, ...] = ()
    ages_years: tuple[float, ...] = ()
    grade: Grade = None
    known_on: date | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    note: str | None = None

    @property
    def deciding(self) -> str:
        return "redundant_capex_share" if self.view == NO_VIEW else "coverage"

    def draw(self, seed: int, draws: int) -> dict[str, np.ndarray]:
        return {driver.name: driver.values(seed, draws) for driver in self.drivers}

    def simulate(self, seed: int, draws: int) -> Mapping[str, np.ndarray]:
        """Every quantity over the draws; kept, as several marts ask for it and the world's share is every scope's."""
        return simulated(Computation(self), seed, draws)

    def compute(self, values: Values) -> dict[str, Any]:
        """Every quantity of this model that can be computed, from draws or single values of its drivers."""
        if not self.quantities:
            return {}
        if self.view == NO_VIEW:
            assert self.training_flop_added is not None
            return redundancy(values, self.training_flop_added)
        return payback(values, self.capex_usd, self.ages_years)


@dataclass(frozen=True)
class Computation:
    """A model by what its figures depend on (not by scope or facts), so that the same computation is done once."""

    model: Model = field(compare=False)
    key: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        m = self.model
        drawn = tuple((d.name, d.parts, d.scale, d.minimum, d.maximum) for d in m.drivers)
        key = (m.view == NO_VIEW, drawn, m.quantities, m.training_flop_added, m.capex_usd, m.ages_years)
        object.__setattr__(self, "key", key)


@lru_cache(maxsize=16)
def simulated(computation: Computation, seed: int, draws: int) -> Mapping[str, np.ndarray]:
    return computation.model.compute(computation.model.draw(seed, draws))


def models(
    training_share: pl.DataFrame,
    capex_vintages: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    evidence: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> list[Model]:
    """The models of all scopes: Q2 (view none), then Q3 in each revenue view that the scope has.

    Kept while the very same frames are asked about, as several marts ask in turn.
    """
    asked = (training_share, capex_vintages, attributable_revenue, evidence, assumptions, as_of)
    for before, found in _last_asked:
        if all(now is then for now, then in zip(asked, before, strict=True)):
            return found
    found = _models(*asked)
    _last_asked[:] = [(asked, found)]
    return found


_last_asked: list[tuple[tuple[Any, ...], list[Model]]] = []


def _models(
    training_share: pl.DataFrame,
    capex_vintages: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    evidence: pl.DataFrame,
    assumptions: Assumptions,
    as_of: date,
) -> list[Model]:
    behind = {row["evidence_id"]: row for row in evidence.select("evidence_id", "grade", "known_on").to_dicts()}
    share = _share_model(training_share, behind, assumptions)
    # A few dozen rows are asked about in many ways: as plain rows that costs next to nothing.
    vintages = capex_vintages.sort("year", "ticker").to_dicts()
    lines = attributable_revenue.sort("entity", "evidence_id").to_dicts()
    found = []
    for scope in SCOPES:
        found.append(replace(share, scope=scope))
        found += [_pay_model(scope, view, vintages, lines, behind, as_of, assumptions) for view in VIEWS[scope]]
    return found


Facts = Mapping[str, Mapping[str, Any]]
Rows = Sequence[Mapping[str, Any]]


def _driver(name: str, behind: Facts, assumptions: Assumptions, **changed: Any) -> Driver:
    """A driver as the assumptions file has it, with grade and day of the facts that its entry names and are known."""
    entry = assumptions[name]
    facts = [behind[fact] for fact in entry.get("facts", ()) if fact in behind]
    own = {
        "parts": ((name, assumptions.distribution(name)),),
        "minimum": entry["minimum"],
        "maximum": entry["maximum"],
        "facts": tuple(entry.get("facts", ())),
        "grade": max((fact["grade"] for fact in facts), default=None),
        "known_on": max((fact["known_on"] for fact in facts), default=None),
    }
    return Driver(name, **{**own, **changed})


def _share_model(training_share: pl.DataFrame, behind: Facts, assumptions: Assumptions) -> Model:
    usable = training_share.filter(~pl.col("is_lower_bound") & pl.col("training_share").is_not_null()).sort("year")
    if usable.is_empty():
        last = training_share.sort("year").tail(1).to_dicts()
        why = "no year of training is known that is more than a lower bound and has a count of the world's fleet"
        if last and last[0]["reason"]:
            why += f" ({last[0]['year']}: {last[0]['reason']})"
        return Model(GROUP, NO_VIEW, reasons=dict.fromkeys(SHARE_QUANTITIES, why))
    row = usable.row(-1, named=True)
    evidence = [behind[fact] for fact in row["fleet_facts"].split() if fact in behind]
    facts = {
        "grade": max((fact["grade"] for fact in evidence), default=None),
        "known_on": max((fact["known_on"] for fact in evidence), default=None),
        "facts": tuple(row["fleet_facts"].split()),
    }
    drivers = (
        _driver("share_final", behind, assumptions),
        _driver("utilisation", behind, assumptions),
        _fleet(row, assumptions, facts),
        _gross_up(row, assumptions),
        _driver("efficiency_gain", behind, assumptions),
        _driver("elasticity", behind, assumptions),
    )
    return Model(
        GROUP,
        NO_VIEW,
        drivers,
        SHARE_QUANTITIES,
        training_flop_added=row["training_flop_added"],
        grade=row["grade"],
        known_on=row["known_on"],
        note=f"training of {row['year']}, disclosure rate {100 * row['disclosure_rate']:.0f} %",
    )


def _fleet(row: Mapping[str, Any], assumptions: Assumptions, facts: dict[str, Any]) -> Driver:
    """The fleet in H100-equivalents: uniform over its counts; with one count, that count times the assumed error.

    A user's own `fleet` is a multiple of the middle count and takes the place of both.
    """
    low, high = row["fleet_h100_low"], row["fleet_h100_high"]
    entry = assumptions["fleet"]
    if low == high or "fleet" in assumptions.overridden:
        middle = (low + high) / 2
        bounds = {"minimum": middle * max(entry["minimum"], 1e-6), "maximum": middle * entry["maximum"]}
        return Driver("fleet", (("fleet", assumptions.distribution("fleet")),), scale=middle, **bounds, **facts)
    bounds = {"minimum": low * 0.01, "maximum": high * entry["maximum"]}
    return Driver("fleet", (("fleet", Distribution("uniform", (low, high))),), **bounds, **facts)


def _gross_up(row: Mapping[str, Any], assumptions: Assumptions) -> Driver:
    """Undisclosed models: triangular with mode and high as multiples of 1 / disclosure rate (method 4.3)."""
    entry, drawn = assumptions["undisclosed_gross_up"], assumptions.distribution("undisclosed_gross_up")
    if drawn.kind == "triangular":
        rate = row["disclosure_rate"]
        low, mode, high = drawn["low"], drawn["mode"] / rate, drawn["high"] / rate
        drawn = Distribution("triangular", (low, max(low, mode), max(low, mode, high)))
    return Driver(
        "undisclosed_gross_up",
        (("undisclosed_gross_up", drawn),),
        minimum=entry["minimum"],
        maximum=max(entry["maximum"], drawn.high),
        grade=row["grade"],
        known_on=row["known_on"],
    )


def _pay_model(
    scope: str, view: str, vintages: Rows, revenue: Rows, behind: Facts, as_of: date, assumptions: Assumptions
) -> Model:
    own = [row for row in vintages if row["ticker"] in (COMPANIES if scope == GROUP else (scope,))]
    spent = [row for row in own if row["capex_usd"] is not None]
    notes = []
    lines = [row for row in revenue if row["scope"] == scope and row["revenue_view"] == view]
    counted = [row for row in lines if row["counted"]]
    if counted and any(row["is_lower_bound"] for row in lines):
        missing = sorted({row["entity"] for row in lines} - {row["entity"] for row in counted})
        notes.append("revenue is a lower bound" + (f": nothing known of {', '.join(missing)}" if missing else ""))
    notes += _named(LEFT_OUT, [row for row in own if row["capex_usd"] is None and not row["is_running"]])
    running = [f"{row['ticker']} {row['year']} ({row['quarters_known']} of 4)" for row in own if row["is_running"]]
    notes += [f"{SO_FAR}: {', '.join(running)}"] if running else []
    if not spent:
        return Model(scope, view, reasons=dict.fromkeys(PAY_QUANTITIES, f"no capex of {scope} is known"))
    by_year = dict.fromkeys((row["year"] for row in spent), 0)
    leases = bool(assumptions.integer("include_finance_leases"))
    for row in spent:
        by_year[row["year"]] += row["capex_usd"] + ((row["finance_lease_principal_usd"] or 0) if leases else 0)
    if leases:
        without = [row for row in spent if row["finance_lease_principal_usd"] is None]
        notes += _named("without finance leases, as these are unknown", without)
    drivers = [_driver(name, behind, assumptions) for name in ("life", "discount_rate", "cash_margin", "ai_share")]
    quantities: tuple[str, ...] = PAY_QUANTITIES
    reasons: dict[str, str] = {}
    if counted:
        drivers += [_revenue(counted, assumptions), _growth(lines, behind, assumptions)]
    else:
        why = f"no attributable AI revenue of {scope} is known ({view.replace('_', '-')} view)"
        reasons = dict.fromkeys(("attributable_revenue_usd", "coverage", "years_to_cover"), why)
        quantities = tuple(quantity for quantity in PAY_QUANTITIES if quantity not in reasons)
    return Model(
        scope,
        view,
        tuple(drivers),
        quantities,
        capex_usd=tuple(float(usd) for usd in by_year.values()),
        ages_years=tuple(max((as_of - date(year, 7, 1)).days / DAYS_PER_YEAR, 0.0) for year in by_year),
        grade=_weakest([*spent, *counted]),
        known_on=_newest([*spent, *counted]),
        reasons=reasons,
        note="; ".join(notes) or None,
    )


def _named(what: str, rows: Rows) -> list[str]:
    years = ", ".join(f"{row['ticker']} {row['year']}" for row in rows)
    return [f"{what}: {years}"] if rows else []


def _weakest(rows: Rows) -> Grade:
    return max((row["grade"] for row in rows if row["grade"] is not None), default=None)


def _newest(rows: Rows) -> date | None:
    return max((row["known_on"] for row in rows if row["known_on"] is not None), default=None)


def _revenue(counted: Rows, assumptions: Assumptions) -> Driver:
    """For each entity triangular where low, middle and high are known, else uniform (method 5); their sum."""
    parts = []
    for entity in dict.fromkeys(row["entity"] for row in counted):
        facts = [row for row in counted if row["entity"] == entity]
        low, high = float(min(row["low_usd"] for row in facts)), float(max(row["high_usd"] for row in facts))
        shape = (
            Distribution("triangular", (low, float(facts[0]["value_usd"]), high))
            if len(facts) == 1 and facts[0]["has_range"]
            else Distribution("uniform", (low, high))
        )
        parts.append((f"attributable_revenue {entity}", shape))
    entry, multiple = assumptions["attributable_revenue"], assumptions.distribution("attributable_revenue")
    scale = multiple["value"] if multiple.kind == "point" else float(quantile(multiple, np.array(0.5)))
    middle = sum(float(quantile(shape, np.array(0.5))) for _, shape in parts)
    return Driver(
        "attributable_revenue",
        tuple(parts),
        scale=scale,
        minimum=middle * entry["minimum"],
        maximum=middle * entry["maximum"],
        facts=tuple(row["evidence_id"] for row in counted),
        grade=_weakest(counted),
        known_on=_newest(counted),
    )


def _growth(lines: Rows, behind: Facts, assumptions: Assumptions) -> Driver:
    """Growth of revenue: the range seen in the scope's own series where it has enough observations, else as assumed.

    The series is of one entity, one metric, one figure a day; growth between neighbours is annualised (method 5).
    """
    about = {(row["entity"], row["metric"]) for row in lines if row["counted"]}
    if len(about) == 1 and "growth" not in assumptions.overridden:
        of_it = [row for row in lines if (row["entity"], row["metric"]) in about and (row["value_usd"] or 0) > 0]
        in_time = sorted(of_it, key=lambda row: (row["as_of_date"], row["known_on"], row["evidence_id"]))
        series = list({row["as_of_date"]: row for row in in_time}.values())
        if len(series) >= assumptions.integer("growth_minimum_observations"):
            rates = [
                (later["value_usd"] / earlier["value_usd"])
                ** (DAYS_PER_YEAR / (later["as_of_date"] - earlier["as_of_date"]).days)
                - 1
                for earlier, later in pairwise(series)
            ]
            return _driver(
                "growth",
                behind,
                assumptions,
                parts=(("growth", Distribution("uniform", (min(rates), max(rates)))),),
                facts=tuple(row["evidence_id"] for row in series),
                grade=_weakest(series),
                known_on=_newest(series),
            )
    return _driver("growth", behind, assumptions)
