"""What this program is built of: every package locked by its hash, its licence, known vulnerabilities, a bill of materials.

    python tools/supply_chain.py --check         hashes and licences; reads what is installed, and asks nobody
    python tools/supply_chain.py --audit         known vulnerabilities; says so where their database cannot be reached
    python tools/supply_chain.py --sbom FILE     a bill of materials (CycloneDX) of what the program runs with

A package that is bought in can do whatever the program can. So none enters without its hash, under terms that nobody
read, or without being listed with a release. Only vulnerabilities need the network: without it the audit says that it
was not made, and is no failure.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
RUNTIME, BUILD = ROOT / "requirements-runtime.lock", ROOT / "requirements-build.lock"
PROJECT = "overbuild"
EXTRAS = ("lake", "dask")
LONGEST_AUDIT_SECONDS = 120
_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<rest>(?:.*\\\n)*.*)", re.MULTILINE)


@dataclass(frozen=True)
class Locked:
    """One version of a package in the lock file. `lines` are its own there."""

    name: str
    version: str
    hashes: tuple[str, ...]
    lines: str


def locked(text: str) -> list[Locked]:
    """What a lock file holds; a package with another version on another platform stands there twice."""
    return [
        Locked(
            found["name"].lower(),
            found["version"],
            tuple(re.findall(r"--hash=(\S+)", found["rest"])),
            found[0].split("\n    #")[0].rstrip(" \\"),
        )
        for found in _PINNED.finditer(text)
    ]


def unpinned(text: str) -> Iterator[str]:
    """What is wrong with the lines of a lock file: a package without version or without a SHA-256, or none from a registry."""
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")) and not _PINNED.match(line):
            yield f"{line.split()[0]}: no version is locked"
    for each in locked(text):
        if not each.hashes or not all(one.startswith("sha256:") for one in each.hashes):
            yield f"{each.name} {each.version}: no SHA-256 is locked"


def licence(name: str, given: Mapping[str, Any]) -> str:
    """The licence of an installed package: read by hand, else as its metadata say; '' where nobody says."""
    if name in given["by_hand"]:
        return str(given["by_hand"][name])
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    if expression := about.get("License-Expression"):
        return str(expression)
    names = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    if found := [given["classifiers"].get(each, each) for each in names if each != "OSI Approved"]:
        return " AND ".join(found)
    return str(about.get("License") or "").partition("\n")[0]


def forbidden(licences: Mapping[str, str], given: Mapping[str, Any]) -> Iterator[str]:
    """Packages whose licence is not on the list. Of several that all hold, each must be; of a choice, one."""
    for name, said in licences.items():
        allowed = {*given["allowed"], given["also_allowed"].get(name, "")}
        if not _is_allowed(said, allowed):
            yield f"{name}: its licence ({said or 'none is stated'}) is not in tools/supply_chain.toml"


def _is_allowed(said: str, allowed: set[str]) -> bool:
    said = said.strip()
    while inner := re.search(r"\(([^()]*)\)", said):
        said = said.replace(inner[0], max(allowed) if _is_allowed(inner[1], allowed) else "forbidden")
    parts = re.split(r"\s+AND\s+", said)
    return all(any(one.strip() in allowed - {""} for one in re.split(r"\s+OR\s+", part)) for part in parts)


def out_of_step(text: str) -> Iterator[str]:
    """How the locks of what runs and of what builds do not fit the lock of all: another version, too few, too many."""
    whole = {(each.name, each.version): each.hashes for each in locked(text)}
    wanted = {RUNTIME: runs_with(PROJECT, *EXTRAS), BUILD: {"hatchling", *runs_with("hatchling")}}
    for path, names in wanted.items():
        found = locked(path.read_text(encoding="utf-8"))
        for each in found:
            if set(whole.get((each.name, each.version), ())) != set(each.hashes):
                yield f"{path.name}: {each.name} {each.version} is not as in {LOCK.name}; make lock"
        here = {each.name for each in found if _is_here(each)}
        elsewhere = {each.name for each in found if " ; " in each.lines}  # of other systems and Pythons
        yield from (f"{path.name}: {name} is missing; make lock" for name in sorted(names - here))
        yield from (f"{path.name}: nothing needs {name}; make lock" for name in sorted(here - names - elsewhere))


def check() -> int:
    """Print what is wrong with hashes and licences; gives how many things are."""
    text, given = LOCK.read_text(encoding="utf-8"), terms()
    names = sorted({each.name for each in locked(text)})
    wrong = [*unpinned(text), *forbidden({name: licence(name, given) for name in names}, given), *out_of_step(text)]
    for each in wrong:
        print(each, file=sys.stderr)
    if not wrong:
        print(f"supply chain: {len(names)} packages, each locked by its SHA-256 and under a licence of the list")
    return len(wrong)


def terms() -> dict[str, Any]:
    """Which licences are allowed, and what is known by hand."""
    return tomllib.loads((ROOT / "tools" / "supply_chain.toml").read_text(encoding="utf-8"))


def audit() -> int:
    """Ask for known vulnerabilities of every locked package; gives how many were found, 0 where nobody could be asked."""
    packages = {each.name: each.version for each in locked(LOCK.read_text(encoding="utf-8")) if _is_here(each)}
    first = dict([next(iter(packages.items()))])
    # Where one package cannot be looked up, the others are not asked for: it would be a hundred requests in vain.
    answers = _looked_up(packages) if any(map(_is_known, _looked_up(first))) else []
    asked = list(filter(_is_known, answers))
    found = [(one, each) for one in asked for each in one.get("vulns", ())]
    for one, each in found:
        fixed = ", ".join(each.get("fix_versions", ())) or "no version yet"
        print(f"{one['name']} {one['version']}: {each['id']}; mended in {fixed}", file=sys.stderr)
    if not asked:
        print("audit: not made, the database of vulnerabilities cannot be reached from here")
    else:
        print(f"audit: {len(asked)} of {len(packages)} packages were looked up, {len(found)} vulnerabilities are known")
    return len(found)


def _is_known(answer: dict[str, Any]) -> bool:
    return "skip_reason" not in answer


def _looked_up(packages: Mapping[str, str]) -> list[dict[str, Any]]:
    """What the database says of each package; nothing where it does not answer."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in packages.items()))
        asked = [sys.executable, "-m", "pip_audit", "--requirement", str(listed), "--no-deps", "--disable-pip",
                 "--format", "json", "--progress-spinner", "off", "--timeout", "5"]  # fmt: skip
        try:
            done = subprocess.run(asked, capture_output=True, text=True, timeout=LONGEST_AUDIT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return []
    try:
        return list(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError):
        return []


def _is_here(each: Locked) -> bool:
    try:
        return metadata.version(each.name) == each.version
    except metadata.PackageNotFoundError:
        return False


def runs_with(name: str = PROJECT, *extras: str) -> set[str]:
    """The installed packages that one needs, in all, with some of its extras: not those of the tests and tools."""
    found: set[str] = set()
    waiting = [(name, extra) for extra in ("", *extras)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        of, extra = waiting.pop()
        if (of, extra) in seen:
            continue
        seen.add((of, extra))
        try:
            requires = metadata.requires(of) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(re.sub(r"[-_.]+", "-", of).lower())
        for each in map(Requirement, requires):
            if each.marker is None or each.marker.evaluate({"extra": extra}):
                waiting += [(each.name, one) for one in ("", *each.extras)]
    return found - {name}


def bill_of_materials(file: Path) -> int:
    """Write the bill of materials of what the program runs with: names, versions, hashes, licences. Gives 0."""
    needed, given = runs_with(), terms()
    own = [each for each in locked(LOCK.read_text(encoding="utf-8")) if each.name in needed and _is_here(each)]
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("\n".join(each.lines for each in own) + "\n")
        made = subprocess.run(
            [sys.executable, "-m", "cyclonedx_py", "requirements", str(listed), "--pyproject", str(ROOT / "pyproject.toml"),
             "--output-reproducible", "--no-validate"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    bill = json.loads(made.stdout)
    for each in bill["components"]:
        each.pop("description", None)  # the line of the lock file again
        each["licenses"] = [{"license": {"name": licence(each["name"].lower(), given)}}]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{file}: {len(bill['components'])} packages")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="hashes and licences")
    parser.add_argument("--audit", action="store_true", help="known vulnerabilities")
    parser.add_argument("--sbom", type=Path, metavar="FILE", help="write a bill of materials")
    given = parser.parse_args()
    wrong = (check() if given.check else 0) + (audit() if given.audit else 0)
    if given.sbom:
        wrong += bill_of_materials(given.sbom)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
