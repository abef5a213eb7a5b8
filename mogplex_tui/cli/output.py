"""Prints the data of headless commands: aligned text, NDJSON or CSV.

In text from the service, control characters are escaped and credentials are masked.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from mogplex_tui.cli.command_context import CommandError
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.operate.serialization import (
    LONGEST_CELL,
    LONGEST_FIELD,
    RevealedSecret,
    Scrubber,
    escape_controls,
)

MIN_LAST_WIDTH = 12


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a text table: its title, alignment and priority.

    On a narrow terminal the column with the highest priority is left out first. A column with
    priority 0 is never left out.
    """

    title: str
    right: bool = False
    priority: int = 0


Json = object
"""Any JSON value.

`Output` uses this name because its method `object` hides the built-in class.
"""


class Output:
    """Writes data to stdout as text, NDJSON or CSV.

    Values may come from the service: credentials are masked and control characters escaped.
    """

    def __init__(self, *, as_json: bool, scrub: Callable[[str], str] = str, form: str = "table") -> None:
        self.as_json = as_json
        # One of table, wide, json and csv.
        self.form = "json" if as_json else form
        self._scrubber = Scrubber(scrub)
        self._stream: TextIO = sys.stdout
        encoding = (getattr(self._stream, "encoding", None) or "ascii").lower()
        self._ascii = not encoding.startswith("utf")
        if self._ascii and isinstance(self._stream, io.TextIOWrapper):
            self._stream.reconfigure(errors="backslashreplace")

    @property
    def is_terminal(self) -> bool:
        """Whether stdout is a terminal."""
        return self._stream.isatty()

    @property
    def ascii_only(self) -> bool:
        """Whether stdout cannot show other characters than ASCII."""
        return self._ascii

    def object(self, kind: str, fields: Mapping[str, object], *, redacted: bool = False) -> None:
        """Write a JSON object on one line, with `kind` as its field `object`.

        Times are UTC and money is a string. `redacted` says that credentials in the fields are
        masked already, which saves time: a run can have tens of thousands of events.
        """
        document = {"object": kind, **fields}
        self._write(self._scrubber.json(document, is_redacted=redacted, ascii_only=self._ascii))

    def json(self, value: Json, *, indent: int | None = 2) -> None:
        """Write a JSON value, with this context's own credentials masked."""
        is_compact = indent is None
        text = self._scrubber.json(
            value, is_redacted=True, ascii_only=self._ascii, compact=is_compact, indent=indent
        )
        self._write(text)

    def line(self, *cells: str) -> None:
        """Write cells as one line of text; a cell padded with spaces keeps its width."""
        texts = (_padded(self.safe_text(cell), len(cell) if cell.endswith(" ") else 0) for cell in cells)
        line = "  ".join(texts).rstrip()
        # A secret that is shown only once must not be cut at the edge of the terminal.
        has_secret = any(isinstance(cell, RevealedSecret) for cell in cells)
        self._write(line if has_secret else self._fit(line))

    def paragraph(self, text: str, *, indent: str = "") -> None:
        """Write a text, wrapped to the width of the terminal.

        If stdout is not a terminal, the text is one line.
        """
        import textwrap

        line_width = shutil.get_terminal_size().columns if self.is_terminal else LONGEST_FIELD
        for line in textwrap.wrap(
            self.safe_text(text), line_width, initial_indent=indent, subsequent_indent=indent * 2
        ):
            self._write(line)

    def program_line(self, text: str) -> None:
        """Write one line of another program's output.

        Spaces are kept, control characters are escaped and credentials are masked.
        """
        self._write(escape_controls(self._scrubber.text(text)))

    def table(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[str]],
        *,
        titles: bool = True,
        indent: str = "",
        whole: bool = False,
    ) -> None:
        """Write rows in aligned columns.

        On a narrow terminal, columns are left out by their priority, the highest first, and lines
        are cut. Everything is written if `whole` is true or stdout is not a terminal.
        """
        shown = [[self.safe_text(cell) for cell in row] for row in rows]
        head = [[column.title for column in columns]] if titles else []
        lines = head + shown
        widths = [max(map(width, texts), default=0) for texts in zip(*lines, strict=True)]
        fits = not self.is_terminal or whole
        kept = range(len(columns)) if fits else self._fitting_columns(columns, widths, len(indent))
        for line in lines:
            text = (
                indent + "  ".join(_padded(line[at], widths[at], columns[at].right) for at in kept).rstrip()
            )
            self._write(text if whole else self._fit(text))

    def csv(self, cells: Iterable[str]) -> None:
        """Write one line of comma-separated values (RFC 4180).

        A text that a spreadsheet would take for a formula gets an apostrophe at its beginning.
        """
        self._write(self._scrubber.csv(cells))

    @staticmethod
    def _fitting_columns(columns: Sequence[Column], widths: Sequence[int], indent: int) -> list[int]:
        limit = shutil.get_terminal_size().columns
        shown = list(range(len(columns)))
        while len(shown) > 1:
            # The last column may be cut, as long as some of it can be read.
            sizes = [widths[at] for at in shown[:-1]] + [min(widths[shown[-1]], MIN_LAST_WIDTH)]
            least_important = max(shown, key=lambda at: columns[at].priority)
            if indent + sum(sizes) + 2 * (len(shown) - 1) <= limit or not columns[least_important].priority:
                break
            shown.remove(least_important)
        return shown

    def safe_text(self, text: str, limit: int = LONGEST_CELL) -> str:
        """Return a text as one line, control characters escaped and credentials masked.

        The credentials in a RevealedSecret are not masked.
        """
        return self._scrubber.line(text, limit)

    def flush(self) -> None:
        """Flush stdout.

        Raises BrokenPipeError if the reader has closed the pipe, and CommandError for a full disk.
        """
        with _reporting_full_disk():
            self._stream.flush()

    def _fit(self, line: str) -> str:
        return clip(line, shutil.get_terminal_size().columns) if self.is_terminal else line

    def _write(self, line: str) -> None:
        with _reporting_full_disk():
            self._stream.write(line + "\n")


@contextmanager
def _reporting_full_disk() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_stdout()
        raise CommandError(Exit.FAILED, f"The output could not be written: {error.strerror}.") from None


def discard_stdout() -> None:
    """Redirect stdout to the null device after its reader has closed the pipe.

    Otherwise the interpreter would report an error when it flushes stdout at exit.
    """
    try:
        null_device = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null_device, sys.stdout.fileno())
        os.close(null_device)
    except (OSError, ValueError):
        return


def width(text: str) -> int:
    """Return how many terminal cells a text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def clip(text: str, limit: int) -> str:
    """Return a text cut to `limit` terminal cells, with an ellipsis if it was cut."""
    if width(text) <= limit:
        return text
    characters, used = [], 0
    for char in text:
        used += _cells(char)
        if used > limit - 1:
            break
        characters.append(char)
    return "".join(characters) + "…"


def _cells(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _padded(text: str, size: int, right: bool = False) -> str:
    space = " " * (size - width(text))
    return space + text if right else text + space
