"""DuckDB as WebAssembly, for the page that is asked in SQL: what it is made of, and the files that the page loads.

A page opened from disk may read no file but scripts, styles and pictures. So the program and the data travel as text in
scripts, compressed, and the page unpacks them. All of it stands in this folder: writing the page asks no network.
`parts.toml` names each part's package, version and hash. The licences lie beside it and go along.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
_MAP = "//# sourceMappingURL"


@dataclass(frozen=True)
class Part:
    """A file of a package: `of` is its path there; `size_bytes` and `sha256` are those of the file as it is published."""

    file: str
    package: str
    version: str
    of: str
    size_bytes: int
    sha256: str
    licence: str

    def packed(self) -> bytes:
        return (HERE / self.file).read_bytes()

    def content(self) -> bytes:
        return gzip.decompress(self.packed())


@cache
def parts() -> Mapping[str, Part]:
    """The parts by name: `wasm`, `worker`, `duckdb` and `arrow`."""
    read = tomllib.loads((HERE / "parts.toml").read_text(encoding="utf-8"))
    return {name: Part(**said) for name, said in read.items()}


def version() -> str:
    """A hash of what the engine's script is made of: the same hash is the same script."""
    return hashlib.sha256((HERE / "parts.toml").read_bytes() + Path(__file__).read_bytes()).hexdigest()


def script() -> str:
    """The engine as one script. It sets `overbuildEngine`: `wasm` and `worker` are compressed, `duckdb` is ready to use."""
    known = parts()
    packed = {name: text_of(known[name].packed()) for name in ("wasm", "worker")}
    return "\n".join(
        [
            f"window.overbuildEngine = {json.dumps(packed)};",
            _code(known["arrow"]),
            "(() => { const module = { exports: {} }, exports = module.exports, require = () => window.Arrow;",
            _code(known["duckdb"]),
            "window.overbuildEngine.duckdb = module.exports; })();\n",
        ]
    )


def data_script(database: bytes) -> str:
    """A script that sets `overbuildData`: a file of DuckDB, compressed."""
    return f'window.overbuildData = "{text_of(gzip.compress(database, 6, mtime=0))}";\n'


def licences() -> Mapping[str, str]:
    """The licences and notices of the parts, by the names of their files."""
    found = sorted([*HERE.glob("LICENSE-*.txt"), *HERE.glob("NOTICE-*.txt")])
    return {path.name: path.read_text(encoding="utf-8") for path in found}


def text_of(content: bytes) -> str:
    """Bytes as a script can hold them."""
    return base64.b64encode(content).decode("ascii")


def _code(part: Part) -> str:
    """A script without the line that sends a debugger to a file which is not there."""
    lines = part.content().decode("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith(_MAP))
