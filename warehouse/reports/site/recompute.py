"""The inputs that a figure's page carries, so that the page computes the figure again where it is read.

A page on somebody's disk may be old, changed or made by a program with a fault. So what follows from few enough inputs is
computed a second time in the browser (`assets/recompute.js`, written apart from the marts). That holds for plain
arithmetic between figures of one row, for rents and costs of a run and for an abnormal return. It holds for coverage and
break-even growth too: at the medians of the judgements, and over draws of the page's own. What cheap training makes
redundant is computed in the same two ways, by each reading of the share of computing that trains.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from warehouse.assumptions import Distribution, load
from warehouse.database.connection import Connection
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.payback.draws import Shape
from warehouse.marts.payback.formulas import H100_DENSE_BF16_FLOP_PER_S, SECONDS_PER_YEAR
from warehouse.marts.payback.model import NO_VIEW, POINT, Model
from warehouse.marts.payback.models import facts_behind, payback_views, share_of_the_world
from warehouse.marts.payback.payback_model import Payback
from warehouse.marts.payback.share_model import LAB_SPLIT, lab_split
from warehouse.marts.payback.training_share_readings import readings
from warehouse.reports.lineage import as_of_date
from warehouse.reports.opened import Opened

Inputs = dict[str, dict[str, Any]]
CLOSES = 160  # closing prices that a page carries at most
NOT_DRAWN = "breakeven_revenue_usd"  # takes the growth that was seen, which is no driver
AT = {"quantity_at_low": "low", "quantity_at_central": "central", "quantity_at_high": "high"}


class Recomputed:
    """The inputs of each row's figures; what several rows need is read once."""

    def __init__(self, connection: Connection, every: Iterable[Opened]) -> None:
        self.connection = connection
        by_table: dict[str, list[Opened]] = {}
        for one in every:
            by_table.setdefault(one.table.full_name, []).append(one)
        self._offers = self._read_offers() if "marts.training_cost" in by_table else {}
        self._closes = self._read_closes(by_table.get("marts.event_study", []))
        self._models: dict[tuple[str, str, str], Model] = {}
        self._readings: dict[str, dict[str, Any]] = {}
        if MODELLED & set(by_table) and not self._is_overridden():
            self._read_models()
        self._medians = self._read_medians() if self._models else {}

    def of(self, one: Opened) -> Inputs:
        """What the page of a row carries, by column; nothing for a column that is null."""
        found = _arithmetic(one)
        more = {
            "marts.training_cost": self._cost,
            "marts.event_study": self._abnormal_return,
            "marts.waste_sensitivity": self._at_values,
            "marts.waste_simulation": self._quantiles,
            "marts.training_share_readings": self._reading,
            "marts.redundant_by_elasticity": self._reading,
        }.get(one.table.full_name)
        return {
            name: each for name, each in (found | (more(one.row) if more else {})).items() if one.row[name] is not None
        }

    def _cost(self, row: Mapping[str, Any]) -> Inputs:
        offers = self._offers.get(row["run_id"], [])
        if len(offers) != row["n_offers"] or not offers:
            return {}
        found: Inputs = {}
        for end in ("low", "mid", "high"):
            found[f"price_{end}_usd_per_gpu_hour"] = {"way": "price", "offers": offers, "of": end}
            found[f"cost_{end}_usd"] = {"way": "cost", "offers": offers, "gpu_hours": row["gpu_hours"], "of": end}
        return found

    def _read_offers(self) -> dict[str, list[float]]:
        rows = self.connection.execute(
            "SELECT m.run_id, list(o.usd_per_gpu_hour * (SELECT coalesce(value->>'$.value', value->>'$')::DOUBLE "
            "FROM marts.assumptions WHERE key = 'rental_price') ORDER BY o.usd_per_gpu_hour) FROM marts.training_cost m "
            "JOIN marts.offers o ON o.gpu_model = m.priced_as AND o.provider_class = m.price_class AND o.pricing_kind = "
            "'on_demand' AND o.observed_on BETWEEN m.price_from AND m.price_to GROUP BY m.run_id"
        ).fetchall()
        return dict(rows)

    def _abnormal_return(self, row: Mapping[str, Any]) -> Inputs:
        firms, benchmarks = row["firms"] or [], row["benchmark_firms"] or []
        log = row["return_kind"] == "log"
        if len(benchmarks) != 1 or row["session"] is None or (log and len(firms) != 1):
            return {}
        of_benchmark = self._closes.get(benchmarks[0], {})
        days = sorted(of_benchmark)
        if row["session"] not in of_benchmark:
            return {}
        at = days.index(row["session"])
        window = days[max(at + row["window_start"] - 1, 0) : at + row["window_end"] + 1]
        closes = [[self._closes.get(firm, {}).get(day) for day in window] for firm in firms]
        whole = len(window) == row["window_end"] - row["window_start"] + 2 and all(all(each) for each in closes)
        if not whole or not closes or (len(closes) + 1) * len(window) > CLOSES:
            return {}
        return {
            "abnormal_return": {
                "way": "abnormal_return",
                "firms": closes,
                "benchmark": [of_benchmark[day] for day in window],
                "log": log,
            }
        }

    def _read_closes(self, rows: list[Opened]) -> dict[str, dict[Any, float]]:
        tickers = {name for one in rows for name in (*(one.row["firms"] or ()), *(one.row["benchmark_firms"] or ()))}
        days = [day for one in rows for day in (one.row["session"], one.row["prices_to"]) if day is not None]
        if not tickers or not days:
            return {}
        found: dict[str, dict[Any, float]] = {}
        for ticker, day, close in self.connection.execute(
            "SELECT ticker, date, adj_close FROM main.stock_prices WHERE ticker IN (SELECT unnest(?)) "
            "AND date BETWEEN ?::DATE - INTERVAL 20 DAY AND ? AND adj_close IS NOT NULL",
            [sorted(tickers), min(days), max(days)],
        ).fetchall():
            found.setdefault(ticker, {})[day] = close
        return found

    def _is_overridden(self) -> bool:
        """Whether a user replaced an assumption: then the models of the packaged ones are not those of the figures."""
        return self.connection.execute("SELECT count(*) FROM marts.assumptions WHERE overridden").fetchone() != (0,)

    def _read_models(self) -> None:
        """The models of Q2 and Q3 as the published facts give them."""
        as_of = as_of_date(self.connection)
        assumptions = load().as_of(as_of)
        vintages, revenue, trained, evidence = (
            self.connection.execute(query).pl()
            for query in (
                "SELECT * FROM marts.capex_vintages",
                "SELECT * FROM marts.attributable_revenue",
                "SELECT * FROM marts.training_share",
                f"SELECT * FROM core.evidence WHERE known_on <= DATE '{as_of}'",
            )
        )
        views = payback_views(vintages, revenue, evidence, assumptions=assumptions)
        self._models = {(view.scope, view.view, bound): model for view in views for bound, model in view.models.items()}
        world = share_of_the_world(trained, evidence, assumptions=assumptions)
        self._models |= {(scope, NO_VIEW, POINT): world for scope in SCOPES}
        behind = facts_behind(evidence)
        of_lab = lab_split(behind)
        for name, (model, _) in readings(trained, behind, assumptions).items():
            trains = of_lab[0] if name == LAB_SPLIT and of_lab else None
            drivers = _drivers(model)
            if drivers:
                self._readings[name] = {"training": _training(model, trains), "drivers": drivers}

    def _read_medians(self) -> dict[tuple[str, str, str], dict[str, tuple[float, float, float]]]:
        found: dict[tuple[str, str, str], dict[str, tuple[float, float, float]]] = {}
        for scope, view, bound, driver, *ends in self.connection.execute(
            "SELECT DISTINCT scope, revenue_view, bound, driver, low, central, high FROM marts.waste_sensitivity"
        ).fetchall():
            found.setdefault((scope, view, bound), {})[driver] = (ends[0], ends[1], ends[2])
        return found

    def _at_values(self, row: Mapping[str, Any]) -> Inputs:
        which = (row["scope"], row["revenue_view"], row["bound"])
        computed_from = self._computed_from(which)
        medians = self._medians.get(which, {})
        if not computed_from or row["quantity"] == NOT_DRAWN:
            return {}
        found: Inputs = {}
        for column, end in AT.items():
            values = {name: central for name, (_, central, _) in medians.items()} | {
                row["driver"]: row[end if end != "central" else "central"]
            }
            found[column] = {"way": "at_values", **computed_from, "values": values, "quantity": row["quantity"]}
        return found

    def _quantiles(self, row: Mapping[str, Any]) -> Inputs:
        which = (row["scope"], row["revenue_view"], row["bound"])
        computed_from = self._computed_from(which)
        drivers = _drivers(self._models[which]) if computed_from else []
        if not drivers or row["quantity"] == NOT_DRAWN:
            return {}
        # One quantile a page: each takes twenty thousand draws.
        return {
            "p50": {"way": "quantile", **computed_from, "drivers": drivers, "quantity": row["quantity"], "share": 0.5}
        }

    def _reading(self, row: Mapping[str, Any]) -> Inputs:
        """The middle of what is redundant by one reading of the share that trains, at the row's elasticity where it has one."""
        held = self._readings.get(row["reading"])
        if held is None:
            return {}
        drivers = held["drivers"]
        if "elasticity" in row:
            fixed = {"name": "elasticity", "parts": [["point", [row["elasticity"]]]], "scale": 1.0}
            fixed |= {"minimum": row["elasticity"], "maximum": row["elasticity"]}
            drivers = [fixed if driver["name"] == "elasticity" else driver for driver in drivers]
        inputs = {"way": "quantile", "training": held["training"], "drivers": drivers}
        return {"redundant_capex_share_p50": inputs | {"quantity": "redundant_capex_share", "share": 0.5}}

    def _computed_from(self, which: tuple[str, str, str]) -> dict[str, Any]:
        """What a model's figures are computed from beside its drivers: vintages of capital, or the training of a year."""
        model = self._models.get(which)
        if model is not None and model.view == NO_VIEW:
            return {"training": _training(model)} if model.quantities else {}
        formula = model.formula if model else None
        if not isinstance(formula, Payback):
            return {}
        return {
            "vintages": {
                "capex_usd": list(formula.capex_usd),
                "ages_years": list(formula.ages_years),
                "recent_capex_usd": formula.recent_capex_usd,
                "earlier_revenue_usd": formula.earlier_revenue_usd,
                "owned_h100": formula.owned_h100,
            }
        }


MODELLED = {
    f"marts.{name}"
    for name in ("waste_simulation", "waste_sensitivity", "training_share_readings", "redundant_by_elasticity")
}


def _training(model: Model, trains: float | None = None) -> dict[str, Any]:
    """Operations that a year's models took, those of an H100 in a year, and the share that trains where it is given."""
    of_one = H100_DENSE_BF16_FLOP_PER_S * SECONDS_PER_YEAR
    return {"flop_added": model.training_flop_added, "flop_of_an_h100_year": of_one, "trains": trains}


def _drivers(model: Model) -> list[dict[str, Any]]:
    return [
        {
            "name": driver.name,
            "parts": [_shape(shape) for _, shape in driver.parts],
            "scale": driver.scale,
            "minimum": driver.minimum,
            "maximum": driver.maximum,
        }
        for driver in model.drivers
    ]


def _shape(shape: Shape) -> list[Any]:
    """A distribution as the page draws it: its kind and parameters, or those that it is a mixture of."""
    if isinstance(shape, Distribution):
        return [shape.kind, list(shape.parameters)]
    return ["mixture", [_shape(each) for each in shape.of]]


def _arithmetic(one: Opened) -> Inputs:
    """Formulas of plain arithmetic, whose operands are figures of the same page."""
    found: Inputs = {}
    for column in one.table.columns:
        formula = column.formula
        operands = formula.operands if formula else ()
        if formula is None or formula.tree is None or set(operands) & set(one.table.key):
            continue
        if all(one.row[name] is not None for name in operands):
            found[column.name] = {"way": "arithmetic", "tree": formula.tree}
    return found


def embedded(inputs: Inputs) -> str:
    """The inputs as JSON that no text can end early."""
    return json.dumps(inputs, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
