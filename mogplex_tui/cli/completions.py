"""`mogplex-tui completions SHELL`: print a script for shell completion.

The script is generated from the parser.
"""

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
_CONTEXT_NAMES = f"{PROGRAM} contexts list --names 2>/dev/null"
_VERBS_WITH_CONTEXT = {("contexts", verb) for verb in ("use", "set", "remove", "rename")}
# The shell runs this to complete records; `cli/record_completion.py` describes its arguments and output.
_RECORDS = f"{PROGRAM} {record_completion.COMMAND}"
# Options and arguments whose value is a record of another kind than the command's.
_KIND_OF_ARGUMENT = {"run": "runs", "repo": "projects", "agent": "agents", "automation": "automations"}


class Argument(NamedTuple):
    """A positional argument: one of `words`, a record of `kind`, or free text."""

    words: tuple[str, ...] = ()
    kind: str = ""
    is_repeated: bool = False


@dataclass(slots=True)
class CommandNode:
    """The verbs, options and arguments that can follow a sequence of command words.

    Options in `with_value` take a value. It is one of the option's `values`; a file, or one of
    `values`, if the option is in `files`; a record of the kind in `records`; the name of a context
    for `--context`; and otherwise free text.
    """

    path: tuple[str, ...]
    verbs: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    with_value: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    arguments: list[Argument] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The command words as one text, such as `/runs/list`; "" for the program itself.

        The scripts compare this text with the words that were typed.
        """
        return "".join(f"/{word}" for word in self.path)

    @property
    def completable(self) -> list[tuple[str, Argument]]:
        """The arguments that have completions, each with a pattern for its position.

        The pattern is a number, or `*` for an argument that may be repeated.
        """
        numbered = [
            ("*" if argument.is_repeated else str(position), argument)
            for position, argument in enumerate(self.arguments)
        ]
        return [(position, argument) for position, argument in numbered if argument.words or argument.kind]

    @property
    def contexts(self) -> set[str]:
        """The options whose value is the name of a context."""
        return self.with_value & {"--context"}

    @property
    def free_text(self) -> set[str]:
        """The options whose value is free text."""
        return self.with_value - self.values.keys() - self.files - self.contexts - self.records.keys()

    @property
    def takes_context(self) -> bool:
        """Whether the first argument is the name of a context."""
        return self.path in _VERBS_WITH_CONTEXT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the argument `shell`."""
    parser.add_argument("shell", choices=SHELLS, help="shell to print the completions for")


def run(args: argparse.Namespace) -> int:
    """Print the completion script for a shell and return the exit code."""
    from mogplex_tui.cli.parser import build

    nodes = list(_command_nodes(build(with_all_arguments=True), ()))
    write = {"bash": _bash_script, "zsh": _zsh_script, "fish": _fish_script}[args.shell]
    sys.stdout.write(write(nodes))
    sys.stdout.flush()
    return Exit.OK


def _command_nodes(parser: argparse.ArgumentParser, path: tuple[str, ...]) -> Iterator[CommandNode]:
    node = CommandNode(path)
    below: list[tuple[str, argparse.ArgumentParser]] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {verb.dest: verb.help or "" for verb in action._choices_actions}
            # Former names of a verb have no line in the help and are not completed either.
            node.verbs = {name: helps[name] for name in action.choices if name in helps}
            below = [(name, parser) for name, parser in action.choices.items() if name in helps]
        elif action.help == argparse.SUPPRESS:
            continue
        elif action.option_strings:
            for flag in action.option_strings:
                node.options[flag] = _one_line(action.help)
                if action.nargs != 0:
                    node.with_value.add(flag)
                if action.choices:
                    node.values[flag] = tuple(map(str, action.choices))
                if "FILE" in str(action.metavar):
                    node.files.add(flag)
                named = action.dest.removeprefix("filter_")
                if action.nargs != 0 and not action.choices and named in _KIND_OF_ARGUMENT:
                    node.records[flag] = _KIND_OF_ARGUMENT[named]
                if action.dest == "scenario":
                    from mogplex_tui.controlplane.scenarios.load import titles

                    node.values[flag] = tuple(titles())
        else:
            node.arguments.append(_argument(action, path))
    yield node
    for name, sub in below:
        yield from _command_nodes(sub, (*path, name))


def _argument(action: argparse.Action, path: tuple[str, ...]) -> Argument:
    kind = _KIND_OF_ARGUMENT.get(action.dest, "")
    if action.dest in ("record", "records"):
        # A command has the name of the kind whose records it takes.
        kind = path[0]
    return Argument(tuple(map(str, action.choices or ())), kind, action.nargs in ("+", "*"))


def _one_line(text: str | None) -> str:
    return " ".join((text or "").replace("%%", "%").split())


def _find_node(nodes: list[CommandNode], word: str, before: str, uncounted: str = "") -> list[str]:
    """Return bash and zsh lines that determine the command from the words typed.

    The lines skip the values of options. They count the arguments of the verb in the shell variable
    `given`, without options and words that match `uncounted`.
    """
    lines = ['        case "$place $before" in']
    lines += [
        f"            {_patterns(node, node.with_value)}) continue ;;" for node in nodes if node.with_value
    ]
    lines += ["        esac", '        case "$place/$word" in']
    lines += [
        f"            {shlex.quote(f'{node.key}/{name}')}) place+=/$word given=0 ;;"
        for node in nodes
        for name in node.verbs
    ]
    lines.append(f"            *) [[ $word == -*{uncounted} ]] || ((given += 1)) ;;")
    return [f"        word={word} before={before}", *lines, "        esac", "    done"]


def _patterns(node: CommandNode, flags: set[str]) -> str:
    return "|".join(shlex.quote(f"{node.key} {flag}") for flag in sorted(flags))


def _bash_script(nodes: list[CommandNode]) -> str:
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
        *_find_node(
            nodes, "${COMP_WORDS[i]}", "${COMP_WORDS[i-1]}", " || $word == [=@:]* || $before == [=@:]*"
        ),
        "    [[ $given -gt 0 && ( $cur == [=@:]* || $prev == [=@:]* ) ]] && ((given -= 1))",
        '    case "$place $prev" in',
    ]
    names = f'COMPREPLY=($(compgen -W "$({_CONTEXT_NAMES})" -- "$cur"))'
    # Only here: elsewhere a word that is also a directory's name would get a slash.
    files = 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur"))'
    for node in nodes:
        for flag, words in node.values.items():
            more = f"; {files.replace('=(', '+=(')}" if flag in node.files else ""
            lines.append(f"        {_patterns(node, {flag})}) {_bash_word_list(words)}{more}; return ;;")
        if node.contexts:
            lines.append(f"        {_patterns(node, node.contexts)}) {names}; return ;;")
        for flag, kind in node.records.items():
            lines.append(f"        {_patterns(node, {flag})}) _mogplex_tui_records {kind}; return ;;")
        if node.files:
            lines.append(f"        {_patterns(node, node.files)}) {files}; return ;;")
        if node.free_text:
            lines.append(f"        {_patterns(node, node.free_text)}) return ;;")
    lines += ["    esac", '    case "$place" in']
    for node in nodes:
        key = shlex.quote(node.key)
        options = _bash_word_list(tuple(node.options))
        other_words = names if node.takes_context else _bash_next_words(node, options)
        # Options only after a dash: there are more of them than of the usual words.
        lines.append(f"        {key}) if [[ $cur == -* ]]; then {options}; else {other_words}; fi ;;")
    return "\n".join([*lines, "    esac", "}", f"complete -F _mogplex_tui {PROGRAM}", ""])


def _bash_next_words(node: CommandNode, options: str) -> str:
    """Return the bash command that lists the completions of the next argument.

    They are verbs or values; for a free-text argument they are the options.
    """
    if node.verbs:
        return _bash_word_list(tuple(node.verbs))
    cases = [
        f"{position}) {f'_mogplex_tui_records {argument.kind}' if argument.kind else _bash_word_list(argument.words)} ;;"
        for position, argument in node.completable
    ]
    return f"case $given in {' '.join([*cases, f'*) {options} ;;'])} esac" if cases else options


def _bash_word_list(words: tuple[str, ...]) -> str:
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


def _zsh_script(nodes: list[CommandNode]) -> str:
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
        *_find_node(nodes, '"${words[i]}"', '"${words[i-1]}"'),
        '    case "$place $prev" in',
    ]
    names = f'compadd -- ${{(f)"$({_CONTEXT_NAMES})"}}'
    for node in nodes:
        for flag, words in node.values.items():
            more = "; _files" if flag in node.files else ""
            lines.append(f"        {_patterns(node, {flag})}) compadd -- {' '.join(words)}{more}; return ;;")
        if node.contexts:
            lines.append(f"        {_patterns(node, node.contexts)}) {names}; return ;;")
        for flag, kind in node.records.items():
            lines.append(f"        {_patterns(node, {flag})}) _mogplex_tui_records {kind}; return ;;")
        if node.files:
            lines.append(f"        {_patterns(node, node.files)}) _files; return ;;")
        if node.free_text:
            lines.append(f"        {_patterns(node, node.free_text)}) return 1 ;;")
    lines += ["    esac", '    case "$place" in']
    for node in nodes:
        verbs = _zsh_words(node.verbs)
        options = f"options=({_zsh_words(node.options)})"
        more = f"[[ $PREFIX == -* ]] || {{ {names}; return; }}; " if node.takes_context else ""
        if node.completable:
            more = (
                f"[[ $PREFIX == -* ]] || case $given in {' '.join(map(_zsh_case, node.completable))} esac; "
            )
        lines.append(f"        {shlex.quote(node.key)}) {more}offered=({verbs}) {options} ;;")
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
    position, argument = offered
    if argument.kind:
        return f"{position}) _mogplex_tui_records {argument.kind}; return ;;"
    return f"{position}) compadd -- {' '.join(map(shlex.quote, argument.words))}; return ;;"


def _zsh_words(words: dict[str, str]) -> str:
    """Return words with their help, in the format of zsh's `_describe`."""
    pairs = (f"{word.replace(':', chr(92) + ':')}{':' if text else ''}{text}" for word, text in words.items())
    return " ".join(map(shlex.quote, pairs))


def _fish_script(nodes: list[CommandNode]) -> str:
    """Return the fish script, with one line for each word that can be completed."""
    known = " ".join(sorted(f"{node.key}/{name}" for node in nodes for name in node.verbs))
    takers = " ".join(
        sorted(_fish_quoted(f"{node.key} {flag}") for node in nodes for flag in node.with_value)
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
    for node in nodes:
        begin = f"complete -c {PROGRAM} -n \"__mogplex_tui_at '{node.key}'\""
        for word, text in node.verbs.items():
            lines.append(f"{begin} -a {_fish_quoted(word)} -d {_fish_quoted(text)}")
        for position, argument in node.completable:
            span = "0 9999" if position == "*" else f"{position} {position}"
            words = f"(__mogplex_tui_records {argument.kind})" if argument.kind else " ".join(argument.words)
            condition = f"__mogplex_tui_at '{node.key}' {span}"
            lines.append(f'complete -c {PROGRAM} -n "{condition}" -a {_fish_quoted(words)}')
        if node.takes_context:
            lines.append(f"{begin} -a '({_CONTEXT_NAMES})'")
        for flag, text in node.options.items():
            name = f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
            lines.append(f"{begin} {name}{_fish_value(node, flag)} -d {_fish_quoted(text)}")
    return "\n".join([*lines, ""])


def _fish_value(node: CommandNode, flag: str) -> str:
    if flag in node.values and flag in node.files:
        return f" -r -F -a {_fish_quoted(' '.join(node.values[flag]))}"
    if flag in node.values:
        return f" -x -a {_fish_quoted(' '.join(node.values[flag]))}"
    if flag in node.contexts:
        return f" -x -a '({_CONTEXT_NAMES})'"
    if flag in node.records:
        return f" -x -a '(__mogplex_tui_records {node.records[flag]})'"
    if flag in node.files:
        return " -r -F"
    return " -x" if flag in node.with_value else ""


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
