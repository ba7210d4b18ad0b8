"""Ways to corrupt the snapshot's file of `corporate_actions`."""

from __future__ import annotations

from tests.quality.corruptions.changes import LINE, Kind, again, put

KINDS: tuple[Kind, ...] = (
    Kind(
        "a split of one for one",
        "corporate_actions",
        "ratio_of_a_split",
        "refused",
        rows=put({"value": "1"}, kind="split"),
        names=("value",),
    ),
    Kind(
        "a split turned over",
        "corporate_actions",
        "split_as_in_share_counts",
        "refused",
        rows=put({"value": "0.1"}, kind="split"),
        names=("value", *LINE),
    ),
    Kind(
        "a dividend in cents",
        "corporate_actions",
        "dividend_below_the_price",
        "refused",
        rows=put({"value": "100"}, kind="dividend"),
        names=("value",),
    ),
    Kind(
        "a split on a Sunday",
        "corporate_actions",
        "session_of_the_exchange",
        "refused",
        rows=put({"date": "2024-06-09"}, kind="split"),
        names=("date=2024-06-09", *LINE),
    ),
    Kind(
        "a split called a dividend",
        "corporate_actions",
        "dividend_in_the_closes",
        "warning",
        rows=put({"kind": "dividend"}, kind="split"),
        names=("of_the_closes_usd", *LINE),
    ),
    Kind(
        "a dividend called a split",
        "corporate_actions",
        "split_as_in_share_counts",
        "refused",
        rows=put({"kind": "split"}, date="2024-09-12"),
        names=("value=0.01", *LINE),
    ),
    Kind(
        "a dividend with a digit too many",
        "corporate_actions",
        "dividend_in_the_closes",
        "warning",
        rows=put({"value": "0.1"}, date="2024-09-12"),
        names=("of_the_closes_usd=0.01", *LINE),
    ),
    Kind(
        "a split under two days",
        "corporate_actions",
        "duplicate_split",
        "warning",
        rows=again({"date": "2024-07-10"}, kind="split"),
        names=("other_date=2024-06-10", *LINE),
    ),
)
