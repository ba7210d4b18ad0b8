"""The name of a fact, by which a mart says what is behind its figures.

A place in a document or a row number is no name. The same fact stands in several documents, and a rebuilt warehouse
numbers its rows anew. What identifies a fact (`Table.naming_columns`) is the same wherever it stands, so its name is
made of that. It is the first 16 hexadecimal digits of the MD5 of a JSON list with the table's name and the values as
text. JSON tells a null from the word null and escapes what would end a value. The engines' own hashes are faster and
may change with any version. Ten million facts need no more than 64 bits: the chance that two share a name is one in
400,000.
"""

from __future__ import annotations

from warehouse import sqltext
from warehouse.tables.table import Table

DIGITS = 16


def expression(table: Table) -> str:
    """SQL that gives a row's id from its other columns."""
    values = ", ".join(f"CAST({sqltext.identifier(name)} AS VARCHAR)" for name in table.naming_columns)
    return f"left(md5(CAST(json_array({sqltext.literal(table.full_name)}, {values}) AS VARCHAR)), {DIGITS})"
