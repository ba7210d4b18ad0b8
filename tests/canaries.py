"""Secrets that are planted before sources are asked, hosts that repeat them, and a look at every byte that is left.

A canary is a key, the contact or the webhook's address. Hosts here repeat all of them, in the phrase, in headers and in
bodies, in each spelling that a host may use. Nothing of that may be found anywhere afterwards. Files that pack what they
hold are looked into as well: warehouses by each text of each table, Parquet and gzip unpacked.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import duckdb

from tests.fetching.hosts import answering
from tests.live_server import Reply, Request
from warehouse.sources.common.source import Source

CANARIES = {
    "OVERBUILD_TIINGO_KEY": "canary-tiingo/0a1b+2c3d",
    "OVERBUILD_LAMBDA_KEY": "canary_lambda_9f8e7d6c5b",
    "OVERBUILD_RUNPOD_KEY": "canary-runpod=77aa88bb",
    "OVERBUILD_CONTACT": "Cora Canary cora.canary@nest.example",
    "OVERBUILD_WEBHOOK_URL": "http://127.0.0.1:9/canary/hook-5d4c3b2a",
}
SECRETS = (*CANARIES.values(), "cora.canary@nest.example")


def spelled(secret: str) -> list[str]:
    """A secret as hosts write it: as it is, in addresses, in JSON, in base64 alone and behind a name, and in hex."""
    body = secret.encode()
    return [
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        *(base64.b64encode(before + body).decode() for before in (b"", b"u:", b"me:", b"user:")),
        body.hex(),
    ]


def echoing(source: Source, *, fails: bool) -> Callable[[Request], Reply]:
    """A host of a source that repeats every canary in all that it says; it `fails` in turn in each way, or answers well."""
    well, said, count = answering(source), [each for secret in SECRETS for each in spelled(secret)], [0]

    def answer(request: Request) -> Reply:
        count[0] += 1
        told = said[count[0] % len(said)]
        sent = [
            value for name, value in request.headers.items() if name in ("Authorization", "User-Agent", "X-Api-Key")
        ]
        headers = {f"X-{number}": each for number, each in enumerate([*said, *sent, request.target])}
        headers |= {"Server": told, "Set-Cookie": f"a={told}", "Via": told}
        good = well(request)
        if not fails or good.status != 200:
            return Reply(good.content, good.status, good.kind, headers, f"OK {told}", f'"{told}"', told)
        text = f"<p>Who is {told}? {' '.join(sent)} {request.target}</p>"
        ways = (
            Reply(text, 403, "text/html", headers, f"No {told}"),
            Reply(text, 500, "text/html", headers, f"No {told}"),
            Reply(text, 404, "text/html", headers, told),
            Reply({"error": told}, 200, "application/json", headers),
            Reply("", 302, "text/html", headers | {"Location": f"http://elsewhere.invalid/{quote(told)}"}),
            Reply(good.content, 200, good.kind, headers | {"Content-Length": told}),
            Reply(text, 429, "text/html", headers | {"Retry-After": told}, told),
        )
        return ways[count[0] % len(ways)]

    return answer


def found(folders: Iterable[Path], texts: Iterable[str] = ()) -> list[str]:
    """Where a canary is left: the file and the secret. `texts` are what was written to terminals and logs."""
    wanted = {each.encode().lower(): secret for secret in SECRETS for each in _certain(secret)}
    left = []
    for name, body in (*(("output", text.encode("utf-8", "surrogatepass")) for text in texts), *_bytes(folders)):
        lower = body.lower()
        left += [f"{name}: {secret}" for each, secret in wanted.items() if each in lower]
    return sorted(set(left))


def _certain(secret: str) -> set[str]:
    """The spellings, and what base64 certainly holds of a secret wherever it stands."""
    inner = {base64.b64encode(b"\0" * before + secret.encode()).decode()[4:-4] for before in range(3)}
    return {*spelled(secret)[:4], secret.encode().hex(), *inner}


def _bytes(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    seen = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.resolve() in seen:
                continue
            seen.add(path.resolve())
            body = path.read_bytes()
            yield str(path), body
            if body[:2] == b"\x1f\x8b":
                yield str(path), gzip.decompress(body)
            elif body[:4] == b"PAR1":
                with duckdb.connect() as connection:
                    yield str(path), str(connection.execute("from read_parquet(?)", [str(path)]).fetchall()).encode()
            elif body[8:12] == b"DUCK":
                yield from _tables(path)
        yield "names of files", "\n".join(map(str, folder.rglob("*"))).encode()


def _tables(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every text of every table: the database packs them."""
    with duckdb.connect(str(path), read_only=True) as connection:
        asked = "select schema_name, table_name from duckdb_tables() where not internal"
        for schema, table in connection.execute(asked).fetchall():
            rows = connection.execute(f'select t::varchar from "{schema}"."{table}" t').fetchall()
            yield f"{path} {schema}.{table}", "\n".join(row for (row,) in rows).encode()
