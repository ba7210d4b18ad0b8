"""Run the steps of the Dockerfile in an empty root, where no container engine is at hand.

    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm /tmp/root
    sudo python tools/try_image.py /tmp/root            the steps, then what the image must do
    sudo python tools/try_image.py /tmp/root --keep     and leave the two roots there, for a look

The root stands for the base image: the same Debian with Python 3.11, though Debian's own build of it. Each instruction is
read from the Dockerfile and done as it says: copies come from what .dockerignore lets through, and commands run by `chroot`
in the stage's root. In the end the image's own user runs commands in a root that is mounted read-only. What is not tried
is the digest of the base, and what a container engine adds: its network, its volumes, its limits.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
FROM_OUTSIDE = ("/etc/resolv.conf", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt", "/opt/wheels")
"""How this machine reaches a package index; no part of the image."""
TRIED = (
    ("overbuild", "--help"),
    ("overbuild", "doctor"),
    ("overbuild", "run", "--quiet"),
    ("overbuild", "verdict"),
    ("overbuild", "backup", "/data/backup"),
    ("prefect", "version"),
)
SEARCHED = ("pytest", "mypy", "ruff", "hypothesis", "moto", "uv", "pip")
"""What no image needs: nothing of it may be found."""


class Stage:
    """One stage of the Dockerfile: a root and what is set in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.folder, self.user = "/", "0:0"

    def inside(self, path: str) -> Path:
        return self.root / str(Path(self.folder) / path).lstrip("/")

    def run(self, command: list[str], *, read_only: bool = False) -> None:
        """Run a command in this root. Its mounts are its own, and go with it."""
        user, group = self.user.split(":")
        mounts = f"mount --bind {self.root} {self.root} && mount -t proc proc {self.root}/proc"
        mounts += f" && mount --rbind /dev {self.root}/dev"
        for name in FROM_OUTSIDE:
            if Path(name).exists():
                mounts += f" && mount --bind {name} {self.root}{name}"
        if read_only:
            mounts += f" && mount --bind {self.root}/data {self.root}/data && mount -t tmpfs tmpfs {self.root}/tmp"
            mounts += f" && mount -o remount,bind,ro {self.root}"
        line = f"cd {shlex.quote(self.folder)} && exec {shlex.join(command)}"
        script = f"{mounts} && exec chroot --userspec={user}:{group} {self.root} /bin/sh -c {shlex.quote(line)}"
        outer = {
            name: value for name, value in os.environ.items() if "proxy" in name.lower() or name.startswith("PIP_")
        }
        subprocess.run(["unshare", "--mount", "/bin/sh", "-c", script], env=outer | self.environment, check=True)


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path from the builder; the last line that fits decides."""
    kept_out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        parts = [path, *map(str, Path(path).parents)]
        fits = any(fnmatch.fnmatch(part, pattern) or (line.startswith("**/") and fnmatch.fnmatch(Path(part).name, pattern))
                   for part in parts)  # fmt: skip
        kept_out = not line.startswith("!") if fits else kept_out
    return kept_out


def sources(name: str) -> list[Path]:
    """The files of the project that a COPY of this name finds. Raises SystemExit where it finds none."""
    place = ROOT / name
    found = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    found = [path for path in found if not ignored(str(path.relative_to(ROOT)))]
    if not found:
        raise SystemExit(f"COPY {name}: the builder is given no such file; see .dockerignore")
    return found


def copy(stage: Stage, words: list[str], others: dict[str, Stage]) -> None:
    options = dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--"))
    *names, target = [word for word in words if not word.startswith("--")]
    into = stage.inside(target)
    for name in names:
        if "from" in options:
            shutil.copytree(others[options["from"]].inside(name), into, symlinks=True)
            continue
        for path in sources(name):
            below = path.relative_to(ROOT / name) if (ROOT / name).is_dir() else Path()
            to = into / below if below.parts else into / path.name if target.endswith("/") else into
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
            to.chmod(int(options.get("chmod", oct(to.stat().st_mode & 0o777)[2:]), 8))


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile with their arguments, continued lines put together."""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.strip().split(None, 1)) for line in text.splitlines() if line.strip()]  # type: ignore[misc]


def build(base: Path, work: Path) -> Stage:
    """Do what the Dockerfile says; gives its last stage."""
    stages: dict[str, Stage] = {}
    stage, shell = Stage(base), ["/bin/sh", "-c"]
    for what, rest in instructions((ROOT / "Dockerfile").read_text()):
        match what:
            case "FROM":
                name = rest.partition(" AS ")[2] or "last"
                subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(work / name)], check=True)
                stage, shell = Stage(work / name), ["/bin/sh", "-c"]
                stages[name] = stage
                as_base_image(stage)
            case "ENV":
                given = (word.split("=", 1) for word in shlex.split(rest))
                stage.environment |= {n: v.replace("$PATH", stage.environment["PATH"]) for n, v in given}
            case "SHELL":
                shell = json.loads(rest)
            case "WORKDIR":
                stage.folder = rest
                stage.inside(".").mkdir(parents=True, exist_ok=True)
            case "COPY":
                copy(stage, shlex.split(rest), stages)
            case "RUN":
                stage.run([*shell, rest])
            case "USER":
                stage.user = rest
    return stages["last"]


def as_base_image(stage: Stage) -> None:
    """Give Debian's Python the names that the base image has, and a place for what comes from outside."""
    (stage.root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for name in FROM_OUTSIDE:
        if Path(name).is_dir():
            (stage.root / name.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif Path(name).exists():
            (stage.root / name.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            (stage.root / name.lstrip("/")).touch()
    stage.run(["python3", "-m", "venv", "/usr/local/lib/pip"])
    (stage.root / "usr/local/bin/pip").symlink_to("/usr/local/lib/pip/bin/pip")


def judge(stage: Stage) -> int:
    """Run what the image is for, as its user in a read-only root; gives how many things are wrong."""
    wrong = 0
    for command in TRIED:
        began = time.monotonic()
        try:
            stage.run(["with-secrets", *command], read_only=True)
            how = "ok"
        except subprocess.CalledProcessError as error:
            how, wrong = f"exit code {error.returncode}", wrong + 1
        print(f"{how}: {' '.join(command)} ({time.monotonic() - began:.0f} s)", flush=True)
    found = [name for name in SEARCHED if (stage.root / "opt/overbuild/bin" / name).exists()]
    print(f"{'wrong' if found else 'ok'}: tools of development in the image: {', '.join(found) or 'none'}")
    size = sum(path.lstat().st_size for path in (stage.root / "opt/overbuild").rglob("*"))
    print(f"/opt/overbuild has {size / 1e6:,.0f} MB; the base comes to that")
    return wrong + bool(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("root", type=Path, help="an empty root that debootstrap made")
    parser.add_argument("--keep", action="store_true", help="leave the roots there")
    given = parser.parse_args()
    work = given.root.absolute().with_name(f"{given.root.name}.image")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        return min(judge(build(given.root.absolute(), work)), 1)
    finally:
        if not given.keep:
            shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
