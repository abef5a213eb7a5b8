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
# What the shell runs for the names of the contexts, which nobody but the machine at hand knows.
_NAMES = f"{PROGRAM} contexts list --names 2>/dev/null"
_TAKE_A_CONTEXT = {("contexts", verb) for verb in ("use", "set", "remove", "rename")}


@dataclass(slots=True)
class Place:
    """What may stand after some command words: verbs and options with their help, and words for options and places.

    Of the options that take a word some have `values`, some take a `file`, some either, some a context, and the rest what
    a person makes up.
    """

    path: tuple[str, ...]
    verbs: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    takes_a_word: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    words: tuple[str, ...] = ()

    @property
    def at(self) -> str:
        """The command words as one text, as the scripts walk along: `/runs/list`, nothing for the program itself."""
        return "".join(f"/{word}" for word in self.path)

    @property
    def contexts(self) -> set[str]:
        """The options that take the name of a context."""
        return self.takes_a_word & {"--context"}

    @property
    def free(self) -> set[str]:
        """The options that take what only a person knows."""
        return self.takes_a_word - self.values.keys() - self.files - self.contexts

    @property
    def wants_context(self) -> bool:
        """Whether the name of a context stands here by itself."""
        return self.path in _TAKE_A_CONTEXT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("shell", choices=SHELLS, help="the shell to write for")


def run(args: argparse.Namespace) -> int:
    """Print the script; `eval` it, or put it where the shell looks for completions."""
    from mogplex_tui.cli.parser import build

    places = list(_places(build(whole=True), ()))
    write = {"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell]
    sys.stdout.write(write(places))
    sys.stdout.flush()
    return Exit.OK


def _places(parser: argparse.ArgumentParser, path: tuple[str, ...]) -> Iterator[Place]:
    place = Place(path)
    below: list[tuple[str, argparse.ArgumentParser]] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {each.dest: each.help or "" for each in action._choices_actions}
            # Older names of a verb have no line in the help, and are not offered either.
            place.verbs = {name: helps[name] for name in action.choices if name in helps}
            below = [(name, parser) for name, parser in action.choices.items() if name in helps]
        elif action.help == argparse.SUPPRESS:
            continue
        elif action.option_strings:
            for flag in action.option_strings:
                place.options[flag] = _line(action.help)
                if action.nargs != 0:
                    place.takes_a_word.add(flag)
                if action.choices:
                    place.values[flag] = tuple(map(str, action.choices))
                if "FILE" in str(action.metavar):
                    place.files.add(flag)
                if action.dest == "scenario":
                    from mogplex_tui.controlplane.scenarios.load import titles

                    place.values[flag] = tuple(titles())
        elif action.choices:
            place.words = tuple(map(str, action.choices))
    yield place
    for name, sub in below:
        yield from _places(sub, (*path, name))


def _line(text: str | None) -> str:
    return " ".join((text or "").replace("%%", "%").split())


def _walk(places: list[Place], word: str, before: str) -> list[str]:
    """The lines of bash and zsh that go along the words; what an option takes is no command, whatever it is called."""
    lines = ['        case "$place $before" in']
    lines += [
        f"            {_patterns(place, place.takes_a_word)}) continue ;;"
        for place in places
        if place.takes_a_word
    ]
    lines += ["        esac", '        case "$place/$word" in']
    lines += [
        f"            {shlex.quote(f'{place.at}/{name}')}) place+=/$word ;;"
        for place in places
        for name in place.verbs
    ]
    return [f"        word={word} before={before}", *lines, "        esac", "    done"]


def _patterns(place: Place, flags: set[str]) -> str:
    return "|".join(shlex.quote(f"{place.at} {flag}") for flag in sorted(flags))


def _bash(places: list[Place]) -> str:
    """A function that walks the words to the place they lead to, and offers what may stand there."""
    lines = [
        f'# bash completions of {PROGRAM}: eval "$({PROGRAM} completions bash)"',
        "_mogplex_tui() {",
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} place= word before i",
        "    COMPREPLY=()",
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        *_walk(places, "${COMP_WORDS[i]}", "${COMP_WORDS[i-1]}"),
        '    case "$place $prev" in',
    ]
    names = f'COMPREPLY=($(compgen -W "$({_NAMES})" -- "$cur"))'
    # Only here: a word that happens to be a directory's name would get a slash.
    files = 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur"))'
    for place in places:
        for flag, words in place.values.items():
            more = f"; {files.replace('=(', '+=(')}" if flag in place.files else ""
            lines.append(f"        {_patterns(place, {flag})}) {_reply(words)}{more}; return ;;")
        if place.contexts:
            lines.append(f"        {_patterns(place, place.contexts)}) {names}; return ;;")
        if place.files:
            lines.append(f"        {_patterns(place, place.files)}) {files}; return ;;")
        if place.free:
            lines.append(f"        {_patterns(place, place.free)}) return ;;")
    lines += ["    esac", '    case "$place" in']
    for place in places:
        at = shlex.quote(place.at)
        options, words = _reply(tuple(place.options)), (*place.verbs, *place.words)
        others = names if place.wants_context else _reply(words) if words else options
        # Options only for who begins one: there are more of them than of what one mostly wants.
        lines.append(f"        {at}) if [[ $cur == -* ]]; then {options}; else {others}; fi ;;")
    return "\n".join([*lines, "    esac", "}", f"complete -F _mogplex_tui {PROGRAM}", ""])


def _reply(words: tuple[str, ...]) -> str:
    return f'COMPREPLY=($(compgen -W {shlex.quote(" ".join(words))} -- "$cur"))'


def _zsh(places: list[Place]) -> str:
    """The same walk; zsh shows the help beside each word."""
    lines = [
        f"#compdef {PROGRAM}",
        f'# zsh completions: {PROGRAM} completions zsh > "${{fpath[1]}}/_{PROGRAM}"',
        "_mogplex_tui() {",
        '    local place="" word before prev="${words[CURRENT-1]}"',
        "    local -i i",
        "    local -a offered options",
        "    for ((i = 2; i < CURRENT; i++)); do",
        *_walk(places, '"${words[i]}"', '"${words[i-1]}"'),
        '    case "$place $prev" in',
    ]
    names = f'compadd -- ${{(f)"$({_NAMES})"}}'
    for place in places:
        for flag, words in place.values.items():
            more = "; _files" if flag in place.files else ""
            lines.append(f"        {_patterns(place, {flag})}) compadd -- {' '.join(words)}{more}; return ;;")
        if place.contexts:
            lines.append(f"        {_patterns(place, place.contexts)}) {names}; return ;;")
        if place.files:
            lines.append(f"        {_patterns(place, place.files)}) _files; return ;;")
        if place.free:
            lines.append(f"        {_patterns(place, place.free)}) return 1 ;;")
    lines += ["    esac", '    case "$place" in']
    for place in places:
        told = _described({**place.verbs, **dict.fromkeys(place.words, "")})
        options = f"options=({_described(place.options)})"
        more = f"[[ $PREFIX == -* ]] || {{ {names}; return; }}; " if place.wants_context else ""
        lines.append(f"        {shlex.quote(place.at)}) {more}offered=({told}) {options} ;;")
    lines += [
        "    esac",
        "    if [[ $PREFIX == -* ]] || (( ! $#offered )); then",
        "        _describe -o option options",
        "    else",
        f"        _describe {PROGRAM} offered",
        "    fi",
        "}",
    ]
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


def _described(told: dict[str, str]) -> str:
    """Words with their help, as zsh's _describe takes them."""
    pairs = (f"{word.replace(':', chr(92) + ':')}{':' if text else ''}{text}" for word, text in told.items())
    return " ".join(map(shlex.quote, pairs))


def _fish(places: list[Place]) -> str:
    """One line a word, under the condition that the command line stands at its place."""
    known = " ".join(sorted(f"{place.at}/{name}" for place in places for name in place.verbs))
    takers = " ".join(
        sorted(_fished(f"{place.at} {flag}") for place in places for flag in place.takes_a_word)
    )
    lines = [
        f"# fish completions: {PROGRAM} completions fish > ~/.config/fish/completions/{PROGRAM}.fish",
        "function __mogplex_tui_at",
        "    set -l place ''",
        "    set -l before ''",
        "    for word in (commandline -opc)[2..]",
        f'        if not contains -- "$place $before" {takers}; and contains -- $place/$word {known}',
        "            set place $place/$word",
        "        end",
        "        set before $word",
        "    end",
        '    test "$place" = "$argv[1]"',
        "end",
        f"complete -c {PROGRAM} -f",
    ]
    for place in places:
        begin = f"complete -c {PROGRAM} -n \"__mogplex_tui_at '{place.at}'\""
        for word, text in {**place.verbs, **dict.fromkeys(place.words, "")}.items():
            lines.append(f"{begin} -a {_fished(word)} -d {_fished(text)}")
        if place.wants_context:
            lines.append(f"{begin} -a '({_NAMES})'")
        for flag, text in place.options.items():
            name = f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
            lines.append(f"{begin} {name}{_fish_wants(place, flag)} -d {_fished(text)}")
    return "\n".join([*lines, ""])


def _fish_wants(place: Place, flag: str) -> str:
    if flag in place.values and flag in place.files:
        return f" -r -F -a {_fished(' '.join(place.values[flag]))}"
    if flag in place.values:
        return f" -x -a {_fished(' '.join(place.values[flag]))}"
    if flag in place.contexts:
        return f" -x -a '({_NAMES})'"
    if flag in place.files:
        return " -r -F"
    return " -x" if flag in place.takes_a_word else ""


def _fished(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
