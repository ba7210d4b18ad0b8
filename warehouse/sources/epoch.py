"""Epoch AI's published lists: models, accelerators, capabilities. Each list is kept as it stood on a day, its vintage.

Estimates change between vintages, and a later one must not be known earlier. So a list that changed is a new list with
its own day, and an unchanged one is nothing new. A list that changes again on the day of its vintage adds its rows
beside those that were read first. Where they differ, the ones loaded last count.

The models are published in two files, notable and large-scale, and neither holds the other. Marts take the latest
vintage alone, so a vintage made of one file would be half a list that looks whole. The two are therefore bound into one
document before they are parsed: a vintage has both or does not exist. When one file changed and the other did not
(304), the unchanged one comes out of the archive and is bound in again. When one failed, the last good vintage stays.
Both files are also kept as they came, and every row of the union names the file and the hash that it was read from.
"""

from __future__ import annotations

import hashlib
import io
import json
import tomllib
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date
from email.utils import parsedate_to_datetime
from functools import cache
from importlib import resources
from typing import Any

import polars as pl

from warehouse.errors import DocumentError
from warehouse.sources.common import json_text
from warehouse.sources.common.parsing import csv_rows, read_csv, text_of, typed
from warehouse.sources.common.reasons import Reason, reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source
from warehouse.tables import CORE
from warehouse.tables.table import ADDED_BY_LOADING

NAME = "epoch"
HOST = "https://epoch.ai"
NOTABLE, LARGE_SCALE = "notable_ai_models.csv", "large_scale_ai_models.csv"
HARDWARE, CAPABILITIES = "ml_hardware.csv", "benchmarked_models.csv"
PAIR = "epoch_ai_models.zip"
MANIFEST = "manifest.json"
CHIPS = "epoch_chips.toml"
NAMES_SHOWN = 20
VINTAGE = "vintage"
BEFORE_2018 = r"^\s*(1\d{3}|200\d|201[0-7])(-|\s*$)"

MODELS = {
    "Model": "model",
    "Organization": "organization",
    "Publication date": "published",
    "Training compute (FLOP)": "training_flop",
    "Parameters": "parameters",
    "Training hardware": "training_hardware",
    "Hardware quantity": "hardware_quantity",
    "Base model": "base_model",
    "Confidence": "confidence",
}
CHIP, VENDOR, RELEASED = "Hardware name", "Manufacturer", "Release date"
# Column of the list -> column of core.gpu_specs and what the list's unit is divided by. No figure there is with
# sparsity, but for those that epoch_chips.toml corrects.
SPECS = {
    "Tensor-FP16/BF16 performance (FLOP/s)": ("bf16_dense_tflops", 1e12),
    "FP8 performance (FLOP/s)": ("fp8_dense_tflops", 1e12),
    "Memory (bytes)": ("memory_gb", 1e9),
    "Memory bandwidth (byte/s)": ("memory_bandwidth_gb_per_s", 1e9),
    "Intranode bandwidth (byte/s)": ("interconnect_gb_per_s", 1e9),
    "TDP (W)": ("tdp_w", 1.0),
    "Release price (USD)": ("list_price_usd", 1.0),
}
NEEDED = ("release_date", "bf16_dense_tflops", "memory_gb")
CAPABILITY = {
    "Model": "base_name",
    "Display name": "variant",
    "Organization": "organization",
    "Version release date": "version_released",
    "Publication date": "model_published",
    "Training compute (FLOP)": "training_flop",
    "Model accessibility": "accessibility",
    "eci": "eci",
    "eci_ci_low": "eci_low",
    "eci_ci_high": "eci_high",
}


# -- fetching --------------------------------------------------------------------------------------------------------


def _fetch(fetching: Fetching) -> Iterator[Received]:
    parts = [_get(fetching, name) for name in (NOTABLE, LARGE_SCALE)]
    both = [part for part in parts if part is not None]
    yield from both
    if len(both) == len(parts):
        yield bound(both, _vintage(fetching, both, "ai_models"))
    for name, table in ((HARDWARE, "gpu_specs"), (CAPABILITIES, "model_capability")):
        if (received := _get(fetching, name)) is not None:
            # The vintage is part of what the document is: a list that changes back is a vintage of its own.
            yield replace(received, context={VINTAGE: _vintage(fetching, [received], table).isoformat()})


def _get(fetching: Fetching, name: str) -> Received | None:
    return fetching.get(f"{HOST}/data/{name}", name=name, expect="csv")


def _vintage(fetching: Fetching, files: Sequence[Received], table: str) -> date:
    """The day of a list: that of the newest vintage where it is the same list still, else a later one.

    Later by its Last-Modified where the host sends one, else by the day on which it was received.
    """
    ours = [row for row in fetching.rows(table, "known_on", "document_sha256", "source") if row[2] == NAME]
    newest = max((day for day, _, _ in ours), default=date.min)
    if ours and {sha256 for day, sha256, _ in ours if day == newest} <= {_sha256(file) for file in files}:
        return newest
    today = fetching.now.date()
    modified = [day for file in files if (day := _day_of(file.last_modified)) is not None]
    received = max((file.fetched_at or fetching.now).date() for file in files)
    days = (max(modified) if len(modified) == len(files) else received, received, today)
    return next((day for day in days if newest < day <= today), today)


def _day_of(header: str | None) -> date | None:
    try:
        said = parsedate_to_datetime(header or "")
        # The library takes the year 0001 for 2001, as a date of two digits would have it.
        return said.astimezone(UTC).date() if f"{said:%Y}" in (header or "") else None
    except (ValueError, OverflowError):  # no date, or one at the end of the calendar
        return None


DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, LookupError, TypeError, ValueError)
"""What reading a damaged zip file in memory raises, packed in a way that is looked at before; a fault of the disk is none."""


def bound(files: Sequence[Received], vintage: date) -> Received:
    """Files that make one list, as one document; the same files of the same vintage give the same bytes."""
    contents = {file.name: _bytes(file) for file in files}
    manifest = {
        "vintage": vintage.isoformat(),
        "files": [{"name": file.name, "url": file.url, "sha256": _sha256(file)} for file in files],
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in {MANIFEST: json.dumps(manifest, indent=1).encode(), **contents}.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    received_at = max((file.fetched_at for file in files if file.fetched_at), default=None)
    address = f"bound:{'+'.join(contents)}"
    context = {VINTAGE: vintage.isoformat()}
    return Received(PAIR, address, "application/zip", packed.getvalue(), received_at, context=context)


def _sha256(file: Received) -> str:
    return file.sha256 or hashlib.sha256(_bytes(file)).hexdigest()


def _bytes(file: Received) -> bytes:
    return file.content if isinstance(file.content, bytes) else file.content.read_bytes()


# -- parsing ---------------------------------------------------------------------------------------------------------


def _parse(document: Document) -> Iterator[Batch]:
    match document.name:
        case name if name == PAIR:
            yield _models_of(document)
        case name if name == HARDWARE:
            yield _specs_of(document)
        case name if name == CAPABILITIES:
            yield _capabilities_of(document)
        case _:  # one file of the pair: its rows come with the pair
            return


def _read(body: bytes, name: str, columns: Iterable[str]) -> pl.DataFrame:
    """The columns that are needed, as text; others may come and go.

    Raises DocumentError for a lost column and for a list without rows.
    """
    text = text_of(body, name)
    _, header = next(csv_rows(text, name), (1, []))
    missing = [column for column in columns if column not in header]
    if missing:
        raise DocumentError(
            name,
            f"column {', '.join(missing)} is missing; the file has {', '.join(header)[:300] or 'no header'}. "
            "Epoch AI has changed its list: compare it with the columns in warehouse/sources/epoch.py.",
        )
    frame = read_csv(text, name, header).select(*columns, "locator")
    if frame.is_empty():
        raise DocumentError(name, "no rows below the header; the list is never empty. The last vintage stays.")
    return frame


def _models_of(document: Document) -> Batch:
    """The union of the two lists, each model once."""
    table = CORE["ai_models"]
    try:
        with zipfile.ZipFile(document.open()) as archive:
            if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in archive.infolist()):
                raise ValueError("a member is packed in a way that is not used here")
            manifest = json_text.read(archive.read(MANIFEST), document.name)
            bodies = {file["name"]: archive.read(file["name"]) for file in manifest["files"]}
    except DAMAGE as error:
        raise DocumentError(document.name, f"the bound files cannot be read ({error!r}). Fetch them again.") from error
    vintage = manifest["vintage"]
    parts = [
        _read(bodies[file["name"]], file["name"], MODELS)
        .rename(MODELS)
        .with_columns(
            pl.col("model").str.strip_chars(),
            pl.format("{} {}", pl.lit(file["name"]), "locator").alias("locator"),
            document_sha256=pl.lit(file["sha256"]),
        )
        for file in manifest["files"]
    ]
    everything = pl.concat(parts).filter(~pl.col("published").str.contains(BEFORE_2018)).pipe(one_spelling)
    said = everything.select(MODELS.values()).unique()
    unlike = said.filter(pl.col("model").is_duplicated()).get_column("model").unique().sort().to_list()
    # A blank is no figure: where one list has the operations and the other does not, the row that has them stands.
    ranked = everything.sort(pl.col("training_flop").str.strip_chars() == "", maintain_order=True)
    listed = _dated(ranked.unique("model", keep="first", maintain_order=True), vintage, "Data on AI Models")
    read = typed(listed.with_columns(vintage=pl.lit(vintage)), table)
    spelled = everything.filter(pl.col("model") != pl.col("written")).get_column("written").unique().sort().to_list()
    return Batch(
        table,
        read.frame,
        read.unreadable,
        _notices("models_with_other_figures", unlike) + _notices("models_in_two_spellings", spelled),
    )


def one_spelling(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with each `model` in the spelling in which it is listed first; `written` is the one of the row.

    The two lists spell some models in two ways (DeepSeek-V4-Pro-0813, DeepSeek V4 Pro 0813). Names that differ in case,
    blanks, hyphens or underscores only, from one organisation and of one day, are one model.
    """
    letters = pl.col("model").str.to_lowercase().str.replace_all(r"[\s_-]", "")
    same = [letters, pl.col("organization").str.strip_chars(), pl.col("published").str.strip_chars()]
    return rows.with_columns(written="model", model=pl.col("model").first().over(same))


def _dated(frame: pl.DataFrame, vintage: str, title: str) -> pl.DataFrame:
    citation = f"Epoch AI, {title}, vintage {vintage} (CC BY 4.0)"
    return frame.with_columns(known_on=pl.lit(vintage), grade=pl.lit("B"), citation=pl.lit(citation))


def _notices(code: str, names: Sequence[str], **fields: str) -> tuple[Reason, ...]:
    """A notice of some names; none where there are none."""
    return (reason(code, count=len(names), names=list(names[:NAMES_SHOWN]), **fields),) if names else ()


def _capabilities_of(document: Document) -> Batch:
    """One row for each model, setting and release; of several versions under one name the best score stands for it."""
    table = CORE["model_capability"]
    vintage = document.context[VINTAGE]
    listed = (
        _read(document.body, document.name, CAPABILITY)
        .rename(CAPABILITY)
        .with_columns(pl.col(column).str.strip_chars() for column in CAPABILITY.values())
        .filter(pl.col("eci") != "")
        .with_columns(
            model=pl.when(pl.col("variant") != "").then("variant").otherwise("base_name"),
            released=pl.when(pl.col("version_released") != "").then("version_released").otherwise("model_published"),
        )
        .sort(pl.col("eci").cast(pl.Float64, strict=False), descending=True, nulls_last=True, maintain_order=True)
        .unique(["model", "variant", "base_name", "released"], keep="first", maintain_order=True)
    )
    read = typed(_dated(listed, vintage, "Capabilities Index").drop("version_released", "model_published"), table)
    return Batch(table, read.frame, read.unreadable)


# -- accelerators ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chip:
    """How a name of the list becomes a chip of ours (epoch_chips.toml)."""

    epoch: str
    gpu_model: str
    export_restricted_since: date | None = None
    grade: str = "B"
    corrections: tuple[dict[str, Any], ...] = ()


@cache
def chips() -> tuple[dict[str, Chip], frozenset[str]]:
    """Chips by their name in the list, and the names that are left out knowingly."""
    read = tomllib.loads((resources.files("warehouse.reference") / CHIPS).read_text(encoding="utf-8"))
    listed = [Chip(**{**entry, "corrections": tuple(entry.get("corrections", ()))}) for entry in read["chip"]]
    return {chip.epoch: chip for chip in listed}, frozenset(read["left_out"])


def _specs_of(document: Document) -> Batch:
    table = CORE["gpu_specs"]
    vintage = document.context[VINTAGE]
    listed = _read(document.body, document.name, (CHIP, VENDOR, RELEASED, *SPECS))
    wanted, left_out = chips()
    rows: list[dict[str, Any]] = []
    notices: list[Reason] = []
    unknown: list[str] = []
    for row in listed.iter_rows(named=True):
        name = row[CHIP].strip()
        if name in wanted:
            spec, changed = _spec(row, wanted[name])
            notices += changed
            empty = [column for column in NEEDED if not spec[column]]
            if empty:
                notices.append(reason("chip_without_figures", **_place(document, row), chip=name, columns=empty))
            elif any(spec["gpu_model"] == other["gpu_model"] for other in rows):
                notices.append(reason("chip_listed_again", **_place(document, row), chip=name))
            else:
                rows.append(spec)
        elif name and name not in left_out:
            unknown.append(name)
    absent = sorted(set(wanted) - {row[CHIP].strip() for row in listed.iter_rows(named=True)})
    notices += _notices("unknown_chips", unknown, document=document.name, list=CHIPS)
    notices += _notices("chips_no_longer_listed", absent, document=document.name)
    schema = {name: pl.String for name in table.names if name not in ADDED_BY_LOADING}
    frame = pl.DataFrame(rows, schema=schema).with_columns(
        pl.col("note").fill_null(""), pl.lit(vintage).alias("known_on"),
        pl.lit(f"Epoch AI, Data on Machine Learning Hardware (CC BY 4.0), vintage {vintage}").alias("citation"),
    )  # fmt: skip
    read = typed(frame, table)
    return Batch(table, read.frame, read.unreadable, tuple(notices))


def _place(document: Document, row: Mapping[str, str]) -> dict[str, str]:
    return {"document": document.name, "locator": row["locator"]}


def _spec(row: dict[str, str], chip: Chip) -> tuple[dict[str, str], list[Reason]]:
    """One chip as text fields of core.gpu_specs, and what is to know of it."""
    spec = {
        "gpu_model": chip.gpu_model,
        "vendor": row[VENDOR].strip().removesuffix(" AWS"),
        "release_date": row[RELEASED].strip(),
        "export_restricted": "true" if chip.export_restricted_since else "false",
        "export_restricted_since": chip.export_restricted_since.isoformat() if chip.export_restricted_since else "",
        "grade": chip.grade,
        "locator": row["locator"],
    }
    for there, (here, unit) in SPECS.items():
        spec[here] = _in_unit(row[there].strip(), unit)
    notes: list[str] = []
    notices: list[Reason] = []
    for fix in chip.corrections:
        column, value = fix["column"], "" if fix.get("value") is None else str(fix["value"])
        published = "" if fix.get("published") is None else str(fix["published"])
        if spec[column] == published:
            notes.append(f"{column}: {value or 'null'} for {published or 'a blank'} in the list: {fix['why']}")
            spec[column] = value
        elif spec[column] != value:
            said = {"column": column, "found": spec[column], "published": published, "list": CHIPS}
            place = {"document": HARDWARE, "locator": row["locator"]}
            notices.append(reason("correction_no_longer_applies", **place, chip=chip.epoch, **said))
    spec["note"] = "; ".join(notes)
    return spec, notices


def _in_unit(text: str, unit: float) -> str:
    """A number of the list in our unit; text that is not a number stays, and its row is then quarantined."""
    try:
        return str(float(f"{float(text) / unit:.12g}")) if text else ""
    except ValueError:
        return text


SOURCES = (
    Source(
        name=NAME,
        kind="live",
        feed="training",
        gives="models with their training compute, accelerators, capabilities index",
        tables=("ai_models", "gpu_specs", "model_capability"),
        fetch=_fetch,
        parse=_parse,
        terms='CC BY 4.0: credit "Epoch AI, Data on AI Models" and "Data on Machine Learning Hardware"',
        host=HOST,
        host_setting="OVERBUILD_EPOCH_URL",
        max_bytes=100_000_000,
    ),
)
