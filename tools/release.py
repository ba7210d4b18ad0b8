"""A release: a wheel and a source archive, with what belongs to them; and the proof that they work where nothing else is.

    python tools/release.py              build it in dist/: make release
    python tools/release.py --check      the same, and try it in empty environments: make release-check

    overbuild-VERSION-py3-none-any.whl, overbuild-VERSION.tar.gz     what `pip install` takes
    overbuild-VERSION.requirements.txt    the versions that were tested with it, each with its SHA-256
    overbuild-VERSION.changes.md          its part of the changelog
    overbuild-VERSION.sbom.json           its bill of materials (CycloneDX)
    overbuild-VERSION.data.json           the snapshot that is in it: when it was collected, and the SHA-256 of its facts
    SHA256SUMS                            of all of these: sha256sum --check SHA256SUMS

The version stands in `warehouse/__init__.py` and nowhere else. The same commit gives the same bytes, because times in the
archives are those of the commit.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from warehouse import __version__  # noqa: E402

PACKAGES = ("flows", "warehouse", "sql")
REFERENCE = ROOT / "warehouse" / "reference"
RUNTIME = ROOT / "requirements-runtime.lock"
NAME = f"overbuild-{__version__}"
NEWER_DUCKDB = "duckdb>=2,<3"


def build(folder: Path) -> list[Path]:
    """Build everything of a release in an empty folder; gives its files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    archives(folder, "sdist", "wheel")
    shutil.copy(RUNTIME, folder / f"{NAME}.requirements.txt")
    (folder / f"{NAME}.changes.md").write_text(changes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8")))
    (folder / f"{NAME}.data.json").write_text(json.dumps(data_version(), indent=1) + "\n")
    bill = [sys.executable, ROOT / "tools" / "supply_chain.py", "--sbom", folder / f"{NAME}.sbom.json"]
    subprocess.run(bill, check=True, stdout=subprocess.DEVNULL)
    made = sorted(folder.iterdir())
    (folder / "SHA256SUMS").write_text("".join(f"{_sha256(path)}  {path.name}\n" for path in made))
    return [*made, folder / "SHA256SUMS"]


def archives(folder: Path, *kinds: str, project: Path = ROOT) -> None:
    """Build a wheel or a source archive of a project in a folder."""
    targets = [word for kind in kinds for word in ("-t", kind)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH") or _committed_at()}
    asked = [sys.executable, "-m", "hatchling", "build", *targets, "-d", str(folder)]
    subprocess.run(asked, cwd=project, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _committed_at() -> str:
    asked = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "1580601600"


def changes(changelog: str) -> str:
    """The part of the changelog of this version; of what is not released yet, where it has none."""
    parts = dict(re.findall(r"^## (\S+)[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE))
    body = parts.get(__version__) or parts.get("Unreleased") or ""
    if not body.strip():
        raise SystemExit(
            f"CHANGELOG.md: there is neither a part `## {__version__}` nor `## Unreleased`; write what changed."
        )
    return f"# overbuild {__version__}\n\n{body.strip()}\n"


def data_version() -> dict[str, object]:
    """Which facts the package holds: through which day, from how many rows, and one hash over the hashes of their files."""
    files = {path.relative_to(REFERENCE).as_posix(): _sha256(path) for path in sorted(REFERENCE.rglob("*.csv*"))}
    lines = "".join(f"{digest}  {name}\n" for name, digest in files.items())
    snapshot = tomllib.loads((REFERENCE / "snapshot.toml").read_text(encoding="utf-8"))
    return {
        "version": __version__,
        "collected_through": max(day for entry in snapshot.values() for day in _known_on(REFERENCE / entry["file"])),
        "rows": sum(entry["rows"] for entry in snapshot.values()),
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
        "files": files,
    }


def _known_on(path: Path) -> Iterator[str]:
    """The days on which the facts of a file became public."""
    body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = csv.DictReader(io.StringIO(body.decode()))
    yield from (row["known_on"] for row in rows if row.get("known_on"))


def belongs() -> set[str]:
    """The files of the packages, which a wheel must hold: code and what it reads."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES]
    return set(subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines())


def contents(wheel: Path) -> set[str]:
    """What a wheel holds, but for what says so about it."""
    with zipfile.ZipFile(wheel) as opened:
        return {name for name in opened.namelist() if ".dist-info/" not in name}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# -- the proof --------------------------------------------------------------------------------------------------------


def check(folder: Path) -> None:
    """Install the wheel, and one built of the source archive, where nothing else is, and run the main job."""
    wheel, source = folder / f"{NAME}-py3-none-any.whl", folder / f"{NAME}.tar.gz"
    lacks, more = belongs() - contents(wheel), contents(wheel) - belongs()
    assert not lacks, f"the wheel lacks {sorted(lacks)}"
    assert not more, f"the wheel holds {sorted(more)}"
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        shutil.unpack_archive(source, place, filter="data")
        archives(place, "wheel", project=place / NAME)
        again = place / wheel.name
        assert _sha256(again) == _sha256(wheel), "the source archive gives another wheel than the project"
        print("the source archive gives the same wheel, byte for byte", flush=True)
        program = install(place / "environment", wheel)
        tried(program, place / "elsewhere")
        read_by_newer_duckdb(program, place)


def install(environment: Path, wheel: Path) -> Path:
    """An environment with the wheel and what it runs with, and no tool of development; gives its folder of programs."""
    uv = [str(Path(sys.executable).with_name("uv")), "--system-certs"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    into = [*uv, "pip", "install", "--quiet", "--python", python]
    subprocess.run([*into, "--require-hashes", "--no-deps", "-r", RUNTIME], check=True)
    subprocess.run([*into, "--no-deps", wheel], check=True)
    subprocess.run([*uv, "pip", "check", "--quiet", "--python", python], check=True)
    return environment / "bin"


def tried(program: Path, folder: Path) -> None:
    """Run the main job in a folder where nothing is; raises CalledProcessError where a command fails."""
    folder.mkdir()
    code = "import importlib.util as u; assert u.find_spec('pytest') is None, 'there are tools of development'"
    ours = ("OVERBUILD_", "PREFECT_", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {"PREFECT_HOME": str(folder / "prefect")}
    commands = [[program / "python", "-c", code]]
    commands += [[program / "overbuild", *words] for words in (
        ["doctor"], ["run"], ["verdict"], ["sql", "--question", "verdicts"], ["backup", "saved"], ["doctor", "--verify"],
    )]  # fmt: skip
    for command in commands:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        said = " ".join(str(word) for word in command[1:]) if command[0].name == "overbuild" else "no tools"
        if done.returncode:
            raise SystemExit(f"{said}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        print(f"ok: {said}", flush=True)


READER = """
import duckdb, json, sys
found = {"duckdb": duckdb.__version__}
connection = duckdb.connect(sys.argv[1], read_only=True)
connection.execute("SET TimeZone = 'UTC'")
listed = "SELECT schema_name, table_name FROM duckdb_tables() "
listed += "UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
asked = 'SELECT count(*), sum(md5_number_lower(t::VARCHAR)::HUGEINT) FROM "{}"."{}" AS t'
for schema, name in sorted(set(connection.execute(listed).fetchall())):
    count, total = connection.execute(asked.format(schema, name)).fetchone()
    found[f"{schema}.{name}"] = [count, str(total)]
print(json.dumps(found))
"""


def read_by_newer_duckdb(program: Path, place: Path) -> None:
    """Read every table and view of the published warehouse by DuckDB 2, and compare with what the locked one reads."""
    uv = [str(Path(sys.executable).with_name("uv")), "--system-certs"]
    newer = place / "newer"
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, newer], check=True)
    into = [*uv, "pip", "install", "--quiet", "--python", newer / "bin" / "python", NEWER_DUCKDB]
    # Not in the project's folder: uv would hold to the version that the project locks.
    done = subprocess.run(into, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"not tried: DuckDB 2 as a reader; the package index does not give it ({done.stderr.strip()[:200]})")
        return
    file = place / "elsewhere" / "data" / "warehouse.duckdb"
    by = {}
    for name, python in (("locked", program / "python"), ("newer", newer / "bin" / "python")):
        said = subprocess.run([python, "-c", READER, file.resolve()], capture_output=True, text=True, check=False)
        if said.returncode:
            raise SystemExit(f"DuckDB ({name}) does not read the published warehouse:\n{said.stderr}")
        by[name] = json.loads(said.stdout)
    versions = [each.pop("duckdb") for each in by.values()]
    differ = [name for name in by["locked"] if by["locked"][name] != by["newer"].get(name)]
    if differ:
        raise SystemExit(f"DuckDB {versions[1]} reads these otherwise than {versions[0]}: {', '.join(differ)}")
    print(f"ok: DuckDB {versions[1]} reads {len(by['locked'])} tables and views as {versions[0]} does")


def main() -> int:
    parser = argparse.ArgumentParser(description="Build a release.")
    parser.add_argument("--check", action="store_true", help="try it in empty environments")
    parser.add_argument("--folder", type=Path, default=ROOT / "dist", help="where it is built")
    given = parser.parse_args()
    for path in build(given.folder):
        print(f"{path.stat().st_size:>10,} {path.name}", flush=True)
    if given.check:
        check(given.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
