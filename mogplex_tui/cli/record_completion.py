"""`mogplex-tui __complete SHELL KIND …`: the records that a completion script offers, without a request.

The arguments after the kind are, for bash, the word at the cursor as bash split it and the line up to the cursor; for
zsh and fish the words up to the cursor, of which the last is being typed.
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
# At these bash begins a word that it completes, though the shell begins none.
_BREAKS = frozenset(":=@")
# Characters that need no backslash outside quotes, beside letters and digits.
_PLAIN = frozenset("_%+=:,./-@")
_OPTIONS = {"--context": "context", "--base-url": "base_url"}


class Word(NamedTuple):
    """A word of a command line: its value, the text as typed, and where in it an open quote is (-1: nowhere)."""

    value: str = ""
    raw: str = ""
    quote_at: int = -1


def run(arguments: Sequence[str]) -> int:
    """Print the candidates, one a line; with what cannot be read, none. Return 0."""
    try:
        shell, kind, *rest = arguments
        if shell == "bash":
            cur, line = rest
            words = split(line)
        else:
            cur, words = "", [Word(each) for each in rest]
            if shell == "fish":
                words[-1] = split(rest[-1])[-1]
        lines = _lines(shell, kind, words, cur)
        sys.stdout.writelines(f"{each}\n" for each in lines)
        sys.stdout.flush()
    except Exception:
        # A shell shows nothing of an error, and the next command reports it.
        return Exit.OK
    return Exit.OK


def _lines(shell: str, kind: str, words: Sequence[Word], cur: str) -> Iterator[str]:
    *before, word = words
    given = [each.value for each in before if each.value]
    for value, note in candidates(kind, word.value, given):
        if shell == "bash":
            yield bash_reply(word, cur, value)
        else:
            yield f"{value}\t{note}"


def candidates(kind: str, begun: str, given: Sequence[str]) -> list[tuple[str, str]]:
    """Return the names and ids that begin with a text, each with the other one of the two.

    `given` are the words before it: their `--context` is used, and records among them are left out. Before anything is
    typed, a record that has a name of its own is offered by that alone.
    """
    from mogplex_tui.live.known_records import read_known

    known = read_known(_directory(given), kind)
    often: dict[str, int] = {}
    for _, name in known:
        often[name.lower()] = often.get(name.lower(), 0) + 1
    found: list[tuple[str, str]] = []
    for key, name in known:
        if key in given or name in given:
            continue
        is_named = bool(name) and often[name.lower()] == 1
        if is_named and name.startswith(begun):
            found.append((name, key))
        if key.startswith(begun) and (begun or not is_named):
            found.append((key, name))
    return found


def _directory(words: Sequence[str]) -> Path:
    """Return the state directory of the context that a command line means. Raises SettingsError."""
    from mogplex_tui.config.paths import state_dir
    from mogplex_tui.config.settings import load

    arguments: dict[str, str] = {}
    for at, word in enumerate(words):
        option, has_value, value = word.partition("=")
        if option in _OPTIONS and (has_value or at + 1 < len(words)):
            arguments[_OPTIONS[option]] = value if has_value else words[at + 1]
    settings = load(arguments, credentials=False)
    if settings.context != "default":
        return state_dir(settings.context)
    from mogplex_tui.cli.command_context import state_name

    return state_dir(state_name(settings))


def split(line: str) -> list[Word]:
    """Return the words of a command line up to the cursor, without their quotes; the last may be empty."""
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
    """Return what bash puts in the place of the word at the cursor so that it means `value`.

    bash replaces the part behind an open quote, or else behind the last of its word breaks: `cur` is that part as
    bash split it.
    """
    if word.quote_at >= 0:
        start = word.quote_at + 1
    else:
        kept = "" if set(cur) <= _BREAKS else cur
        start = len(word.raw) - len(kept) if word.raw.endswith(kept) else 0
    quote = word.raw[word.quote_at] if word.quote_at >= 0 else ""
    reply = word.raw[start:] + "".join(_quoted(char, quote) for char in value[len(word.value) :])
    # bash closes the quote itself, except behind a text that ends with such a character.
    return reply + quote if quote and reply.endswith(quote) else reply


def _quoted(char: str, quote: str) -> str:
    if quote == "'":
        return char.replace("'", r"'\''")
    if quote:
        # A backslash before ! would stay in the text.
        return r'"\!"' if char == "!" else f"\\{char}" if char in '"$`\\' else char
    return char if char.isalnum() or char in _PLAIN else f"\\{char}"
