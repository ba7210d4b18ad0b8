"""Look at what is in deploy/ with the means that this machine has, and say of each whether it was tried: `make deploy-check`.

No container engine is needed. What a machine lacks is named and skipped; what is wrong ends with exit code 1. The steps of
the Dockerfile run in an empty root by tools/try_image.py, which needs root rights and minutes, so it is asked for by itself.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
HERE = Path(sys.executable).parent
UNITS = (DEPLOY / "overbuild.service", DEPLOY / "systemd" / "overbuild-prefect.service")
NOT_INSTALLED = re.compile(r": Command /opt/\S+ is not executable: No such file or directory")
"""The project lies in /opt only where it is deployed."""
WORST_EXPOSURE = 4.0
"""Of ten, by `systemd-analyze security`: up to here it calls a unit OK."""


class LackingError(Exception):
    """This machine lacks what a check needs."""


def tool(name: str) -> str:
    found = HERE / name
    path = str(found) if found.exists() else shutil.which(name)
    if path is None:
        raise LackingError(f"{name} is not here")
    return path


def said(*command: str | Path, at: Path = ROOT) -> tuple[int, str]:
    done = subprocess.run(command, cwd=at, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, (done.stdout + done.stderr).strip()


def dockerfile() -> str:
    code, found = said(tool("hadolint"), "Dockerfile")
    return found if code else ""


def digests() -> str:
    """Every image is named by a digest."""
    texts = [(ROOT / "Dockerfile").read_text(), *(path.read_text() for path in sorted(DEPLOY.rglob("*.yaml")))]
    images = [image for text in texts for image in re.findall(r"^(?:ARG PYTHON=| *image: )(\S+)", text, re.MULTILINE)]
    loose = [
        each for each in images if not re.search(r"@sha256:[0-9a-f]{64}$", each) and not each.startswith("overbuild")
    ]
    return f"not pinned by a digest: {', '.join(loose)}" if loose or len(images) < 4 else ""


def compose() -> str:
    """`docker compose config`; the first Compose does not know a project's name, and is given the file without it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = (DEPLOY / "compose.yaml").read_text()
        shutil.copy(DEPLOY / "env.example", folder / ".env")
        (folder / "secrets").mkdir()
        (folder / "secrets" / "postgres_password").write_text("made up")
        code, _ = said("docker", "compose", "version") if shutil.which("docker") else (1, "")
        command = ["docker", "compose"] if code == 0 else [tool("docker-compose")]
        (folder / "compose.yaml").write_text(text if code == 0 else re.sub(r"^name:.*\n", "", text, flags=re.MULTILINE))
        code, found = said(*command, "-f", "compose.yaml", "config", at=folder)
        return found if code else "the secret itself is shown" if "made up" in found else ""


def kubernetes() -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        code, found = said(tool("kubectl"), "kustomize", DEPLOY)
        if code:
            return found
        file.write(found)
        file.flush()
        code, found = said(tool("kubernetes-validate"), "--strict", "--quiet", file.name)
        return found if code else ""


def units() -> str:
    _, found = said(tool("systemd-analyze"), "verify", *UNITS)
    wrong = [line for line in found.splitlines() if not NOT_INSTALLED.search(line)]
    for unit in UNITS:
        code, found = said(
            "systemd-analyze", "security", "--offline=true", f"--threshold={WORST_EXPOSURE * 10:.0f}", unit
        )
        wrong += [found.splitlines()[-1]] if code else []
    return "\n".join(wrong)


def web_server() -> str:
    """Debian's nginx takes the configuration of the site."""
    program = tool("nginx")
    with tempfile.TemporaryDirectory() as name:
        main = Path(name) / "nginx.conf"
        main.write_text(f"pid {name}/pid; events {{}} http {{ access_log off; error_log stderr; "
                        f"include {DEPLOY}/nginx/site.conf; }}")  # fmt: skip
        code, found = said(program, "-t", "-c", str(main), "-e", "stderr")
        return found if code else ""


CHECKS: dict[str, Callable[[], str]] = {
    "Dockerfile: hadolint": dockerfile,
    "images: pinned by digest": digests,
    "compose.yaml: docker compose config": compose,
    "kubernetes/: kustomize and Kubernetes' schemas": kubernetes,
    "units: systemd-analyze verify and security": units,
    "nginx/site.conf: nginx -t": web_server,
}


def main() -> int:
    failed = False
    for name, check in CHECKS.items():
        try:
            wrong = check()
        except LackingError as lack:
            print(f"not tried  {name}: {lack}")
            continue
        failed = failed or bool(wrong)
        print(f"{'wrong' if wrong else 'ok':<10} {name}{': ' + wrong if wrong else ''}", flush=True)
    print("not tried  the steps of the Dockerfile, by this: see tools/try_image.py")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
