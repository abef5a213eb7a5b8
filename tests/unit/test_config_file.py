"""A value in the config file is changed; everything else in it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from mogplex_tui.config.config_file import ConfigFileError, set_list, set_value

FILE = """\
# mine
theme = 'dark'   # easier at night

# keys at the end
[keys]
"theme" = "x"
"""


@pytest.mark.parametrize(
    ("before", "key", "value", "after"),
    [
        (FILE, "theme", "light", FILE.replace("'dark'", '"light"')),
        (FILE, "ascii", True, FILE.replace("night\n", "night\nascii = true\n")),
        ("", "tab_line", False, "tab_line = false\n"),
        ("# only this", "ascii", True, "# only this\nascii = true\n"),
        ("[keys]\na.b = 1\n", "ascii", True, "ascii = true\n[keys]\na.b = 1\n"),
        ("ascii = false\r\nx = 1\r\n", "ascii", True, "ascii = true\r\nx = 1\r\n"),
    ],
    ids=["replaced", "added", "new", "comment", "table", "windows"],
)
def test_value_is_set_and_the_rest_is_kept(
    tmp_path: Path, before: str, key: str, value: str | bool, after: str
) -> None:
    path = tmp_path / "config.toml"
    if before:
        path.write_bytes(before.encode())
        path.chmod(0o644)
    set_value(path, key, value)
    assert path.read_bytes().decode() == after
    assert path.stat().st_mode & 0o777 == (0o644 if before else 0o600)


@pytest.mark.parametrize("text", ['theme = """\ndark"""\n', "theme = ", 'x = [\n"a",\n'])
def test_file_that_cannot_be_changed_safely_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigFileError, match="was not changed"):
        set_value(path, "theme", "light")
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("before", "names", "after"),
    [
        ("", ["a", "b"], '[columns]\nruns = ["a", "b"]\n'),
        ('x = 1 # one\n', ["a"], 'x = 1 # one\n\n[columns]\nruns = ["a"]\n'),
        ('[columns]\nq = []\n\n[keys]\nq = "z"\n', ["a"], '[columns]\nq = []\nruns = ["a"]\n\n[keys]\nq = "z"\n'),
        ('[columns] # mine\n"runs" = ["b"]\njobs = ["b"]\n', ["a"], '[columns] # mine\nruns = ["a"]\njobs = ["b"]\n'),
        ('[columns]\nruns = ["b"]\n', None, "[columns]\n"),
        ("x = 1\n", None, "x = 1\n"),
    ],
    ids=["new", "added-table", "added", "replaced", "removed", "nothing-to-remove"],
)  # fmt: skip
def test_list_in_a_table_is_set_and_the_rest_is_kept(
    tmp_path: Path, before: str, names: list[str] | None, after: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(before)
    set_list(path, "columns", "runs", names)
    assert path.read_text() == after


def test_list_that_is_written_over_several_lines_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[columns]\nruns = [\n  "b",\n]\n')
    with pytest.raises(ConfigFileError, match="was not changed"):
        set_list(path, "columns", "runs", ["a"])
    assert path.read_text() == '[columns]\nruns = [\n  "b",\n]\n'
