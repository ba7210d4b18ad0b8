"""How a page that was published learns of a run that was refused after it.

A refused run publishes nothing, and the pages that stand were written before it. Whoever reads them should know that a newer
answer was tried, and why there is none. Three ways were weighed. To write every page anew would change what was
published, and the hashes of it. A link from
them to the refused run's folder holds only where a page is opened from one place. It may be opened from `site/`,
`current/site/`, `releases/RUN/site/` or a web server, and each sees another way. So a release carries two
small files for it: a page, `site/refused.html`, and a script that every page loads, `site/assets/later.js`. When a run
publishes, both say that nothing was refused. A refused run replaces them, each in one step, and lays its Data Docs beside
those of the release; no other file changes. The next release brings its own two, so nothing has to be cleared. Without
scripts the quality page still links to the page.
"""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from string import Template

from warehouse import files
from warehouse.paths import QUALITY, SITE

PAGE = "refused.html"
SCRIPT = Path("assets") / "later.js"
WHY_SHOWN = 300  # characters
_NOTICE = Template(
    """// A run was refused after this answer was published: say so on every page.
"use strict";
(() => {
  const later = $later, here = document.currentScript, main = document.querySelector("main");
  if (!here || !main) return;
  const note = document.createElement("p"), strong = document.createElement("strong"), link = document.createElement("a");
  note.className = "note warning warn banner";
  note.setAttribute("role", "note");
  strong.textContent = "A later run was refused. ";
  link.href = new URL("../refused.html", here.src);
  link.textContent = "What was found, and what to do";
  note.append(strong, "The run of " + later.started + " found this, so the answer below still stands: " + later.why + " ", link);
  main.prepend(note);
})();
"""
)
_NONE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Runs that were refused since</title></head>
<body><main><h1>Runs that were refused since</h1>
<p>None: no run was refused after this answer was published.</p>
<p><a href="quality.html">Quality of the data</a> <a href="index.html">The report</a></p></main></body>
</html>
"""


def nothing(site: Path) -> None:
    """Write the page of a release after which no run was refused."""
    files.write(site / PAGE, _NONE)


def refused(release: Path, page: Path, docs: Path, run_id: str, started_at: datetime, why: str) -> None:
    """Tell the published pages of a release of a run that was refused after it.

    `page` is the refused run's own page, and `docs` the folder of its Data Docs. Raises OSError where the release cannot
    be written.
    """
    of_run = Path("runs") / run_id
    if (docs / of_run).is_dir() and not (release / QUALITY / of_run).exists():
        with files.temporary(release / QUALITY, run_id) as new:
            shutil.copytree(docs / of_run, new, copy_function=files.link)
            new.rename(release / QUALITY / of_run)
    files.write(release / SITE / PAGE, page.read_bytes())
    first = " ".join(why.split())
    said = {
        "run": run_id,
        "started": f"{started_at:%Y-%m-%d %H:%M} UTC",
        "why": first if len(first) <= WHY_SHOWN else f"{first[:WHY_SHOWN]}...",
    }
    files.write(release / SITE / SCRIPT, _NOTICE.substitute(later=json.dumps(said)))
