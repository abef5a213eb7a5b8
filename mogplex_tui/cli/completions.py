"""`mogplex-tui completions SHELL`: what the shell can complete, written down from the parser itself."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from mogplex_tui.cli.exits import Exit

PROGRAM = "mogplex-tui"
SHELLS = ("bash", "zsh", "fish")


@dataclass(slots=True)
class Place:
    """What may stand after some command words: verbs and options with their help, and words for options and places."""

    path: tuple[str, ...]
    verbs: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    takes_a_word: set[str] = field(default_factory=set)
    words: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("shell", choices=SHELLS, help="the shell to write for")


def run(args: argparse.Namespace) -> int:
    """Print the script; `eval` it, or put it where the shell looks for completions."""
    from mogplex_tui.cli.parser import build

    places = list(_places(build(whole=True), ()))
    write = {"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell]
    sys.stdout.write(write(places))
    return Exit.OK


def _places(parser: argparse.ArgumentParser, path: tuple[str, ...]) -> Iterator[Place]:
    place = Place(path)
    below: list[tuple[str, argparse.ArgumentParser]] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {each.dest: each.help or "" for each in action._choices_actions}
            place.verbs = {name: helps.get(name, "") for name in action.choices}
            below = list(action.choices.items())
        elif action.help == argparse.SUPPRESS:
            continue
        elif action.option_strings:
            for flag in action.option_strings:
                place.options[flag] = _line(action.help)
                if action.nargs != 0:
                    place.takes_a_word.add(flag)
                if action.choices:
                    place.values[flag] = tuple(map(str, action.choices))
        elif action.choices:
            place.words = tuple(map(str, action.choices))
    yield place
    for name, sub in below:
        yield from _places(sub, (*path, name))


def _line(text: str | None) -> str:
    return " ".join((text or "").replace("%%", "%").split())


def _bash(places: list[Place]) -> str:
    """A function that walks the words to the place they lead to, and offers what may stand there."""
    lines = [
        f'# bash completions of {PROGRAM}: eval "$({PROGRAM} completions bash)"',
        "_mogplex_tui() {",
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} place= word i",
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        "        word=${COMP_WORDS[i]}",
        '        case "$place/$word" in',
        *(
            f"            {shlex.quote('/'.join(('', *place.path, name)))}) place+=/$word ;;"
            for place in places
            for name in place.verbs
        ),
        "        esac",
        "    done",
        '    case "$place $prev" in',
    ]
    for place in places:
        at = "/".join(("", *place.path)) if place.path else ""
        for flag, words in place.values.items():
            lines.append(f"        {shlex.quote(f'{at} {flag}')}) {_reply(words)}; return ;;")
        if free := sorted(place.takes_a_word - place.values.keys()):
            lines.append(f"        {'|'.join(shlex.quote(f'{at} {flag}') for flag in free)}) return ;;")
    lines += ["    esac", '    case "$place" in']
    for place in places:
        at = "/".join(("", *place.path)) if place.path else ""
        lines.append(f"        {shlex.quote(at)}) {_reply((*place.verbs, *place.words, *place.options))} ;;")
    return "\n".join([*lines, "    esac", "}", f"complete -o default -F _mogplex_tui {PROGRAM}", ""])


def _reply(words: tuple[str, ...]) -> str:
    return f'COMPREPLY=($(compgen -W {shlex.quote(" ".join(words))} -- "$cur"))'


def _zsh(places: list[Place]) -> str:
    """The same walk; zsh shows the help beside each word."""
    lines = [
        f"#compdef {PROGRAM}",
        f'# zsh completions: {PROGRAM} completions zsh > "${{fpath[1]}}/_{PROGRAM}"',
        "_mogplex_tui() {",
        '    local place="" word prev="${words[CURRENT-1]}"',
        "    local -i i",
        "    local -a offered",
        "    for ((i = 2; i < CURRENT; i++)); do",
        '        word="${words[i]}"',
        '        case "$place/$word" in',
        *(
            f'            {shlex.quote("/".join(("", *place.path, name)))}) place+="/$word" ;;'
            for place in places
            for name in place.verbs
        ),
        "        esac",
        "    done",
        '    case "$place $prev" in',
    ]
    for place in places:
        at = "/".join(("", *place.path)) if place.path else ""
        for flag, words in place.values.items():
            lines.append(f"        {shlex.quote(f'{at} {flag}')}) compadd -- {' '.join(words)}; return ;;")
        if free := sorted(place.takes_a_word - place.values.keys()):
            lines.append(
                f"        {'|'.join(shlex.quote(f'{at} {flag}') for flag in free)}) _default; return ;;"
            )
    lines += ["    esac", '    case "$place" in']
    for place in places:
        at = "/".join(("", *place.path)) if place.path else ""
        told = {**place.verbs, **dict.fromkeys(place.words, ""), **place.options}
        pairs = " ".join(
            shlex.quote(f"{word.replace(':', chr(92) + ':')}:{text}") for word, text in told.items()
        )
        lines.append(f"        {shlex.quote(at)}) offered=({pairs}) ;;")
    lines += ["    esac", f"    _describe {PROGRAM} offered", "}"]
    # Found by its file it is the function's body; eval'ed it has to be made known.
    lines += [
        'if [ "$funcstack[1]" = "_mogplex-tui" ]; then',
        '    _mogplex_tui "$@"',
        "else",
        f"    compdef _mogplex_tui {PROGRAM}",
        "fi",
        "",
    ]
    return "\n".join(lines)


def _fish(places: list[Place]) -> str:
    """One line a word, under the condition that the command line stands at its place."""
    known = " ".join(sorted({"/".join(("", *place.path, name)) for place in places for name in place.verbs}))
    lines = [
        f"# fish completions: {PROGRAM} completions fish > ~/.config/fish/completions/{PROGRAM}.fish",
        "function __mogplex_tui_at",
        "    set -l place ''",
        "    for word in (commandline -opc)[2..]",
        f"        if contains -- $place/$word {known}",
        "            set place $place/$word",
        "        end",
        "    end",
        '    test "$place" = "$argv[1]"',
        "end",
        f"complete -c {PROGRAM} -f",
    ]
    for place in places:
        at = "/".join(("", *place.path)) if place.path else ""
        begin = f"complete -c {PROGRAM} -n \"__mogplex_tui_at '{at}'\""
        for word, text in {**place.verbs, **dict.fromkeys(place.words, "")}.items():
            lines.append(f"{begin} -a {_fished(word)} -d {_fished(text)}")
        for flag, text in place.options.items():
            name = f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
            wants = ""
            if flag in place.values:
                wants = f" -x -a {_fished(' '.join(place.values[flag]))}"
            elif flag in place.takes_a_word:
                wants = " -r"
            lines.append(f"{begin} {name}{wants} -d {_fished(text)}")
    return "\n".join([*lines, ""])


def _fished(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
