"""The inputs that a figure's page carries, so that the page computes the figure again where it is read.

A page on somebody's disk may be old, changed or made by a program with a fault. So what follows from few enough inputs is
computed a second time in the browser (`assets/recompute.js`, written apart from the marts). That holds for plain
arithmetic between figures of one row, for rents and costs of a run and for an abnormal return. It holds for coverage and
break-even growth too: at the medians of the judgements, and over draws of the page's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from warehouse.assumptions import Distribution, load
from warehouse.database.connection import Connection
from warehouse.marts.payback.model import Model
from warehouse.marts.payback.models import payback_views
from warehouse.marts.payback.payback_model import Payback
from warehouse.reports.lineage import as_of_date
from warehouse.reports.opened import Opened

Inputs = dict[str, dict[str, Any]]
CLOSES = 160  # closing prices that a page carries at most
DRAWN_IN_BROWSER = ("point", "uniform", "triangular")
AT = {"quantity_at_low": "low", "quantity_at_central": "central", "quantity_at_high": "high"}
QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}


class Recomputed:
    """The inputs of each row's figures; what several rows need is read once."""

    def __init__(self, connection: Connection, every: Iterable[Opened]) -> None:
        self.connection = connection
        by_table: dict[str, list[Opened]] = {}
        for one in every:
            by_table.setdefault(one.table.full_name, []).append(one)
        self._offers = self._read_offers() if "marts.training_cost" in by_table else {}
        self._closes = self._read_closes(by_table.get("marts.event_study", []))
        of_models = "marts.waste_simulation" in by_table or "marts.waste_sensitivity" in by_table
        self._models = self._read_models() if of_models else {}
        self._medians = self._read_medians() if self._models else {}

    def of(self, one: Opened) -> Inputs:
        """What the page of a row carries, by column; nothing for a column that is null."""
        found = _arithmetic(one)
        more = {
            "marts.training_cost": self._cost,
            "marts.event_study": self._abnormal_return,
            "marts.waste_sensitivity": self._at_values,
            "marts.waste_simulation": self._quantiles,
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

    def _read_models(self) -> dict[tuple[str, str, str], Model]:
        """The models of Q3 as the published facts give them; none where a user replaced an assumption."""
        if self.connection.execute("SELECT count(*) FROM marts.assumptions WHERE overridden").fetchone() != (0,):
            return {}
        as_of = as_of_date(self.connection)
        frames: list[pl.DataFrame] = [
            self.connection.execute(query).pl()
            for query in (
                "SELECT * FROM marts.capex_vintages",
                "SELECT * FROM marts.attributable_revenue",
                f"SELECT * FROM core.evidence WHERE known_on <= DATE '{as_of}'",
            )
        ]
        views = payback_views(*frames, assumptions=load().as_of(as_of))
        return {(view.scope, view.view, bound): model for view in views for bound, model in view.models.items()}

    def _read_medians(self) -> dict[tuple[str, str, str], dict[str, tuple[float, float, float]]]:
        found: dict[tuple[str, str, str], dict[str, tuple[float, float, float]]] = {}
        for scope, view, bound, driver, *ends in self.connection.execute(
            "SELECT DISTINCT scope, revenue_view, bound, driver, low, central, high FROM marts.waste_sensitivity"
        ).fetchall():
            found.setdefault((scope, view, bound), {})[driver] = (ends[0], ends[1], ends[2])
        return found

    def _at_values(self, row: Mapping[str, Any]) -> Inputs:
        which = (row["scope"], row["revenue_view"], row["bound"])
        vintages = self._vintages(which)
        medians = self._medians.get(which, {})
        if vintages is None or row["quantity"] == "breakeven_revenue_usd":
            return {}
        found: Inputs = {}
        for column, end in AT.items():
            values = {name: central for name, (_, central, _) in medians.items()} | {
                row["driver"]: row[end if end != "central" else "central"]
            }
            found[column] = {"way": "at_values", "vintages": vintages, "values": values, "quantity": row["quantity"]}
        return found

    def _quantiles(self, row: Mapping[str, Any]) -> Inputs:
        which = (row["scope"], row["revenue_view"], row["bound"])
        vintages, model = self._vintages(which), self._models.get(which)
        if vintages is None or model is None or row["quantity"] == "breakeven_revenue_usd":
            return {}
        drivers: list[dict[str, Any]] = [
            {
                "name": driver.name,
                "parts": [
                    [shape.kind, list(shape.parameters)] if isinstance(shape, Distribution) else ["mixture", []]
                    for _, shape in driver.parts
                ],
                "scale": driver.scale,
                "minimum": driver.minimum,
                "maximum": driver.maximum,
            }
            for driver in model.drivers
        ]
        if any(kind not in DRAWN_IN_BROWSER for driver in drivers for kind, _ in driver["parts"]):
            return {}
        inputs = {"way": "quantile", "vintages": vintages, "drivers": drivers, "quantity": row["quantity"]}
        # One quantile a page: each takes twenty thousand draws.
        return {"p50": inputs | {"share": QUANTILES["p50"]}}

    def _vintages(self, which: tuple[str, str, str]) -> dict[str, Any] | None:
        model = self._models.get(which)
        formula = model.formula if model else None
        if not isinstance(formula, Payback):
            return None
        return {
            "capex_usd": list(formula.capex_usd),
            "ages_years": list(formula.ages_years),
            "recent_capex_usd": formula.recent_capex_usd,
            "earlier_revenue_usd": formula.earlier_revenue_usd,
            "owned_h100": formula.owned_h100,
        }


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
