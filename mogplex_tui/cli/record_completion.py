"""`mogplex-tui __complete SHELL KIND …`: print completions that are records.

The records are those of the last list that was read; no request is sent. For bash, the
arguments after the kind are the word at the cursor as bash split it, and the line up to the
cursor. For zsh and fish, they are the words up to the cursor, the last of which is being
typed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mogplex_tui.cli.exit_codes import Exit

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = "__complete"
_QUOTES = "'\""
# bash also breaks words at these characters, although they do not separate arguments.
_BREAKS = frozenset(":=@")
# Characters besides letters and digits that need no backslash outside quotes.
_UNQUOTED = frozenset("_%+=:,./-@")
_OPTIONS = {"--context": "context", "--base-url": "base_url"}


class Word(NamedTuple):
    """A word of a command line: its value, its source text and its open quote.

    `raw` is the source text, with quotes and escapes. `quote_at` is the position in `raw` of a quote
    that is still open, or -1 if no quote is open.
    """

    value: str = ""
    raw: str = ""
    quote_at: int = -1


def run(arguments: Sequence[str]) -> int:
    """Print the completions, one per line, and return 0.

    If an error occurs, prints nothing.
    """
    try:
        shell, kind, *rest = arguments
        if shell == "bash":
            cur, line = rest
            words = split(line)
        else:
            cur, words = "", [Word(word) for word in rest]
            if shell == "fish":
                words[-1] = split(rest[-1])[-1]
        lines = _lines(shell, kind, words, cur)
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()
    except Exception:
        # A shell shows no error during completion; the next command reports it.
        return Exit.OK
    return Exit.OK


def _lines(shell: str, kind: str, words: Sequence[Word], cur: str) -> Iterator[str]:
    *before, word = words
    before_values = [word.value for word in before if word.value]
    for value, note in candidates(kind, word.value, before_values):
        if shell == "bash":
            yield bash_reply(word, cur, value)
        else:
            yield f"{value}\t{note}"


def candidates(kind: str, prefix: str, words: Sequence[str]) -> list[tuple[str, str]]:
    """Return completions for the records whose name or id begins with `prefix`.

    A completion is a pair: the name or id to insert, and the record's id or name to show beside it.
    `words` are the words before the prefix; their `--context` is used, and records that they name
    are left out. If the prefix is empty, a record with a unique name is offered only by its name.
    """
    from mogplex_tui.live.completion_records import read_known

    known = read_known(_directory(words), kind)
    name_counts: dict[str, int] = {}
    for _, name in known:
        name_counts[name.lower()] = name_counts.get(name.lower(), 0) + 1
    matches: list[tuple[str, str]] = []
    for key, name in known:
        if key in words or name in words:
            continue
        is_named = bool(name) and name_counts[name.lower()] == 1
        if is_named and name.startswith(prefix):
            matches.append((name, key))
        if key.startswith(prefix) and (prefix or not is_named):
            matches.append((key, name))
    return matches


def _directory(words: Sequence[str]) -> Path:
    """Return the state directory of the context that a command line uses.

    Raises SettingsError.
    """
    from mogplex_tui.config.paths import state_dir
    from mogplex_tui.config.settings import load

    arguments: dict[str, str] = {}
    for index, word in enumerate(words):
        option, has_value, value = word.partition("=")
        if option in _OPTIONS and (has_value or index + 1 < len(words)):
            arguments[_OPTIONS[option]] = value if has_value else words[index + 1]
    settings = load(arguments, credentials=False)
    if settings.context != "default":
        return state_dir(settings.context)
    from mogplex_tui.cli.command_context import state_name

    return state_dir(state_name(settings))


def split(line: str) -> list[Word]:
    """Split a command line up to the cursor into words; the last word may be empty."""
    words, value, start = list[Word](), "", 0
    quote, quote_at, at = "", -1, 0
    while at < len(line):
        char, following = line[at], line[at + 1 : at + 2]
        if char == "\\" and quote != "'" and following and (not quote or following in '\\"$`'):
            value, at = value + following, at + 1
        elif char == quote:
            quote, quote_at = "", -1
        elif not quote and char in _QUOTES:
            quote, quote_at = char, at - start
        elif not quote and char.isspace():
            if at > start:
                words.append(Word(value, line[start:at]))
            value, start = "", at + 1
        else:
            value += char
        at += 1
    return [*words, Word(value, line[start:], quote_at)]


def bash_reply(word: Word, cur: str, value: str) -> str:
    """Return the text with which bash replaces its part of the word at the cursor.

    This part begins after an open quote, or after the last word break if no quote is open. `cur` is
    the part as bash split it.
    """
    if word.quote_at >= 0:
        start = word.quote_at + 1
    else:
        prefix = "" if set(cur) <= _BREAKS else cur
        start = len(word.raw) - len(prefix) if word.raw.endswith(prefix) else 0
    quote = word.raw[word.quote_at] if word.quote_at >= 0 else ""
    reply = word.raw[start:] + "".join(_quoted(char, quote) for char in value[len(word.value) :])
    # bash closes the quote itself, except after a text that ends with a quote.
    return reply + quote if quote and reply.endswith(quote) else reply


def _quoted(char: str, quote: str) -> str:
    if quote == "'":
        return char.replace("'", r"'\''")
    if quote:
        # In double quotes a backslash before ! would stay in the text.
        return r'"\!"' if char == "!" else f"\\{char}" if char in '"$`\\' else char
    return char if char.isalnum() or char in _UNQUOTED else f"\\{char}"
