"""How a page that was published learns of a run that was refused after it.

A refused run publishes nothing, and the pages that stand were written before it. Whoever reads them should know that a newer
answer was tried, and why there is none. Three ways were weighed. To write a page anew would change what is published,
which nobody may. A link to the refused run's folder holds only where a page is opened from one place. It may be opened
from `site/`, `current/site/`, `releases/RUN/site/` or a web server, and each sees another way.

So each release has a folder beside the releases, `later/RUN`, and two links into it that never change. `site/later/later.js` is
a script that every page loads, and `site/refused.html` a page that the quality page leads to, also without scripts. As long
as nothing was refused, both say so. A refused run lays its own pages into that folder and replaces the two files, each in
one step. The next release has a folder of its own, so nothing has to be cleared.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template

from warehouse import files
from warehouse.paths import QUALITY, SITE

FOLDER, SCRIPT, PAGE = "later", "later.js", "refused.html"
MESSAGE = "message.txt"
WHY_SHOWN = 300  # characters
_NOTHING = "// No run was refused after this answer was published.\n"
_NOTICE = Template(
    """// A run was refused after this answer was published: say so on every page.
"use strict";
(() => {
  const later = $later, here = document.currentScript, main = document.querySelector("main");
  if (!here || !main) return;
  const note = document.createElement("p"), strong = document.createElement("strong"), link = document.createElement("a");
  note.className = "note warning warn";
  note.setAttribute("role", "note");
  strong.textContent = "A later run was refused. ";
  link.href = new URL("../refused.html", here.src).href;
  link.textContent = "What was found, and what to do";
  note.append(strong, "The answer below still stands. The run of " + later.started + " found this: " + later.why + " ", link);
  main.prepend(note);
})();
"""
)
_PAGE = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="color-scheme" content="light dark">
<title>Runs that were refused since</title>
<style>
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; }
html { background: #fefefe; color: #1b1f24; }
a { color: #0b4f8a; }
@media (prefers-color-scheme: dark) { html { background: #10151b; color: #e8ecf1; } a { color: #8fc1f5; } }
</style>
</head>
<body><main>
<h1>Runs that were refused since</h1>
<p>A run publishes nothing where its checks refuse the data. The answer beside this page is the newest one that passed them.
Runs that were refused after it stand here, the newest first.</p>
$runs
<p><a href="quality.html">Quality of the data</a></p>
<p><a href="index.html">The report</a></p>
</main></body>
</html>
"""
)


def prepare(later: Path, site: Path, release: Path) -> None:
    """Give the site of a release that is about to be published its folder in `later`, which says that nothing was refused.

    `site` is where it was built, `release` where it will be.
    """
    folder = later / release.name
    folder.mkdir(parents=True, exist_ok=True)
    _tell(folder, _NOTHING, [])
    for name, target in ((FOLDER, folder), (PAGE, folder / PAGE)):
        (site / name).symlink_to(os.path.relpath(target, release / SITE))


def refused(later: Path, release: Path, refusal: Path, started_at: datetime) -> None:
    """Tell the pages of a release of a run that was refused after it; `refusal` is the folder that keeps what it found."""
    folder = later / release.name
    if not folder.is_dir():  # an earlier version published it
        return
    for part in (SITE, QUALITY):
        if (refusal / part).is_dir() and not (folder / refusal.name / part).exists():
            files.link_folder(refusal / part, folder / refusal.name / part)
    files.write(folder / refusal.name / MESSAGE, (refusal / MESSAGE).read_bytes())
    why = " ".join(_message(refusal).split())
    said = {
        "started": f"{started_at:%Y-%m-%d %H:%M} UTC",
        "why": why if len(why) <= WHY_SHOWN else f"{why[:WHY_SHOWN]}...",
    }
    since = [folder / name for name in runs(later, release)]
    _tell(folder, _NOTICE.substitute(later=json.dumps(said)), since)


def runs(later: Path, release: Path) -> list[str]:
    """The runs that were refused after a release was published, the latest first."""
    return sorted((path.parent.name for path in (later / release.name).glob(f"*/{MESSAGE}")), reverse=True)


def forget(later: Path, releases: Iterable[str]) -> None:
    """Remove the folders of releases that are gone."""
    kept = set(releases)
    for path in later.iterdir() if later.is_dir() else ():
        if path.name not in kept:
            files.remove_folder(path)


def _message(refusal: Path) -> str:
    """Why a run was refused; bytes that are no text are shown as such."""
    return (refusal / MESSAGE).read_text(encoding="utf-8", errors="replace")


def _tell(folder: Path, script: str, runs: Iterable[Path]) -> None:
    """Write the page, then the script that leads to it; `runs` are the refused ones, the latest first."""
    said = [
        f'<h2>Run {escape(run.name)}</h2>\n<p><a href="{FOLDER}/{escape(run.name)}/{SITE}/quality.html">What run '
        f"{escape(run.name)} found, and what to do with it</a></p>\n"
        f"<pre>{escape(_message(run).strip())}</pre>"
        for run in runs
    ]
    nothing = "<p>None: no run was refused after this answer was published.</p>"
    files.write(folder / PAGE, _PAGE.substitute(runs="\n".join(said) or nothing))
    files.write(folder / SCRIPT, script)
