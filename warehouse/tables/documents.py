"""Every document that was received, by the hash of its bytes."""

from warehouse.tables.guide import Guide
from warehouse.tables.table import SOURCE_KIND, Column, Table

TABLE = Table(
    schema="provenance",
    name="documents",
    meaning="documents as they were received; the bytes are in raw/ under this hash",
    columns=(
        Column("sha256", "text", "SHA-256 of the bytes", required=True),
        Column("source", "text", "source that brought it", required=True),
        SOURCE_KIND,
        Column("url", "text", "address it came from", required=True),
        Column("name", "text", "name of the file or address, for messages", required=True),
        Column("fetched_at", "time", "when these bytes were first received (UTC)", required=True),
        Column("bytes", "integer", "its size", "bytes", required=True, minimum=0),
        Column("media_type", "text", "what it is", required=True),
        Column("known_on", "date", "day of the newest fact in it; null where it holds none"),
        Column(
            "parsed_by",
            "text",
            "version of the program that loaded it, and of the list it went by; another one reads it again",
            required=True,
        ),
        Column(
            "context",
            "json",
            "what its source knew of it and its bytes do not say (the ticker, the day a restated history counts from)",
            required=True,
        ),
    ),
    key=("sha256", "source", "url", "context"),
    guide=Guide(
        "One row for each document, source, address and context.",
        "bytes over sources: one document may come from two of them.",
        {
            "Which documents are the newest?": "select source, name, fetched_at, bytes from provenance.documents order by "
            "fetched_at desc limit 10",
            "How many documents has each source?": "select source, count(*) as documents, sum(bytes) as bytes from "
            "provenance.documents group by all order by all",
            "Where is a document from?": "select sha256, url, known_on from provenance.documents limit 5",
        },
    ),
)
