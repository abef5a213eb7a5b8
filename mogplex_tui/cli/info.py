"""`mogplex-tui info`: print every setting with its value and its origin.

No request is sent.
"""

from __future__ import annotations

import argparse

from mogplex_tui.api.target import TOKEN_PREFIX
from mogplex_tui.cli.command_context import CommandError, say, settings_of
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.config.secret import Secret
from mogplex_tui.config.settings import Settings

_SETTING_NAMES = (
    "base_url",
    "token",
    "session_cookie",
    "team",
    "read_only",
    "protected",
    "colour",
    "theme",
    "ascii",
    "reduced_motion",
    "tab_line",
    "max_answer_mb",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    from mogplex_tui.cli.command_session import service_arguments

    service_arguments(parser)
    parser.add_argument(
        "--keys",
        action="store_true",
        help="print all actions with configurable keys, and their keys",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the settings in effect for these arguments."""
    try:
        settings = settings_of(arguments)
    except CommandError as error:
        say(str(error))
        return error.code
    rows: list[tuple[str, object, str]] = [("context", settings.context, settings.context_origin)]
    for name in _SETTING_NAMES:
        sourced = getattr(settings, name)
        rows.append((name, _value(name, sourced.value, settings), sourced.origin))
    from mogplex_tui.cli import key_report
    from mogplex_tui.cli.output import Column, Output

    output = Output(as_json=arguments.json)
    if arguments.keys:
        key_report.print_all(output, settings)
        output.flush()
        return Exit.OK
    overrides, refused = key_report.override_rows(settings)
    rows += overrides
    if arguments.json:
        for name, value, origin in rows:
            output.object("setting", {"name": name, "value": value, "origin": origin})
        for name, path in _files(settings).items():
            output.object("file", {"name": name, "path": path})
    else:
        columns = [Column("SETTING"), Column("VALUE"), Column("FROM")]
        output.table(columns, [(name, _value_text(value), origin) for name, value, origin in rows])
        output.line("")
        output.table([Column("FILE"), Column("PATH")], list(_files(settings).items()))
    key_report.print_refused(output, refused)
    output.flush()
    return Exit.OK


def _value(key: str, value: object, settings: Settings) -> object:
    """Return the value of a setting; for a secret, the type of credential."""
    if not isinstance(value, Secret):
        return value
    if key == "session_cookie":
        return "session cookie"
    if settings.grant is not None:
        return "OAuth access token, renews itself" if settings.grant.refresh else "OAuth access token"
    return "personal access token" if value.reveal().startswith(TOKEN_PREFIX) else "OAuth access token"


def _value_text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _files(settings: Settings) -> dict[str, str]:
    from mogplex_tui.cli.command_context import state_name
    from mogplex_tui.config.contexts import contexts_file
    from mogplex_tui.config.paths import config_file, log_file, state_dir

    return {
        "config": str(config_file()),
        "contexts": str(contexts_file()),
        "state": str(state_dir(state_name(settings))),
        "log": str(log_file()),
    }
