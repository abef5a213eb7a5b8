"""The completion scripts, as text and in the shells themselves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mogplex_tui.cli import parser
from mogplex_tui.config import contexts
from mogplex_tui.config.contexts import Context
from mogplex_tui.config.paths import state_dir
from mogplex_tui.live.completion_records import KnownRecord, KnownRecords
from mogplex_tui.operate.kinds.registry import kinds


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def completion_script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert parser.run(["completions", shell]) == 0
    return capsys.readouterr().out


def test_script_has_every_command_and_verb(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = completion_script(shell, capsys)
    for word in (*parser.COMMANDS, "webhook-secret", "requeue"):
        assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text), word
    # Contexts are completed by their names, and `settings get` takes no name.
    with_records = kinds().keys() & parser.COMMANDS.keys() - {"contexts", "settings"}
    assert all(f"_mogplex_tui_records {kind}" in text for kind in (*with_records, "runs"))
    # Options for the parent process of a plane are not for users.
    assert "--parent" not in text


def test_shell_accepts_the_script(shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    binary = shutil.which(shell)
    if binary is None:
        pytest.skip(f"there is no {shell} here")
    path = tmp_path / "script"
    path.write_text(completion_script(shell, capsys))
    result = subprocess.run([binary, "-n", str(path)], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


# An interactive zsh with its own completion system; each candidate is printed as <word>.
ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT=; unsetopt beep; autoload -Uz compinit; compinit -u -D; source ${(q)1}"
zpty -w shell 'ended() { print -r -- "<""END>"; exit }; compprefuncs=(); comppostfuncs=(ended)'
zpty -w shell 'compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
    local -a hits; builtin compadd -A hits "$@"; print -rl -- "<"${^hits}">"; builtin compadd "$@"
}'
zpty -w shell 'print "<READ""Y>"'
local line
zpty -r -m shell line '*<READY>*'
zpty -w -n shell "$2"$'\t'
zpty -r -m shell line '*<END>*'
print -r -- "$line"
zpty -d shell
"""
BASH = """
source "$1"; read -ra COMP_WORDS <<<"$2"; [[ $2 == *" " ]] && COMP_WORDS+=("")
COMP_LINE=$2 COMP_POINT=${#2}
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _mogplex_tui; printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = "source $argv[1]; complete -C $argv[2]"


class CompletingShell:
    """A shell with the script loaded; it completes the last word of a line."""

    def __init__(self, shell: str, text: str, home: Path) -> None:
        binary = shutil.which(shell)
        if binary is None:
            pytest.skip(f"there is no {shell} here")
        self.shell, self._binary, self._path = shell, binary, home / "script"
        self._path.write_text(text)
        # The script calls the program of this checkout for the names of contexts.
        program = home / "bin" / "mogplex-tui"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mogplex_tui "$@"\n')
        program.chmod(0o755)
        self._environ = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "TERM": "dumb"}

    def __call__(self, line: str) -> set[str]:
        arguments = {
            "bash": ["--norc", "-c", BASH, "bash"],
            "zsh": ["-f", "-c", ZSH, "zsh"],
            "fish": ["--no-config", "-c", FISH],
        }[self.shell]
        result = subprocess.run(
            [self._binary, *arguments, str(self._path), line],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
            env=self._environ,
        )
        assert result.stderr == ""
        if self.shell == "zsh":
            return set(re.findall(r"<([^<>\r\n]+)>", result.stdout)) - {"READY", "END"}
        return {each.partition("\t")[0] for each in result.stdout.splitlines() if each}


@pytest.fixture
def complete(shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CompletingShell:
    return CompletingShell(shell, completion_script(shell, capsys), tmp_path)


def test_shell_completes_commands_verbs_options_and_choices(complete: CompletingShell) -> None:
    assert complete("mogplex-tui ru") == {"rules", "run", "runs"}
    verbs = complete("mogplex-tui jobs ")
    assert verbs == {"list", "get", "cancel", "explain", "repair", "requeue", "waterfall"}
    assert complete("mogplex-tui jobs list --statu") == {"--status"}
    states = {"pending", "approval", "waiting", "parked", "running", "success", "failed", "cancelled", "live"}
    assert complete("mogplex-tui jobs list --status ") == states
    assert complete("mogplex-tui --read-only jobs list -o c") == {"csv"}
    assert complete("mogplex-tui completions ") == {"bash", "zsh", "fish"}
    # A free text is not completed.
    assert complete("mogplex-tui runs start --prompt l") == set()


def test_shell_completes_contexts(complete: CompletingShell) -> None:
    home = "http://127.0.0.1:1"
    contexts.change(lambda known: known.put(Context("demo", home)).put(Context("work", home)))
    assert complete("mogplex-tui contexts use ") == {"demo", "work"}
    assert complete("mogplex-tui runs list --context w") == {"work"}
    assert complete("mogplex-tui --context demo runs ca") == {"cancel"}


def test_shell_completes_known_records(complete: CompletingShell) -> None:
    contexts.change(lambda known: known.put(Context("work", "http://127.0.0.1:1"), use=True))
    for context, name in (("work", "flaky tests"), ("other", "others")):
        records = KnownRecords(state_dir(context))
        records.remember("skills", [KnownRecord("5e700000", name), KnownRecord("6f700000", "lint")])
        records.remember("projects", [KnownRecord("7f700000", "acme/web")])
        records.remember("runs", [KnownRecord("8f700000")])
        records.save()
    quoted_name = "flaky tests" if complete.shell == "fish" else "flaky\\ tests"
    assert complete("mogplex-tui skills get ") == {quoted_name, "lint"}
    assert complete("mogplex-tui skills get 5e") == {"5e700000"}
    assert complete("mogplex-tui skills delete lint fl") == set()
    assert complete("mogplex-tui runs list --repo acme/") == {"acme/web"}
    assert complete("mogplex-tui run ac") == {"acme/web"}
    assert complete("mogplex-tui runs cancel ") == {"8f700000"}
    assert complete("mogplex-tui connections enable x ") == set()


def test_shell_completes_files(complete: CompletingShell, tmp_path: Path) -> None:
    (tmp_path / "plane.db").touch()
    assert {Path(each).name for each in complete(f"mogplex-tui demo --db {tmp_path}/pl")} == {"plane.db"}
    assert {Path(each).name for each in complete(f"mogplex-tui demo --scenario {tmp_path}/pl")} == {
        "plane.db"
    }
    assert "storm" in complete("mogplex-tui demo --scenario st")


def test_unknown_shell_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parser.run(["completions", "tcsh"])
    assert end.value.code == 2
    assert "bash" in capsys.readouterr().err
