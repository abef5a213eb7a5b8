"""Change single values in `config.toml` and keep everything else in it unchanged."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mogplex_tui.config.file_locks import locked
from mogplex_tui.config.paths import SMALL_FILE, read_regular, write_private

# A value on one line, with the comment after it.
_VALUE = r"""(?:"[^"\\]*"|'[^']*'|[A-Za-z0-9_+.-]+)(?P<rest>\s*(?:#.*)?)"""
_TABLE = re.compile(r"\s*\[")
_ASSIGNMENT = re.compile(r"""\s*["'A-Za-z0-9_.-]+\s*=""")


class ConfigFileError(Exception):
    """Raised if the config file cannot be changed; the message says what to do."""


def set_value(path: Path, key: str, value: str | bool) -> None:
    """Set a value at the top level of a config file, keeping comments and order.

    The file is created if it is missing. Raises ConfigFileError if the file cannot be read, parsed
    or written, or if replacing the old value would also change other values.
    """
    literal = f"{value}".lower() if isinstance(value, bool) else f'"{value}"'
    _change(
        path,
        lambda text: _with_value(text, key, literal),
        lambda before: {**before, key: value},
        f"Set {key} = {literal} in it yourself.",
    )


def set_list(path: Path, table: str, key: str, values: Sequence[str] | None) -> None:
    """Set a list of words in a table of a config file, or remove it.

    None as `values` removes it.

    The file and the table are created if they are missing. Raises ConfigFileError as `set_value` does.
    """
    literal = None if values is None else f"[{', '.join(f'{chr(34)}{value}{chr(34)}' for value in values)}]"

    def expected(before: dict[str, Any]) -> dict[str, Any]:
        entries = {name: value for name, value in before.get(table, {}).items() if name != key}
        if values is not None:
            entries[key] = list(values)
        return {**before, table: entries} if table in before or entries else before

    advice = f"Remove {key} from [{table}]" if literal is None else f"Set {key} = {literal} in [{table}]"
    _change(path, lambda text: _with_entry(text, table, key, literal), expected, f"{advice} yourself.")


def _change(
    path: Path,
    edit: Callable[[str], str],
    expected: Callable[[dict[str, Any]], dict[str, Any]],
    advice: str,
) -> None:
    """Edit the text of a config file, if this changes its values as expected.

    Raises ConfigFileError, with `advice` if it does not.
    """
    try:
        with locked(path.with_suffix(".lock")):
            text, mode = _read(path)
            changed = edit(text)
            if tomllib.loads(changed) != expected(tomllib.loads(text)):
                raise ConfigFileError(f"{path} was not changed. {advice}")
            write_private(path, changed)
            if mode is not None:
                path.chmod(mode)
    except UnicodeDecodeError:
        raise ConfigFileError(f"{path} was not changed: it is not UTF-8 text.") from None
    except (OSError, ValueError, RecursionError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ConfigFileError(f"{path} was not changed: {reason}.") from None


def _read(path: Path) -> tuple[str, int | None]:
    """Return the text and the permission bits of a file.

    For a missing file they are "" and None.
    """
    try:
        read_regular(path, SMALL_FILE)
        # Reading it as text would change its line ends.
        return path.read_bytes().decode(), path.stat().st_mode & 0o777
    except FileNotFoundError:
        return "", None


def _with_value(text: str, key: str, literal: str) -> str:
    lines = text.splitlines(keepends=True)
    first_table = next((at for at, line in enumerate(lines) if _TABLE.match(line)), len(lines))
    name = re.escape(key)
    assignment = re.compile(rf"""(?P<start>\s*(?:{name}|"{name}"|'{name}')\s*=\s*){_VALUE}$""")
    for at, line in enumerate(lines[:first_table]):
        found = assignment.match(line.rstrip("\r\n"))
        if found is not None:
            end = line[len(line.rstrip("\r\n")) :]
            lines[at] = f"{found['start']}{literal}{found['rest']}{end}"
            return "".join(lines)
    at = _end_of_values(lines[:first_table])
    if at and not lines[at - 1].endswith("\n"):
        lines[at - 1] += "\n"
    return "".join([*lines[:at], f"{key} = {literal}\n", *lines[at:]])


def _with_entry(text: str, table: str, key: str, literal: str | None) -> str:
    """Return the text with an entry of a table set, or removed if `literal` is None."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    heading = re.compile(rf"\s*\[\s*{re.escape(table)}\s*\]\s*(?:#.*)?$")
    start = next((at for at, line in enumerate(lines, 1) if heading.match(line.rstrip())), None)
    if start is None:
        if literal is None:
            return text
        return "".join([*lines, *(["\n"] if lines else []), f"[{table}]\n", f"{key} = {literal}\n"])
    end = next((at for at in range(start, len(lines)) if _TABLE.match(lines[at])), len(lines))
    name = re.escape(key)
    entry = re.compile(rf"""\s*(?:{name}|"{name}"|'{name}')\s*=""")
    entries = [] if literal is None else [f"{key} = {literal}\n"]
    for at in range(start, end):
        if entry.match(lines[at]):
            return "".join([*lines[:at], *entries, *lines[at + 1 :]])
    at = start + _end_of_values(lines[start:end])
    return "".join([*lines[:at], *entries, *lines[at:]])


def _end_of_values(lines: list[str]) -> int:
    """Return the index of the line at which to insert a new value.

    It is the line after the last value. Without any value, it is the line after the comment at the
    beginning of the file, or 0.
    """
    values = [at for at, line in enumerate(lines) if _ASSIGNMENT.match(line)]
    if values:
        return values[-1] + 1
    heading = next((at for at, line in enumerate(lines) if not line.lstrip().startswith("#")), len(lines))
    return heading if heading == len(lines) or not lines[heading].strip() else 0
