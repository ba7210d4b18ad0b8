"""The figures and the picture in the documents are those of a run of the packaged snapshot."""

from __future__ import annotations

from tools import command_reference, generate_docs, pages


def test_the_figures_in_the_documents_are_those_of_a_run(published, capsys):
    made = generate_docs.of_a_run(published[0])
    assert len(made) == 4
    assert pages.written(made, check=True) == 0, capsys.readouterr().out


def test_the_reference_of_commands_is_that_of_the_program(capsys):
    assert pages.written({command_reference.PAGE: command_reference.page()}, check=True) == 0, capsys.readouterr().out


def test_a_page_that_differs_is_named_with_its_lines_and_left_as_it_is(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("one\n")
    assert pages.written({page: "one\n"}, check=True) == 0
    assert pages.written({page: "two\n"}, check=True) == 1
    said = capsys.readouterr().out
    assert f"{page} is stale" in said
    assert "-one\n+two" in said
    assert page.read_text() == "one\n"
    assert pages.written({page: "two\n"}) == 0
    assert page.read_text() == "two\n"
