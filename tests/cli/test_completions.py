"""The completion scripts: written from the parser, and what a shell makes of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mogplex_tui.cli import parser


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert parser.run(["completions", shell]) == 0
    return capsys.readouterr().out


def test_every_command_and_its_verbs_are_in_the_script(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = script(shell, capsys)
    for word in (*parser.COMMANDS, "webhook-secret", "requeue"):
        assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text), word
    # Arguments of the plane's own parent are nobody's to type.
    assert "--parent" not in text


def test_the_shell_itself_finds_no_fault_in_it(
    shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    binary = shutil.which(shell)
    if binary is None:
        pytest.skip(f"there is no {shell} here")
    path = tmp_path / "script"
    path.write_text(script(shell, capsys))
    done = subprocess.run([binary, "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def offered(text: str, *words: str) -> set[str]:
    """What bash would offer for the last of the words."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    quoted = " ".join(f"'{word}'" for word in words)
    line = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _mogplex_tui"
    asked = f"{text}\n{line}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run([bash, "-c", asked], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_bash_offers_commands_verbs_options_and_choices(capsys: pytest.CaptureFixture[str]) -> None:
    text = script("bash", capsys)
    assert offered(text, "mogplex-tui", "ru") == {"run", "runs"}
    assert {"list", "get", "cancel", "requeue"} <= offered(text, "mogplex-tui", "jobs", "")
    assert offered(text, "mogplex-tui", "jobs", "list", "--st") == {"--status"}
    assert offered(text, "mogplex-tui", "jobs", "list", "--status", "") == {
        "pending",
        "running",
        "success",
        "failed",
        "cancelled",
    }
    assert offered(text, "mogplex-tui", "--read-only", "jobs", "list", "-o", "c") == {"csv"}
    assert offered(text, "mogplex-tui", "completions", "") >= {"bash", "zsh", "fish"}
    # A value that a person makes up is nobody's to complete.
    assert offered(text, "mogplex-tui", "repos", "list", "--query", "l") == set()


def test_a_shell_that_is_not_known_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parser.run(["completions", "tcsh"])
    assert end.value.code == 2
    assert "bash" in capsys.readouterr().err
