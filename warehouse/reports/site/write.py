"""Writes the site: every page, what lies beside it, and only what has changed since the last release.

Most runs change a few pages. Each module of pages notes what it reads (`inputs`), and each release keeps in its manifest
what stood there. Where that is the same, a module is not even read, and its files are linked. A module that was read may
come out the same all the same: then its pages are linked, too. A page whose shell alone is new (another day) gets its
old body. A chart is drawn only where what it is drawn from changed, which costs a thousand times as much as taking it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import polars as pl

from warehouse import files, records
from warehouse.database.connection import Connection
from warehouse.reports import addresses, overrides
from warehouse.reports.failed_sources import failed_sources
from warehouse.reports.site import charts, discover, figure_pages, in_sql
from warehouse.reports.site.ages import ages
from warehouse.reports.site.blocks import Chart, Figure, Words
from warehouse.reports.site.discover import Module
from warehouse.reports.site.forms import GRADES
from warehouse.reports.site.inputs import Fingerprints, program
from warehouse.reports.site.page import Page, Reader
from warehouse.reports.site.render import Rendered, body_of, drawings, environment, framed, render
from warehouse.reports.site.tones import TONES

HERE = Path(__file__).parent
MANIFEST = "assets/manifest.json"
EMPTY: dict[str, Any] = {
    "assets": {}, "program": "", "dated": False, "sql_page": False, "modules": {}, "around": "", "shell": "", "figures": {},
}  # fmt: skip
"""What a release says of itself: by which program it was made, what each module of pages read, and what it gave."""


@dataclass
class Written:
    """What was written: paths of pages that are new or changed, of those that stayed, and what it took to know.

    `read` are the modules of pages that had to be read; the inputs of the others are those of the last release. `drawn`
    counts charts. `opened` counts the pages of figures, `opened_anew` those of them that are not the last release's.
    """

    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    drawn: int = 0
    opened: int = 0
    opened_anew: int = 0


def write(
    folder: Path, connection: Connection, last: Path | None = None, *, dated: bool = False, sql_page: bool = False
) -> Written:
    """Write the site of a warehouse into `folder`.

    `last` is the site of the release before, from which unchanged files are taken. `dated` says that this is the
    answer of an earlier day, whose pages point to today's. With `sql_page` there is a page that is asked in SQL.
    """
    return _Writing(folder, Reader(connection, dated=dated, sql_page=sql_page), last).site()


class _Writing:
    """The writing of one site: what the last release holds, what has to be read, and what was done."""

    def __init__(self, folder: Path, reader: Reader, last: Path | None) -> None:
        self.folder, self.reader, self.last = folder, reader, last
        self.before = _manifest(last)
        self.prints = Fingerprints(reader.watched.connection, reader.beside_tables())
        self.templates = environment()
        self.done = Written()
        self._read: dict[str, Module] = {}
        made_by = {"program": program(), "dated": reader.dated, "sql_page": reader.sql_page}
        if any(self.before[name] != said for name, said in made_by.items()):
            self.before = EMPTY | {"assets": self.before["assets"]}
        self.manifest: dict[str, Any] = EMPTY | made_by

    def site(self) -> Written:
        self.manifest["assets"] = _write_assets(self.folder, self.last, self.before)
        if self.reader.sql_page:
            held = self.before["assets"].get("sql", "")
            self.manifest["assets"]["sql"] = in_sql.write(self.folder, self.reader.watched.connection, self.last, held)
        plans = {name: self._plan(name) for name in discover.names()}
        self.manifest["modules"] = plans
        every = {name: [Page(**each["page"]) for each in plan["pages"]] for name, plan in plans.items()}
        discover.check([page for of_module in every.values() for page in of_module])
        outside = [Page(**each) for plan in plans.values() for each in plan["outside"]]
        known = [*(page for of_module in every.values() for page in of_module), *outside]
        self.reader.watched.noted = set()
        shell = shell_of(self.reader, known)
        self.manifest["around"] = _hash(_parts([shell["navigation"], shell["paths"]], self.reader))
        self.manifest["shell"] = _hash(_parts(shell, self.reader))
        for name, plan in plans.items():
            for place, page in enumerate(every[name]):
                self._page(page, name, place, plan["pages"][place], shell)
        self._figure_pages(plans, shell)
        self.done.read = sorted(self._read)
        files.write(self.folder / MANIFEST, json.dumps(self.manifest, sort_keys=True, separators=(",", ":")))
        return self.done

    def _plan(self, name: str) -> dict[str, Any]:
        """What the manifest says of a module: that of the last release where it read what stands there still."""
        held: dict[str, Any] | None = self.before["modules"].get(name)
        if held and self.prints.of_all(held["read"]) == held["read"]:
            return held
        module = self._module(name)
        plan = {
            "outside": [vars(page) for page in module.outside],
            "pages": [
                {
                    "page": vars(page),
                    "content": _hash(_parts([page, list(content)], self.reader)),
                    "opens": {table: sorted(rows) for table, rows in module.opens[page.path].items()},
                    "data": [],
                }
                for page, content in module.pages
            ],
        }
        return plan | {"read": self.prints.of_all(module.read)}

    def _module(self, name: str) -> Module:
        if name not in self._read:
            self._read[name] = discover.read_module(name, self.reader)
        return self._read[name]

    def _page(self, page: Page, module: str, place: int, plan: dict[str, Any], shell: Mapping[str, Any]) -> None:
        """Link a page that did not change; put the body of one into its new shell; or draw it."""
        held = self._held(page, plan)
        if held and self.last and all((self.last / path).is_file() for path in (page.path, *held["data"])):
            plan["data"] = held["data"]
            if self.before["shell"] == self.manifest["shell"]:
                _take(self.folder, self.last, [page.path, *plan["data"]])
                self.done.kept.append(page.path)
                return
            body = body_of((self.last / page.path).read_text(encoding="utf-8"))
            _take(self.folder, self.last, plan["data"])
            made = Rendered(framed(page, body, shell, self.templates))
        else:
            content = self._module(module).pages[place][1]
            made = render(page, content, self.reader, shell, self.templates, self._drawings(page))
            plan["data"] = sorted(made.data)
            self.done.drawn += made.drawn
        _put(self.folder, page, made)
        self.done.changed.append(page.path)

    def _held(self, page: Page, plan: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the last release says of a page with the same content and the same pages around it."""
        if self.before["around"] != self.manifest["around"]:
            return None
        every = (each for module in self.before["modules"].values() for each in module["pages"])
        return next((e for e in every if e["page"] == vars(page) and e["content"] == plan["content"]), None)

    def _drawings(self, page: Page) -> Mapping[str, str]:
        """The charts that the last release has on a page, by what they were drawn from."""
        held = self.last / page.path if self.last and self.before["modules"] else None
        return drawings(held.read_text(encoding="utf-8")) if held and held.is_file() else {}

    def _figure_pages(self, plans: Mapping[str, Any], shell: Mapping[str, Any]) -> None:
        """The pages that figures lead to: taken together where nothing behind any of them changed."""
        names: dict[str, set[str]] = {}
        for plan in plans.values():
            for each in plan["pages"]:
                for table, rows in each["opens"].items():
                    names.setdefault(table, set()).update(rows)
        around = figure_pages.Around(figure_pages.day_of(shell), shell["navigation"], self.reader.dated)
        digest = figure_pages.digest(self.prints, names, self.reader.as_of, around)
        self.manifest["figures"] = {"digest": digest, "day": str(around.day)}
        held = self.last and (self.last / addresses.FOLDER).is_dir()
        if self.last and held and self.before["figures"].get("digest") == digest:
            same_day = self.before["figures"]["day"] == around.day
            self.done.opened = figure_pages.take(self.folder, self.last, None if same_day else around.day)
            self.done.opened_anew = 0 if same_day else self.done.opened
            return
        wanted: dict[str, dict[str, Mapping[str, Any]]] = {}
        for name in plans:
            for opens in self._module(name).opens.values():
                for table, rows in opens.items():
                    wanted.setdefault(table, {}).update(rows)
        made = figure_pages.write(
            self.folder,
            self.reader.watched.connection,
            {table: list(rows.values()) for table, rows in wanted.items()},
            self.last if self.before["figures"] else None,
            around,
        )
        self.done.opened = made.changed + made.kept
        self.done.opened_anew = made.changed


def shell_of(reader: Reader, every: Sequence[Page]) -> dict[str, Any]:
    """What the shell of every page shows (`shell.html.j2`), also of those that other code writes."""
    return {
        "navigation": discover.navigation(every),
        "paths": sorted(page.path for page in every),
        "as_of": reader.run["as_of"],
        "dated": reader.dated,
        "ages": ages(reader),
        "failed_sources": failed_sources(reader.connection),
        "overridden": overrides.overridden(reader.connection),
        "grades": GRADES,
        "tones": TONES,
    }


def _put(folder: Path, page: Page, made: Rendered) -> None:
    for path, text in {page.path: made.html, **made.data}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _take(folder: Path, last: Path, paths: Sequence[str]) -> None:
    """Link files of the last release into this one."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        files.link(str(last / path), str(folder / path))


def _write_assets(folder: Path, last: Path | None, before: Mapping[str, Any]) -> dict[str, str]:
    """Styles, scripts and Vega; packing Vega takes a third of a second, so it is taken from the last release."""
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    for asset in sorted((HERE / "assets").iterdir()):
        (folder / "assets" / asset.name).write_bytes(asset.read_bytes())
    (folder / "assets" / "theme.js").write_text(charts.theme_script(), encoding="utf-8")
    version = charts.vega_version()
    same = last is not None and before["assets"].get("vega") == version
    if same and last and (last / "assets" / "vega.js").is_file():
        _take(folder, last, ["assets/vega.js"])
    else:
        (folder / "assets" / "vega.js").write_text(charts.vega(), encoding="utf-8")
    return {"vega": version}


def _manifest(last: Path | None) -> dict[str, Any]:
    try:
        found = records.parsed((last / MANIFEST).read_bytes()) if last else {}
    except OSError:
        found = {}
    return EMPTY | (found or {})


# -- hashes of what a page is made of -----------------------------------------------------------------------------------


def _hash(parts: Iterable[str]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode("utf-8", "surrogatepass"))
        found.update(b"\0")
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
