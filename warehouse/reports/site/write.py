"""Writes the site: every page, what lies beside it, and only what has changed since the last release.

Most runs change a few pages. What a page is made of (its blocks, the program, the line about sources) has a hash. Where
the last release holds a page of the same hash, its file is linked and nothing is drawn. Drawing a chart costs a
thousand times as much.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from warehouse import files
from warehouse.database.connection import Connection
from warehouse.reports import overrides
from warehouse.reports.failed_sources import failed_sources
from warehouse.reports.site import charts, figure_pages, in_sql
from warehouse.reports.site.ages import ages
from warehouse.reports.site.blocks import Chart, Figure, Words, figures
from warehouse.reports.site.discover import Site, read
from warehouse.reports.site.forms import GRADES
from warehouse.reports.site.page import Content, Page, Reader
from warehouse.reports.site.render import Rendered, environment, render
from warehouse.reports.site.tones import TONES

HERE = Path(__file__).parent
MANIFEST = "assets/manifest.json"


@dataclass
class Written:
    """What was written: paths of pages that are new or changed, of those that stayed, and the rows they link to.

    `links` are the rows of the warehouse that figures lead to: by table, by the file of the row's page, its key. `opened`
    is the number of their pages.
    """

    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    links: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    opened: int = 0


def write(
    folder: Path, connection: Connection, last: Path | None = None, *, dated: bool = False, sql_page: bool = False
) -> Written:
    """Write the site of a warehouse into `folder`.

    `last` is the site of the release before, from which unchanged files are taken. `dated` says that this is the
    answer of an earlier day, whose pages point to today's. With `sql_page` there is a page that is asked in SQL.
    """
    reader = Reader(connection, dated=dated, sql_page=sql_page)
    site = read(reader)
    shell = shell_of(reader, site)
    before = _manifest(last)
    done = Written()
    manifest: dict[str, Any] = {"assets": _write_assets(folder, last, before), "pages": {}}
    if sql_page:
        manifest["assets"]["sql"] = in_sql.write(folder, connection, last, before["assets"].get("sql", ""))
    templates = environment()
    for page, content in site.pages:
        digest = _digest(page, content, shell, reader)
        held = before["pages"].get(page.path)
        if last and held and held["digest"] == digest and _taken(folder, last, [page.path, *held["data"]]):
            manifest["pages"][page.path] = held
            done.kept.append(page.path)
        else:
            made = render(page, content, reader, shell, templates)
            _put(folder, page, made)
            manifest["pages"][page.path] = {
                "digest": digest,
                "data": sorted(made.data),
            }
            done.changed.append(page.path)
    done.links = links(site, reader)
    opened = figure_pages.write(
        folder,
        connection,
        {table: list(keys.values()) for table, keys in done.links.items()},
        last,
        dated=dated,
        program=_program(),
        digest_before=before.get("figures", ""),
    )
    done.opened = opened.changed + opened.kept
    manifest["figures"] = opened.digest
    files.write(folder / MANIFEST, json.dumps(manifest, sort_keys=True))
    return done


def shell_of(reader: Reader, site: Site) -> dict[str, Any]:
    """What the shell of every page shows (`shell.html.j2`), also of those that other code writes."""
    return {
        "navigation": site.navigation,
        "paths": sorted(page.path for page in (*(page for page, _ in site.pages), *site.outside)),
        "as_of": reader.run["as_of"],
        "dated": reader.dated,
        "ages": ages(reader),
        "failed_sources": failed_sources(reader.connection),
        "overridden": overrides.overridden(reader.connection),
        "grades": GRADES,
        "tones": TONES,
    }


def links(site: Site, reader: Reader) -> dict[str, dict[str, dict[str, Any]]]:
    """The rows of the warehouse that the pages' figures lead to: by table, by the file of the row's page, its key."""
    from warehouse.reports import addresses
    from warehouse.reports.lineage import named

    found: dict[str, dict[str, dict[str, Any]]] = {}
    for _, content in site.pages:
        for figure, _ in figures(list(content)):
            table = named(figure.table)
            key = {name: figure.key[name] for name in addresses.key_columns(table)}
            found.setdefault(table.full_name, {})[addresses.file_name(table, key)] = key
    return found


def _put(folder: Path, page: Page, made: Rendered) -> None:
    for path, text in {page.path: made.html, **made.data}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _taken(folder: Path, last: Path, paths: list[str]) -> bool:
    """Link files of the last release into this one; False where one is missing."""
    if not all((last / path).is_file() for path in paths):
        return False
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        files.link(str(last / path), str(folder / path))
    return True


def _write_assets(folder: Path, last: Path | None, before: Mapping[str, Any]) -> dict[str, str]:
    """Styles, scripts and Vega; packing Vega takes a third of a second, so it is taken from the last release."""
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    for asset in sorted((HERE / "assets").iterdir()):
        (folder / "assets" / asset.name).write_bytes(asset.read_bytes())
    (folder / "assets" / "theme.js").write_text(charts.theme_script(), encoding="utf-8")
    version = charts.vega_version()
    same = last is not None and before["assets"].get("vega") == version
    if not (same and last and _taken(folder, last, ["assets/vega.js"])):
        (folder / "assets" / "vega.js").write_text(charts.vega(), encoding="utf-8")
    return {"vega": version}


def _manifest(last: Path | None) -> dict[str, Any]:
    try:
        found = json.loads((last / MANIFEST).read_text(encoding="utf-8")) if last else {}
    except (OSError, ValueError):
        found = {}
    return {"assets": {}, "pages": {}} | found


# -- hashes of what a page is made of -----------------------------------------------------------------------------------


def _digest(page: Page, content: Content, shell: Mapping[str, Any], reader: Reader) -> str:
    """A hash of all that decides how a page looks."""
    found = hashlib.sha256(_program().encode())
    for part in _parts([page, list(content), dict(shell)], reader):
        found.update(part.encode("utf-8", "surrogatepass"))
        found.update(b"\0")
    return found.hexdigest()


@cache
def _program() -> str:
    """A hash of the code, templates and styles of the site: what they make changes with them."""
    found = hashlib.sha256()
    for path in sorted(HERE.parent.rglob("*")):
        if path.suffix in (".py", ".j2", ".css", ".js"):
            found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


def _parts(thing: Any, reader: Reader) -> Iterator[str]:
    """Everything that a thing says, as text, in its order."""
    if isinstance(thing, pl.DataFrame):
        yield str(thing.schema)
        yield str(thing.hash_rows(seed=1).to_list()) if not _nested(thing) else thing.write_json()
    elif isinstance(thing, Mapping):
        yield from _parts(list(thing.items()), reader)
    elif isinstance(thing, list | tuple):
        yield f"[{len(thing)}"
        for each in thing:
            yield from _parts(each, reader)
    elif is_dataclass(thing):
        yield type(thing).__name__
        if isinstance(thing, Figure | Words):
            row = reader.row(thing.table, dict(thing.key))
            yield repr((row.get(thing.column), row.get("reason") if isinstance(thing, Words) else None))
        for each in fields(thing):
            yield from _parts(getattr(thing, each.name), reader)
    elif callable(thing):
        yield getattr(thing, "__qualname__", "")
    else:
        yield repr(thing)
    if isinstance(thing, Chart) and charts.is_drawable(thing.numbers.rows):
        yield json.dumps(charts.specification(thing, charts.WIDE), sort_keys=True)


def _nested(rows: pl.DataFrame) -> bool:
    return any(kind.is_nested() for kind in rows.dtypes)
