"""A fact has one name, whatever document, order or warehouse it comes from, and no two facts have the same."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import with_provenance
from warehouse.database import fact_ids, loading
from warehouse.database.store import opened
from warehouse.tables import CORE
from warehouse.tables.table import FACT_ID

FACTS, BARS, MODELS = CORE["company_facts"], CORE["stock_prices"], CORE["ai_models"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
SEPARATORS = st.text(st.sampled_from('a,|"\\[] \x1f\n'), max_size=4)
FACT = {
    "ticker": "MSFT", "measure": "revenue", "tag": "us-gaap:Revenues", "period_start": date(2024, 1, 1),
    "period_end": date(2024, 3, 31), "period_type": "quarter", "value_usd": 1.0, "form": "10-Q", "accession": "0-24-1",
}  # fmt: skip


def named(table, *rows) -> list[str]:
    return with_provenance(table, pl.DataFrame(list(rows), infer_schema_length=None))[FACT_ID].to_list()


def test_a_name_is_the_hash_of_what_identifies_the_fact():
    text = json.dumps(
        ["core.company_facts", "MSFT", "revenue", "us-gaap:Revenues", "2024-01-01", "2024-03-31", "2025-01-01", "10-Q",
         "0-24-1", "A", "made up for a test", "test"],
        separators=(",", ":"),
    )  # fmt: skip
    assert named(FACTS, FACT) == [hashlib.md5(text.encode()).hexdigest()[:16]]


def test_what_does_not_identify_a_fact_does_not_change_its_name():
    (usual,) = named(FACTS, FACT)
    elsewhere = {"value_usd": 2.0, "document_sha256": "1" * 64, "locator": "line 9", "loaded_at": datetime.now(UTC)}
    for name, value in elsewhere.items():
        assert named(FACTS, FACT | {name: value}) == [usual], name


def test_each_column_of_the_identity_changes_it():
    values = [FACT | {n: date(2020, 1, 1) if n.startswith(("period", "known")) else "C"} for n in FACTS.identity]
    assert len({*named(FACTS, FACT), *(named(FACTS, value)[0] for value in values)}) == len(values) + 1


@given(st.lists(st.tuples(TEXTS | SEPARATORS, SEPARATORS, st.none() | st.just(date(2024, 1, 1))), max_size=30))
def test_facts_share_a_name_exactly_where_they_are_the_same(identities):
    rows = [FACT | dict(zip(("measure", "tag", "period_start"), one, strict=True)) for one in identities]
    if not rows:
        return
    ids = named(FACTS, *rows)
    assert all((one == other) == (a == b) for a, one in zip(ids, identities, strict=True)
               for b, other in zip(ids, identities, strict=True))  # fmt: skip
    assert all(len(one) == fact_ids.DIGITS for one in ids)


def test_null_is_not_the_word_null_and_no_text_is_not_null():
    model = {"model": "M", "vintage": date(2025, 1, 1), "published": date(2024, 1, 1)}
    said = [{"organization": None}, {"organization": "null"}, {"organization": ""}, {"organization": "None"}]
    assert len(set(named(MODELS, *(model | one for one in said)))) == len(said)


def test_tables_do_not_share_names():
    rows = {"ticker": "X", "known_on": date(2025, 1, 1), "source": "test"}
    ids = [named(CORE[name], rows)[0] for name in ("companies",)]
    ids += named(CORE["evidence"], {"evidence_id": "X", "known_on": date(2025, 1, 1), "source": "test"})
    assert len(set(ids)) == 2


def bars(document: int, *days: int) -> pl.DataFrame:
    rows = [{"ticker": "NVDA", "date": date(2025, 1, day), "open": 1.0 + day, "high": 2.0 + day, "low": 1.0,
             "close": 1.5 + day, "adj_close": 1.5 + day, "volume": 7, "known_on": date(2025, 1, 31),
             "document_sha256": f"{document:064d}", "locator": f"line {day}"} for day in days]  # fmt: skip
    return with_provenance(BARS, pl.DataFrame(rows))


def models(document: int, **flop: float) -> pl.DataFrame:
    rows = [{"model": model, "vintage": date(2025, 1, 1), "training_flop": value, "published": date(2024, 1, 1),
             "document_sha256": f"{document:064d}", "locator": model} for model, value in flop.items()]  # fmt: skip
    return with_provenance(MODELS, pl.DataFrame(rows))


DOCUMENTS = {
    "bars": (BARS, [bars(1, 2, 3, 6), bars(2, 6, 7), bars(3, 2, 8)]),
    "lists": (MODELS, [models(1, A=1e24, B=2.5e25), models(2, A=1e24, B=2.6e25), models(3, C=1e-7, A=1e24)]),
}


@pytest.mark.parametrize("of", DOCUMENTS)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_rebuilt_warehouse_has_the_same_names_in_whatever_order_its_documents_come(tmp_path, of, order):
    table, documents = DOCUMENTS[of]
    with opened(tmp_path / "w.duckdb", tmp_path / "s.duckdb") as store:
        for number in order:
            store.staging.add(table, documents[number].with_columns(pl.lit("whatever").alias(FACT_ID)))
            loading.load(store, table)
            store.execute(f"DELETE FROM staging.{table.name}")
        found = store.rows(table)
    assert found[FACT_ID].is_unique().all()
    assert set(found[FACT_ID]) == set(pl.concat(documents)[FACT_ID])
