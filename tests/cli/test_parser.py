"""The parser with one command's arguments, and with all of them."""

from __future__ import annotations

import itertools
import re
import shlex

import pytest

from mogplex_tui.cli import parser


def exit_of(built: object, argv: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as end:
        built.parse_args(argv)  # type: ignore[attr-defined]
    return (end.value.code, *capsys.readouterr())


@pytest.mark.parametrize("name", sorted(parser.COMMANDS))
def test_single_command_parser_equals_full_parser(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    alone, among = parser.build(name, without_others=True), parser.build(name)
    for word in ("--help", "--nonsense"):
        assert exit_of(alone, [name, word], capsys) == exit_of(among, [name, word], capsys)


@pytest.mark.parametrize("name", ["runs", "sandboxes", "contexts"])
def test_missing_verb_error_names_verbs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, message = exit_of(parser.build(name), [name], capsys)
    assert code == 2 and "error: missing command: choose from list, " in message


@pytest.mark.parametrize("name", sorted(parser.COMMANDS))
def test_help_of_command_ends_with_examples_that_parse(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    built = parser.build(name, without_others=True)
    _, text, _ = exit_of(built, [name, "--help"], capsys)
    lines = text.partition("\nexamples:\n")[2].splitlines()
    assert lines
    for line in lines:
        program, *words = shlex.split(re.sub(r'eval "\$\((.*)\)"', r"\1", line))
        arguments = list(itertools.takewhile(lambda word: word not in ("<", ">", "|"), words))
        assert (program, built.parse_args(arguments).command) == ("mogplex-tui", name)


def test_help_of_verb_has_its_own_examples_alone(capsys: pytest.CaptureFixture[str]) -> None:
    _, text, _ = exit_of(parser.build("runs"), ["runs", "get", "--help"], capsys)
    assert text.endswith("\nexamples:\n  mogplex-tui runs get RUN --json\n")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["--help"], ["--help", "demo"]):
        with pytest.raises(SystemExit):
            parser.run(argv)
        message = capsys.readouterr().out
        assert all(f"\n    {name}" in message for name in parser.COMMANDS)


@pytest.mark.parametrize(
    "words", [["--read-only"], ["--theme", "light"], ["--ascii"], ["--reduced-motion"]], ids=" ".join
)
def test_appearance_options_before_and_after_demo(words: list[str]) -> None:
    built = parser.build("demo")
    before, after = built.parse_args([*words, "demo"]), built.parse_args(["demo", *words])
    assert before == after != built.parse_args(["demo"])


@pytest.mark.parametrize(
    "words", [["--openapi"], ["--webhook", "push"], ["--repo", "acme/web"]], ids=" ".join
)
def test_demo_takes_no_control_plane_only_option(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser.build("demo").parse_args(["demo", *words])
    assert f"unrecognized arguments: {words[0]}" in capsys.readouterr().err
    parser.build("control-plane").parse_args(["control-plane", *words])
