"""Figures from the filings of every company that files: the SEC's nightly archive of all companyfacts bodies.

To ask for fifteen thousand companies one by one takes the better part of an hour at the SEC's limit. The archive has them
all in one file of more than a gigabyte. It is received once into the archive of documents and read in place, one member at
a time. Each member is a document of its own, as if it had been asked for alone. It keeps the bytes as they are packed there:
a member's packed bytes between the two ends of gzip are a gzip file. So a member that has not changed since is known by its
hash and not unpacked, and a run that was stopped finds what it had received.

The companies of the panel are the source `sec`'s, which asks for them at every run. A company without a ticker goes by its
number, as CIK0000320193. Fiscal years end as a company's annual reports say.
"""

from __future__ import annotations

import io
import logging
import re
import struct
import time
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from warehouse.errors import DocumentError
from warehouse.settings import Setting, Settings
from warehouse.sources.common import company_bodies, edgar
from warehouse.sources.common.source import Fetching, Received, Source
from warehouse.tables.sec_tags import fingerprint

URL = "https://www.sec.gov/Archives/edgar/daily-index/xbrl/companyfacts.zip"
NAME = "SEC facts of all companies"
FILERS = Setting("OVERBUILD_FILERS")
ALL = "all"
MEMBER = re.compile(r"CIK(\d{10})\.json")
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
"""What stands before each member of a zip file (PKWARE's APPNOTE, 4.3.7); its last two numbers are lengths of what follows."""
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""The beginning of a gzip file without name and time (RFC 1952, 2.3)."""
LARGEST_MEMBER_BYTES = 100_000_000
PROGRESS_EVERY_SECONDS = 10.0

progress = logging.getLogger("overbuild.progress.fetching")


def _ready(settings: Settings) -> str | None:
    given = FILERS.of(settings).strip()
    if not given:
        return f"it brings every company that files, more than a gigabyte: set {FILERS.name}={ALL} for that."
    if given != ALL:
        return f"{FILERS.name}: {given!r} is none of its values; the one that it has is {ALL}."
    return edgar.ready(settings)


def _fetch(fetching: Fetching) -> Iterator[Received]:
    received = fetching.get(URL, name=NAME, expect="zip")
    if received is None:
        return
    taken = {cik for (cik,) in fetching.rows("companies", "cik")}
    added = {ticker.upper() for ticker in fetching.settings.tickers}
    tickers: dict[int, str] = {}
    for ticker, cik in company_bodies.listed(fetching, company_bodies.TICKERS_FRESH_FOR).items():
        tickers.setdefault(cik, ticker)  # of classes of shares, the one that the list has first
        if ticker in added:
            taken.add(cik)
    content = received.content
    with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as file:
        yield from _members(file, received, tickers, taken, fetching)


def _members(
    file: BinaryIO, received: Received, tickers: dict[int, str], taken: set[int], fetching: Fetching
) -> Iterator[Received]:
    """Each body of the archive that is no other source's, in the order of the companies' numbers."""
    members = defaultdict[int, list[zipfile.ZipInfo]](list)
    for info in _listed(file, received.name):
        if (found := MEMBER.fullmatch(info.filename)) and int(found[1]) not in taken:
            members[int(found[1])].append(info)
    reported = time.monotonic()
    for done, (cik, infos) in enumerate(sorted(members.items())):
        name, url = tickers.get(cik, f"CIK{cik:010}"), company_bodies.FACTS_URL.format(cik=cik)
        try:
            if len(infos) > 1:
                raise ValueError(f"it stands there {len(infos)} times; which of them counts cannot be known")
            body = packed(file, infos[0])
        except ValueError as error:
            fetching.failed(f"SEC facts of {name}", f"{infos[0].filename} of {received.name}: {error}", url)
            continue
        yield Received(
            f"SEC facts of {name}",
            url,
            "application/json",
            body,
            received.fetched_at,
            context={company_bodies.TICKER: name},
        )
        if time.monotonic() - reported >= PROGRESS_EVERY_SECONDS:
            reported = time.monotonic()
            progress.info("sec_filers: %s of %s companies so far, the last one %s", done + 1, len(members), name)


def _listed(file: BinaryIO, name: str) -> list[zipfile.ZipInfo]:
    """The members that the archive lists at its end. Raises DocumentError where that list cannot be read."""
    try:
        return zipfile.ZipFile(file).infolist()
    # Where the list is damaged, the library also says that a member is of a newer version, or that its name is no text.
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DocumentError(name, f"it is no zip file, or was cut short ({error}). Get it again.") from error


def packed(file: BinaryIO, info: zipfile.ZipInfo) -> bytes:
    """A member as it is packed, as a gzip file; one that is not packed as it is. Raises ValueError where it is not whole."""
    if info.file_size > LARGEST_MEMBER_BYTES or info.compress_size > LARGEST_MEMBER_BYTES:
        raise ValueError(f"larger than the {LARGEST_MEMBER_BYTES:,} bytes allowed")
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("packed in a way that is not read here")
    if info.header_offset < 0:
        raise ValueError("the file is damaged: its list says that a member begins before the file does")
    file.seek(min(info.header_offset, file.seek(0, io.SEEK_END)))
    header = file.read(LOCAL_HEADER.size)
    if len(header) < LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
        raise ValueError("the file is damaged: no member begins where its list says so")
    *_, of_name, of_extra = LOCAL_HEADER.unpack(header)
    file.seek(of_name + of_extra, io.SEEK_CUR)
    content = file.read(info.compress_size)
    if len(content) < info.compress_size:
        raise ValueError("the file is cut short")
    if info.compress_type == zipfile.ZIP_STORED:
        return content
    return GZIP_HEADER + content + struct.pack("<2L", info.CRC, info.file_size & 0xFFFFFFFF)


SOURCES = (
    Source(
        name="sec_filers",
        kind="live",
        feed="capex",
        gives="figures of the filings of every company that files, and share counts, from the SEC's nightly archive",
        tables=("company_facts", "shares_outstanding"),
        fetch=_fetch,
        parse=company_bodies.parse,
        max_bytes=8_000_000_000,
        reads_by=fingerprint(),
        together=company_bodies.TOGETHER,
        **{**edgar.ACCESS, "needs": FILERS.name, "ready": _ready, "optional": True},
    ),
)
