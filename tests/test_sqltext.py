"""Whatever a name or a text holds, SQL reads it back as it was."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from warehouse import sqltext
from warehouse.database import connection

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(name=TEXTS, texts=st.lists(TEXTS, min_size=1, max_size=3))
def test_names_and_texts_come_back(name, texts):
    with connection.in_memory() as database:
        found = database.execute(f"SELECT unnest([{sqltext.literals(texts)}]) AS {sqltext.identifier(name)}")
        assert found.description[0][0] == name
        assert [text for (text,) in found.fetchall()] == texts


def test_what_is_written():
    assert sqltext.identifiers(["ticker", 'a"b'], of="t") == 't."ticker", t."a""b"'
    assert sqltext.literals(["it's", date(2025, 1, 27)]) == "'it''s', '2025-01-27'"
