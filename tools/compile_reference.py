"""Compile the team's cited facts into the packaged reference snapshot.

    python tools/compile_reference.py FACTS_FOLDER

Facts keep their citations, grades and identifiers. What changes is the shape. Each file has the columns of the table it
becomes, with dates and numbers in one form. The manifest has its number of rows, so that a file that was cut short is
noticed. Rows of `warehouse/reference/additions/` (facts read elsewhere, and findings of curated claims) are joined
here.
"""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import polars as pl

from warehouse.calendars.fiscal import fiscal_quarter, fiscal_year, period_type
from warehouse.sources.epoch import one_spelling
from warehouse.tables import CORE
from warehouse.tables.consumer_prices import SERIES
from warehouse.tables.table import ADDED_BY_LOADING, PROVENANCE

REFERENCE = Path(__file__).parent.parent / "warehouse" / "reference"
ADDITIONS = REFERENCE / "additions"
PRICES = "Yahoo Finance daily bars as stored on 2026-05-15 (kinryukii/us-tech-quant-v18 at a4a8d483)"
PANEL = "classification of this project; CIK and fiscal year end from data.sec.gov"
TIMELESS = "1970-01-01"
# Columns of a fact that the loading adds; the files hold the rest.
ADDED = {*ADDED_BY_LOADING, "locator"}


def read(facts: Path, name: str) -> pl.DataFrame:
    """A file of the facts as text; an empty field is null, and blanks around a field are no part of it.

    A row that says word for word what another says is one row (a name with a blank behind it is the same name).
    """
    path = facts / name
    raw = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    frame = pl.read_csv(io.BytesIO(raw), infer_schema=False)
    return frame.with_columns(pl.all().str.strip_chars().replace("", None)).unique(maintain_order=True)


def compiled(facts: Path) -> dict[str, pl.DataFrame]:
    companies = read(facts, "companies.csv")
    month = companies.select("ticker", pl.col("fiscal_year_end_month").cast(pl.Int64))
    filed = read(facts, "company_facts.csv").join(month, on="ticker", how="left", maintain_order="left")
    filed = filed.with_columns(pl.col("period_start", "period_end").str.to_date()).with_columns(
        fiscal_year=fiscal_year(), fiscal_quarter=fiscal_quarter()
    )
    claims = read(facts, "article_claims.csv")
    curated = read(ADDITIONS, "claim_findings.csv").rename({"citation": "curated_citation"})
    claims = claims.join(curated, on="claim_id", how="left", maintain_order="left")
    return {
        "companies": companies.with_columns(known_on=pl.lit(TIMELESS), grade=pl.lit("A"), citation=pl.lit(PANEL)),
        "stock_prices": read(facts, "stock_prices.csv.gz").with_columns(
            known_on="date", grade=pl.lit("A"), citation=pl.lit(PRICES)
        ),
        "corporate_actions": read(ADDITIONS, "corporate_actions.csv"),
        "company_facts": filed.with_columns(
            pl.col("tag", "form", "accession").fill_null(""),
            period_type=period_type(),
            filing_fiscal_period="filing_fiscal_period",
            known_on="filed",
        ),
        "shares_outstanding": read(facts, "shares_outstanding.csv"),
        "capex_guidance": _guidance(read(facts, "capex_guidance.csv")).with_columns(known_on="issued_on"),
        "gpu_prices": _offers(read(facts, "gpu_prices.csv")).with_columns(known_on="observed_on"),
        "gpu_specs": read(facts, "gpu_specs.csv").with_columns(
            export_restricted=pl.col("export_restricted").replace_strict({"y": "true", "n": "false"}),
            known_on="release_date",
        ),
        "consumer_prices": _consumer_prices(read(facts, "consumer_prices.csv")),
        "training_runs": _graded(_with_wholes(read(facts, "training_runs.csv")), "training_runs", "run_id").rename(
            {"notes": "note", "source": "citation"}
        ),
        "ai_models": _models(read(facts, "ai_models.csv")).with_columns(known_on="vintage"),
        "model_capability": read(facts, "model_capability.csv").with_columns(
            variant=pl.col("model").fill_null(""), model=pl.col("model").fill_null(pl.col("base_name"))
        ),
        "evidence": _corrected(
            pl.concat((read(facts, "evidence.csv"), read(ADDITIONS, "evidence.csv")), how="diagonal"),
            "evidence",
            "evidence_id",
            "known_on",
            "known_on.csv",
        ).rename({"notes": "note", "source": "citation"}),
        "article_claims": _graded(
            claims.with_columns(
                check_kind=_kind_of_check(),
                known_on="statement_date",
                grade=pl.when(pl.col("check_kind") == "computed").then(pl.lit("A")).otherwise(pl.lit("C")),
                citation=pl.coalesce("curated_citation", "citation", pl.lit("the article, 2025-01-28")),
            ),
            "article_claims",
            "claim_id",
        ),
    }


def _corrected(frame: pl.DataFrame, table: str, key: str, column: str, file: str) -> pl.DataFrame:
    """Rows with what a file of `additions/` corrects in a column, each with its reason there.

    Grades: a statement that several tables hold has one grade in all of them. Days: nothing is public before it was told.
    Raises SystemExit for an identifier that the facts no longer have, or a value that they have by now.
    """
    given = read(ADDITIONS, file).filter(pl.col("table") == table)
    held = given.join(frame, left_on="identifier", right_on=key, how="left", suffix="_held")
    was = pl.col(f"{column}_held")
    if stale := held.filter(was.eq_missing(pl.col(column)) | was.is_null()).height:
        raise SystemExit(f"{table}: {stale} entries of additions/{file} correct nothing; remove them")
    new = given.select(pl.col("identifier").alias(key), corrected=column)
    joined = frame.join(new, on=key, how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("corrected", column).alias(column)).drop("corrected")


def _kind_of_check() -> pl.Expr:
    """A claim that the facts call uncheckable is a curated one from when a source that decides it was read."""
    is_decided = (pl.col("check_kind") == "uncheckable") & (pl.col("curated_finding") != "cannot_check")
    return pl.when(is_decided).then(pl.lit("curated")).otherwise("check_kind")


def _graded(frame: pl.DataFrame, table: str, key: str) -> pl.DataFrame:
    return _corrected(frame, table, key, "grade", "grades.csv")


def _with_wholes(runs: pl.DataFrame) -> pl.DataFrame:
    """Runs, each part with the run that it is a part of (`part_of`).

    Its note names the run, or its own name does in front of `(`. By the name it is a part only where its developer said
    both on one day and published both on one day. A total of another source is no whole of it, nor is an earlier version.
    """
    named = pl.col("model").str.split(" (").list.first()
    same = ["developer", "estimate_by", "known_on", "published"]
    whole = runs.select(*same, named="model", whole="run_id")
    parts = runs.with_columns(named=pl.when(named != pl.col("model")).then(named))
    parts = parts.join(whole, on=["named", *same], how="left", maintain_order="left")
    return parts.with_columns(part_of=pl.coalesce(pl.col("notes").str.extract(r"part of (TR\d+)"), "whole")).drop(
        "named", "whole"
    )


def _guidance(said: pl.DataFrame) -> pl.DataFrame:
    """Guidance with the basis that its company states, read by this project (`additions/capex_guidance_basis.csv`).

    Raises SystemExit where a basis is stated of guidance that nobody gave: its day or year was mistyped.
    """
    one = ["ticker", "fiscal_year", "issued_on"]
    bases = read(ADDITIONS, "capex_guidance_basis.csv")
    if (lost := bases.join(said, on=one, how="anti")).height:
        raise SystemExit(f"capex_guidance_basis.csv: no such guidance: {lost.select(one).row(0)}")
    return said.join(bases.select(*one, "basis", "year_kind"), on=one, how="left", maintain_order="left")


def _models(listed: pl.DataFrame) -> pl.DataFrame:
    """Models of each vintage, one that is listed in two spellings once: as the live list is read."""
    ranked = pl.concat(one_spelling(vintage) for vintage in listed.with_row_index("place").partition_by("vintage"))
    ranked = ranked.sort(pl.col("training_flop").is_null(), maintain_order=True)
    return ranked.unique(["model", "vintage"], keep="first").sort("place").drop("place", "written")


def _offers(prices: pl.DataFrame) -> pl.DataFrame:
    """Rental prices with an instance and a region each.

    Some lists call several chips' offers by one name ("8x", "spot pools"): there the chip joins the name, so that an
    instance is one thing.
    """
    named = prices.with_columns(pl.col("instance").fill_null(pl.col("gpu_model")), pl.col("region").fill_null(""))
    one_offer = ["provider", "instance", "gpu_count", "region", "pricing_kind", "observed_on"]
    several = pl.col("gpu_model").n_unique().over(one_offer) > 1
    ambiguous = several.any().over("provider", "instance")
    return named.with_columns(
        instance=pl.when(ambiguous).then(pl.format("{} {}", "instance", "gpu_model")).otherwise("instance")
    )


def _consumer_prices(listed: pl.DataFrame) -> pl.DataFrame:
    """The index by month, each known from the last day of the month after: it is out by then, whatever its day was."""
    months = listed.with_columns(month=pl.format("{}-01", "month").str.to_date(), index_value="index")
    return months.with_columns(series=pl.lit(SERIES), known_on=pl.col("month").dt.offset_by("1mo").dt.month_end())


def main(facts: Path) -> None:
    manifest = [
        "# Made by tools/compile_reference.py. One entry a file of the snapshot: the table it fills and its rows.",
    ]
    for name, frame in compiled(facts).items():
        table = CORE[name]
        columns = [c for c in table.names if c not in ADDED]
        missing = {c.name for c in table.columns if c.required and c.name not in frame.columns} - ADDED
        if missing:
            raise SystemExit(f"{name}: the facts lack {', '.join(sorted(missing))}")
        out = frame.select(
            (pl.col(c) if c in frame.columns else pl.lit(None)).cast(pl.String).alias(c) for c in columns
        )
        file = f"{name}.csv" + (".gz" if name in ("stock_prices", "ai_models", "company_facts") else "")
        body = out.write_csv().encode()
        # mtime 0: the same facts give the same bytes
        (REFERENCE / file).write_bytes(gzip.compress(body, 9, mtime=0) if file.endswith(".gz") else body)
        manifest.append(f'[{name}]\nfile = "{file}"\nrows = {out.height}\n')
        print(f"{name}: {out.height} rows, {(REFERENCE / file).stat().st_size:,} bytes")
    (REFERENCE / "snapshot.toml").write_text("\n".join(manifest), encoding="utf-8")


assert {column.name for column in PROVENANCE} >= ADDED

if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
