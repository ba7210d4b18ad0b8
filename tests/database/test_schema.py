"""A warehouse says the version of its schema: an older one is brought up to date, a newer one is refused by name."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import duckdb
import pytest

from warehouse import __version__
from warehouse.database import schema
from warehouse.database.releases import attach, comparing, reading
from warehouse.database.store import opened
from warehouse.errors import UsageError


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    """A warehouse of this program without a row of facts."""
    folder = tmp_path_factory.mktemp("schema")
    with opened(folder / "warehouse.duckdb", folder / "staging.duckdb"):
        pass
    return folder / "warehouse.duckdb"


@pytest.fixture
def file(empty, tmp_path) -> Path:
    (copy := tmp_path / "a copy-2.duckdb").write_bytes(empty.read_bytes())
    return copy


def versions(file: Path) -> list[tuple]:
    with duckdb.connect(str(file), read_only=True) as connection:
        asked = "SELECT schema_version, program_version FROM provenance.schema_versions ORDER BY 1"
        return connection.execute(asked).fetchall()


def change(file: Path, *statements: str) -> None:
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)


def go_on(file: Path) -> None:
    """What a run does with its copy of the published warehouse, as far as its schema goes."""
    with opened(file, file.with_name("staging.duckdb")):
        pass


def test_a_new_warehouse_says_its_version_once_however_many_runs_go_on_from_it(file):
    go_on(file)
    assert versions(file) == [(schema.VERSION, __version__)]


def test_one_of_the_version_before_is_brought_up_to_date_in_place(file):
    change(
        file,
        "DROP TABLE provenance.schema_versions",
        "INSERT INTO quality.measures VALUES ('r1', 'core.evidence', 'put_aside', '', 3)",
    )
    with reading(file) as connection:  # it is read before it is brought up to date
        assert schema.version_of(connection, "a copy-2") == (schema.UNSAID, "")
    go_on(file)
    assert versions(file) == [(schema.VERSION, __version__)]
    with reading(file) as connection:
        assert connection.execute("SELECT measure, value FROM quality.measures").fetchall() == [("quarantined", 3)]


def test_a_newer_one_is_refused_by_name_whoever_opens_it(file, empty):
    change(file, "INSERT INTO provenance.schema_versions VALUES (99, now(), '7.8.9')")
    before = file.read_bytes()
    said = (
        rf"{re.escape(str(file))}: .* version 99 of the schema, written by overbuild 7\.8\.9; this is overbuild {__version__}, "
        rf"which knows versions up to {schema.VERSION}\. Install overbuild 7\.8\.9 or later, or set OVERBUILD_HOME"
    )
    with pytest.raises(UsageError, match=said), reading(file):
        pass
    with pytest.raises(UsageError, match=said), comparing(empty, file):
        pass
    with duckdb.connect() as connection, pytest.raises(UsageError, match=said):
        attach(connection, file, "other")
    with pytest.raises(UsageError, match=said):
        go_on(file)
    assert file.read_bytes() == before


def test_one_that_is_too_old_is_refused_with_the_way_out(file):
    change(file, "UPDATE provenance.schema_versions SET schema_version = 0")
    with pytest.raises(UsageError, match=r"brings up to date what is of version 1 or later\. .* overbuild restore"):
        go_on(file)


def test_a_file_of_a_later_duckdb_is_no_damage(file):
    body = bytearray(file.read_bytes())
    body[12:20] = struct.pack("<Q", 999)  # where DuckDB keeps the version of a file's form
    body[:8] = struct.pack("<Q", checksum(body[8:4096]))
    file.write_bytes(body)
    said = rf"{re.escape(str(file))}: a later DuckDB than .* version number 999"
    with pytest.raises(UsageError, match=said) as error, reading(file):
        pass
    assert "damaged" not in str(error.value)


def checksum(block: bytes) -> int:
    """What DuckDB writes before a block of its file (duckdb/src/common/checksum.cpp): a sum by exclusive or of 8 bytes each."""
    found = 5381
    for (piece,) in struct.iter_unpack("<Q", block):
        found ^= piece * 0xBF58476D1CE4E5B9 % 2**64
    return found
