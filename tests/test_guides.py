"""The guides are true: their links lead somewhere, their commands and options exist, and what only reads is run as written."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
import types
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.runs import command, settings
from warehouse import assumptions
from warehouse.cli.app import COMMANDS, app
from warehouse.settings import Settings, load_settings
from warehouse.sources import all_sources
from warehouse.sources.common.source import Document

PROJECT = Path(__file__).parent.parent
DOCS = PROJECT / "docs"
GUIDES = sorted((DOCS / "guides").glob("*.md"))
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
ONLY_READS = ("verdict", "sql", "quality", "trace", "sources")
PLACEHOLDER = re.compile(r"\b(ID|NAME|FOLDER|RUN|DATE)\b")


def blocks(path: Path, language: str = "") -> list[str]:
    """The fenced blocks of a page in a language; without one, those to be typed into a shell."""
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def typed(path: Path) -> list[list[str]]:
    """Each call of overbuild in a page's shell blocks, as words, without what follows a pipe, `>` or `#`."""
    lines = [line for block in blocks(path) for line in block.splitlines()]
    calls = [
        line[line.index("overbuild ") :]
        for line in lines
        if re.match(r"(\$ )?(\.venv/bin/|echo .*\| )?overbuild ", line)
    ]
    found = []
    for call in calls:
        words = shlex.split(call, comments=True)
        ends = [words.index(sign) for sign in ("|", ">", "<") if sign in words]
        found.append(words[1 : min(ends, default=None)])
    return found


CALLS = [pytest.param(call, id=f"{path.stem}: {' '.join(call)}") for path in GUIDES for call in typed(path)]


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"`", "", each).lower()).strip().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_link_leads_to_a_file_and_a_heading(path):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def test_the_site_lists_every_page_once():
    def pages(entries: list[Any]) -> list[str]:
        below = [each for entry in entries for each in entry.values()]
        return [page for each in below for page in ([each] if isinstance(each, str) else pages(each))]

    listed = pages(tomllib.loads((PROJECT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"])
    assert sorted(listed) == sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


def test_the_site_fetches_nothing_from_elsewhere():
    config = tomllib.loads((PROJECT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    assert config["theme"]["font"] is False
    assert not {"extra_javascript", "extra_css"} & set(config)


@pytest.mark.parametrize("call", CALLS)
def test_every_command_and_option_of_the_guides_exists(call):
    group = typer.main.get_command(app)
    if call[0].startswith("--"):
        assert call[0] in ("--help", "--install-completion", "--show-completion")
        return
    assert call[0] in COMMANDS
    found = group.get_command(None, call[0])
    words = call[1:]
    if words and words[0] in getattr(found, "commands", {}):
        found, words = found.commands[words[0]], words[1:]
    known = {name for each in found.params for name in (*each.opts, *each.secondary_opts)} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= known
    needed = [each.opts for each in found.params if each.required and each.param_type_name == "option"]
    assert [names for names in needed if not {*names} & {*words}] == []
    arguments = [each for each in found.params if each.required and each.param_type_name == "argument"]
    assert len([word for word in words if not word.startswith("-")]) >= len(arguments)


@pytest.mark.parametrize(
    "call",
    [each for each in CALLS if each.values[0][0] in ONLY_READS
     and not {"--assume", "--as-of", "--file", "-o"} & set(each.values[0]) and not PLACEHOLDER.search(" ".join(each.values[0]))],
)  # fmt: skip
def test_what_only_reads_runs_as_written(published, call):
    done = command(published[0], *call, stdin="from verdict")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_python_of_the_guide_runs_as_written(published):
    [example] = blocks(DOCS / "guides" / "programs.md", "python")
    names: dict[str, Any] = {}
    with settings(published[0]):
        exec(example, names)
    assert all(names[name].height for name in ("answer", "capex", "top", "facts"))


def test_the_source_of_the_guide_reads_the_answer_of_the_guide(monkeypatch):
    guide = DOCS / "guides" / "add-a-source.md"
    [body] = blocks(guide, "json")
    [code] = blocks(guide, "python")
    module = types.ModuleType("example_cloud")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(code, vars(module))
    document = Document("0" * 64, "example offers", module.ADDRESS, body.encode())
    rows = [row for batch in module.parse(document) for row in batch.frame.to_dicts()]
    assert [(row["gpu_model"], row["usd_per_gpu_hour"], row["region"]) for row in rows] == [
        ("H100 SXM", 2.49, "us-east")
    ]
    [source] = module.SOURCES
    assert source.tables == ("gpu_prices",)


@pytest.mark.parametrize("path", [p for p in PAGES if p.parent == DOCS / "guides"], ids=lambda path: path.stem)
def test_files_and_settings_that_a_guide_names_exist(path):
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"`((?:warehouse|deploy|notebooks|sql|tests|flows)/[\w/.-]+)`", text)
    missing = [name for name in named if not (PROJECT / name).exists() and "example_cloud" not in name]
    assert missing == []
    documented = (DOCS / "settings.md").read_text(encoding="utf-8")
    used = set(re.findall(r"OVERBUILD_[A-Z_]+", text)) - {
        "OVERBUILD_PROJECT",
        "OVERBUILD_DEBUG",
        "OVERBUILD_EXAMPLE_URL",
    }
    assert {name for name in used if name not in documented} == set()


def test_the_assumptions_of_the_guide_are_taken_as_they_stand(tmp_path):
    [example] = blocks(DOCS / "guides" / "assumptions.md", "toml")
    (tmp_path / "my-assumptions.toml").write_text(example)
    assert assumptions.load(tmp_path / "my-assumptions.toml") != assumptions.load()


def test_the_settings_file_of_the_page_is_read(tmp_path, monkeypatch):
    [example] = blocks(DOCS / "settings.md", "toml")
    (tmp_path / "overbuild.toml").write_text(example)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OVERBUILD_HOME", raising=False)
    monkeypatch.delenv("OVERBUILD_CONTACT", raising=False)
    found = load_settings()
    assert (str(found.home), found.contact) == ("/var/lib/overbuild", "Jane Doe jane@example.com")


def test_every_setting_is_documented():
    documented = (DOCS / "settings.md").read_text(encoding="utf-8")
    names = {f"OVERBUILD_{name.upper()}" for name in Settings.model_fields}
    names |= {source.host_setting for source in all_sources() if source.host_setting}
    assert {name for name in names if f"`{name}`" not in documented} == set()
