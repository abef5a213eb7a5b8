"""`mogplex-tui completions SHELL`: print a completion script made from the parser."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from mogplex_tui.cli import record_completion
from mogplex_tui.cli.exit_codes import Exit

PROGRAM = "mogplex-tui"
SHELLS = ("bash", "zsh", "fish")
# The shell runs this to complete the names of contexts, which only this machine knows.
_NAMES = f"{PROGRAM} contexts list --names 2>/dev/null"
_TAKE_A_CONTEXT = {("contexts", verb) for verb in ("use", "set", "remove", "rename")}
# The shell runs this to complete records; `cli/record_completion.py` describes its arguments and output.
_RECORDS = f"{PROGRAM} {record_completion.COMMAND}"
# Options and arguments whose value is a record of another kind than the command's.
_KINDS_OF_ARGUMENTS = {"run": "runs", "repo": "projects", "agent": "agents", "automation": "automations"}


class Argument(NamedTuple):
    """A positional argument: one of `words`, a record of `kind`, or free text."""

    words: tuple[str, ...] = ()
    kind: str = ""
    is_repeated: bool = False


@dataclass(slots=True)
class Place:
    """What can follow a sequence of command words: verbs, options and arguments.

    An option with a value has fixed `values`, takes one of `files` or either, a context, a record of the kind in
    `records`, or free text.
    """

    path: tuple[str, ...]
    verbs: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    takes_a_word: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    arguments: list[Argument] = field(default_factory=list)

    @property
    def at(self) -> str:
        """The command words as the scripts track them: `/runs/list`, "" for the program."""
        return "".join(f"/{word}" for word in self.path)

    @property
    def offered(self) -> list[tuple[str, Argument]]:
        """The arguments that can be completed, each with a pattern for its position."""
        numbered = [("*" if each.is_repeated else str(at), each) for at, each in enumerate(self.arguments)]
        return [(at, each) for at, each in numbered if each.words or each.kind]

    @property
    def contexts(self) -> set[str]:
        """The options that take the name of a context."""
        return self.takes_a_word & {"--context"}

    @property
    def free(self) -> set[str]:
        """The options that take free text."""
        return self.takes_a_word - self.values.keys() - self.files - self.contexts - self.records.keys()

    @property
    def wants_context(self) -> bool:
        """Whether the first argument is the name of a context."""
        return self.path in _TAKE_A_CONTEXT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the argument `shell`."""
    parser.add_argument("shell", choices=SHELLS, help="the shell to write for")


def run(args: argparse.Namespace) -> int:
    """Print the script, to be evaluated or saved where the shell finds completions."""
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
            # Former names of a verb have no line in the help and are not completed either.
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
                named = action.dest.removeprefix("filter_")
                if action.nargs != 0 and not action.choices and named in _KINDS_OF_ARGUMENTS:
                    place.records[flag] = _KINDS_OF_ARGUMENTS[named]
                if action.dest == "scenario":
                    from mogplex_tui.controlplane.scenarios.load import titles

                    place.values[flag] = tuple(titles())
        else:
            place.arguments.append(_argument(action, path))
    yield place
    for name, sub in below:
        yield from _places(sub, (*path, name))


def _argument(action: argparse.Action, path: tuple[str, ...]) -> Argument:
    kind = _KINDS_OF_ARGUMENTS.get(action.dest, "")
    if action.dest in ("record", "records"):
        # A command has the name of the kind whose records it takes.
        kind = path[0]
    return Argument(tuple(map(str, action.choices or ())), kind, action.nargs in ("+", "*"))


def _line(text: str | None) -> str:
    return " ".join((text or "").replace("%%", "%").split())


def _walk(places: list[Place], word: str, before: str, uncounted: str = "") -> list[str]:
    """Return the lines of bash and zsh that find the command words on the line.

    They skip the values of options and count the verb's arguments in `given`: words that are neither options nor
    `uncounted`.
    """
    lines = ['        case "$place $before" in']
    lines += [
        f"            {_patterns(place, place.takes_a_word)}) continue ;;"
        for place in places
        if place.takes_a_word
    ]
    lines += ["        esac", '        case "$place/$word" in']
    lines += [
        f"            {shlex.quote(f'{place.at}/{name}')}) place+=/$word given=0 ;;"
        for place in places
        for name in place.verbs
    ]
    lines.append(f"            *) [[ $word == -*{uncounted} ]] || ((given += 1)) ;;")
    return [f"        word={word} before={before}", *lines, "        esac", "    done"]


def _patterns(place: Place, flags: set[str]) -> str:
    return "|".join(shlex.quote(f"{place.at} {flag}") for flag in sorted(flags))


def _bash(places: list[Place]) -> str:
    """Return the bash script: a function that finds the command and lists its words."""
    lines = [
        f'# bash completions of {PROGRAM}: eval "$({PROGRAM} completions bash)"',
        "_mogplex_tui_records() {",
        "    local line",
        "    while IFS= read -r line; do",
        '        COMPREPLY+=("$line")',
        f'    done < <({_RECORDS} bash "$1" "$cur" "${{COMP_LINE:0:COMP_POINT}}" 2>/dev/null)',
        "}",
        "_mogplex_tui() {",
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} place= word before i given=0",
        "    COMPREPLY=()",
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        # bash also splits words at these characters: only the first part counts.
        *_walk(places, "${COMP_WORDS[i]}", "${COMP_WORDS[i-1]}", " || $word == [=@:]* || $before == [=@:]*"),
        "    [[ $given -gt 0 && ( $cur == [=@:]* || $prev == [=@:]* ) ]] && ((given -= 1))",
        '    case "$place $prev" in',
    ]
    names = f'COMPREPLY=($(compgen -W "$({_NAMES})" -- "$cur"))'
    # Only here: elsewhere a word that is also a directory's name would get a slash.
    files = 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur"))'
    for place in places:
        for flag, words in place.values.items():
            more = f"; {files.replace('=(', '+=(')}" if flag in place.files else ""
            lines.append(f"        {_patterns(place, {flag})}) {_reply(words)}{more}; return ;;")
        if place.contexts:
            lines.append(f"        {_patterns(place, place.contexts)}) {names}; return ;;")
        for flag, kind in place.records.items():
            lines.append(f"        {_patterns(place, {flag})}) _mogplex_tui_records {kind}; return ;;")
        if place.files:
            lines.append(f"        {_patterns(place, place.files)}) {files}; return ;;")
        if place.free:
            lines.append(f"        {_patterns(place, place.free)}) return ;;")
    lines += ["    esac", '    case "$place" in']
    for place in places:
        at = shlex.quote(place.at)
        options = _reply(tuple(place.options))
        others = names if place.wants_context else _bash_others(place, options)
        # Options only after a dash: there are more of them than of the usual words.
        lines.append(f"        {at}) if [[ $cur == -* ]]; then {options}; else {others}; fi ;;")
    return "\n".join([*lines, "    esac", "}", f"complete -F _mogplex_tui {PROGRAM}", ""])


def _bash_others(place: Place, options: str) -> str:
    """Return the bash command that lists verbs or values of the next argument.

    For an argument with free text it lists the options.
    """
    if place.verbs:
        return _reply(tuple(place.verbs))
    cases = [
        f"{at}) {f'_mogplex_tui_records {each.kind}' if each.kind else _reply(each.words)} ;;"
        for at, each in place.offered
    ]
    return f"case $given in {' '.join([*cases, f'*) {options} ;;'])} esac" if cases else options


def _reply(words: tuple[str, ...]) -> str:
    return f'COMPREPLY=($(compgen -W {shlex.quote(" ".join(words))} -- "$cur"))'


# The zsh function that lists the records of a kind, each with its id or name beside it.
_ZSH_RECORDS = (
    "_mogplex_tui_records() {",
    "    local line tab=$'\\t'",
    "    local -a records notes",
    '    local -a before=("${(@Q)words[2,CURRENT-1]}")',
    f'    local found="$({_RECORDS} zsh "$1" "${{(@)before}}" "${{(Q)PREFIX}}" 2>/dev/null)"',
    '    for line in "${(@f)found}"; do',
    "        [[ -n $line ]] || continue",
    '        records+=("${line%%$tab*}")',
    '        notes+=("${${line%$tab}//$tab/  -- }")',
    "    done",
    "    compadd -l -d notes -a records",
    "}",
)


def _zsh(places: list[Place]) -> str:
    """Return the zsh script, which shows the help beside each word."""
    lines = [
        f"#compdef {PROGRAM}",
        f'# zsh completions: {PROGRAM} completions zsh > "${{fpath[1]}}/_{PROGRAM}"',
        *_ZSH_RECORDS,
        "_mogplex_tui() {",
        '    local place="" word before prev="${words[CURRENT-1]}"',
        "    local -i i given=0",
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
        for flag, kind in place.records.items():
            lines.append(f"        {_patterns(place, {flag})}) _mogplex_tui_records {kind}; return ;;")
        if place.files:
            lines.append(f"        {_patterns(place, place.files)}) _files; return ;;")
        if place.free:
            lines.append(f"        {_patterns(place, place.free)}) return 1 ;;")
    lines += ["    esac", '    case "$place" in']
    for place in places:
        told = _described(place.verbs)
        options = f"options=({_described(place.options)})"
        more = f"[[ $PREFIX == -* ]] || {{ {names}; return; }}; " if place.wants_context else ""
        if place.offered:
            more = f"[[ $PREFIX == -* ]] || case $given in {' '.join(map(_zsh_case, place.offered))} esac; "
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
    # zsh autoloads the file as the function's body; after eval the function must be registered.
    lines += [
        'if [ "$funcstack[1]" = "_mogplex-tui" ]; then',
        '    _mogplex_tui "$@"',
        "else",
        f"    compdef _mogplex_tui {PROGRAM}",
        "fi",
        "",
    ]
    return "\n".join(lines)


def _zsh_case(offered: tuple[str, Argument]) -> str:
    at, argument = offered
    if argument.kind:
        return f"{at}) _mogplex_tui_records {argument.kind}; return ;;"
    return f"{at}) compadd -- {' '.join(map(shlex.quote, argument.words))}; return ;;"


def _described(told: dict[str, str]) -> str:
    """Return words with their help in the format of zsh's _describe."""
    pairs = (f"{word.replace(':', chr(92) + ':')}{':' if text else ''}{text}" for word, text in told.items())
    return " ".join(map(shlex.quote, pairs))


def _fish(places: list[Place]) -> str:
    """Return the fish script: one line for each word, with the commands it follows."""
    known = " ".join(sorted(f"{place.at}/{name}" for place in places for name in place.verbs))
    takers = " ".join(
        sorted(_fished(f"{place.at} {flag}") for place in places for flag in place.takes_a_word)
    )
    lines = [
        f"# fish completions: {PROGRAM} completions fish > ~/.config/fish/completions/{PROGRAM}.fish",
        "function __mogplex_tui_records",
        "    set -l before (commandline -opc)",
        "    set -l word (commandline -ct)",
        f'    {_RECORDS} fish $argv[1] $before[2..] "$word" 2>/dev/null',
        "end",
        "# The place, and between how many and how many arguments stand before the cursor.",
        "function __mogplex_tui_at",
        "    set -l given 0",
        "    set -l place ''",
        "    set -l before ''",
        "    for word in (commandline -opc)[2..]",
        f'        if not contains -- "$place $before" {takers}',
        f"            if contains -- $place/$word {known}",
        "                set place $place/$word",
        "                set given 0",
        "            else if not string match -q -- '-*' $word",
        "                set given (math $given + 1)",
        "            end",
        "        end",
        "        set before $word",
        "    end",
        '    test "$place" = "$argv[1]"; or return',
        "    not set -q argv[2]; or test $given -ge $argv[2] -a $given -le $argv[3]",
        "end",
        f"complete -c {PROGRAM} -f",
    ]
    for place in places:
        begin = f"complete -c {PROGRAM} -n \"__mogplex_tui_at '{place.at}'\""
        for word, text in place.verbs.items():
            lines.append(f"{begin} -a {_fished(word)} -d {_fished(text)}")
        for at, argument in place.offered:
            span = "0 9999" if at == "*" else f"{at} {at}"
            words = f"(__mogplex_tui_records {argument.kind})" if argument.kind else " ".join(argument.words)
            condition = f"__mogplex_tui_at '{place.at}' {span}"
            lines.append(f'complete -c {PROGRAM} -n "{condition}" -a {_fished(words)}')
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
    if flag in place.records:
        return f" -x -a '(__mogplex_tui_records {place.records[flag]})'"
    if flag in place.files:
        return " -r -F"
    return " -x" if flag in place.takes_a_word else ""


def _fished(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
