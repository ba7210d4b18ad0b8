"""What of capex cheap training makes redundant, at given responses of demand: a table beside the drawn answer.

How demand for training answers a lower price is not identified. Without any response all of the saving is redundant
(elasticity 0); with an elasticity of one it is spent on more training; above one cheaper training calls for more capex.
So the verdict draws the elasticity, and this table holds it at a few values, by each reading of the training share.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed
from warehouse.marts.payback.formulas import made_redundant
from warehouse.marts.payback.model import driver
from warehouse.marts.payback.models import facts_behind
from warehouse.marts.payback.training_share_readings import ENDS, READING, SHARE, readings
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

TABLE = mart(
    "redundant_by_elasticity",
    "share of capex that cheap training makes redundant at given price elasticities of demand, by reading of the share",
    [
        READING,
        Column("elasticity", "real", "price elasticity of the demand for training", "elasticity", True, minimum=0),
        *(
            Column(f"redundant_capex_share_{end}", "real", f"{at:.0%} of the draws are below it", "share")
            for end, at in ENDS.items()
        ),
        Column("redundant_capex_share_mean", "real", "mean over the draws", "share"),
        Column("draws", "integer", "draws", "draws", required=True, minimum=1),
        Column("known_on", "date", "day on which the newest fact behind it became public"),
    ],
    key=("reading", "elasticity"),
    checks=(
        Check(
            "break_even_at_one",
            "select * from {table} where elasticity = 1 and abs(redundant_capex_share_p50) > 1e-12",
            "at an elasticity of one what is saved is spent on more of the same",
        ),
        Check(
            "falls_with_elasticity",
            "select * from (select *, lag(redundant_capex_share_p50) over (partition by reading order by elasticity) as at_less "
            "from {table}) where redundant_capex_share_p50 > at_less + 1e-12",
            "the more demand responds, the less is redundant",
        ),
    ),
    guide=Guide(
        "One row for each reading of the share that trains and each elasticity.",
        "over readings: they are several answers to one question.",
        {
            "How much is redundant, by how demand responds?": "select elasticity, redundant_capex_share_p05, "
            "redundant_capex_share_p50, redundant_capex_share_p95 from redundant_by_elasticity where reading = 'mixture' "
            "order by all",
            "Does the reading matter?": "select reading, redundant_capex_share_p50 from redundant_by_elasticity where "
            "elasticity = 0",
            "Where is more needed, and not less?": "select reading, elasticity from redundant_by_elasticity where "
            "redundant_capex_share_p50 < 0",
        },
    ),
)


def build(training_share: pl.DataFrame, evidence: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each reading and elasticity of the assumptions file (method 4.5); shares of capex."""
    seed, draws = assumptions.integer("seed"), assumptions.integer("draws")
    behind = facts_behind(evidence)
    gain = driver("efficiency_gain", behind, assumptions).values(seed, draws)
    rows = []
    for name, (model, drawn) in readings(training_share, behind, assumptions).items():
        trains = None if drawn is None else drawn(seed, draws)[SHARE]
        for elasticity in assumptions.value("q2_elasticities"):
            row = {
                "reading": name,
                "elasticity": float(elasticity),
                "draws": draws,
                "known_on": model.known_on,
                "grade": model.grade,
                "reasons": listed([model.reasons.get(SHARE), *model.notes]),
            }
            if trains is not None:
                share = made_redundant(trains, gain, float(elasticity))
                ends = np.quantile(share, list(ENDS.values()), method="inverted_cdf")
                row |= {f"redundant_capex_share_{end}": float(v) for end, v in zip(ENDS, ends, strict=True)}
                row["redundant_capex_share_mean"] = float(share.mean())
            rows.append(row)
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("marts.training_share_readings", "t.reading = m.reading"),
        Trace("marts.assumptions", "t.key in ('efficiency_gain', 'q2_elasticities')"),
    ),
)
