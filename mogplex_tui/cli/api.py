"""`mogplex-tui api METHOD PATH`: send a request to any route of the service."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from mogplex_tui.cli.command_context import CommandError, say
from mogplex_tui.cli.command_session import run as run_headless
from mogplex_tui.cli.command_session import service_arguments, with_retries
from mogplex_tui.cli.exit_codes import Exit

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the method, the path and the body."""
    service_arguments(parser)
    parser.add_argument("method", type=str.upper, choices=METHODS, metavar="METHOD", help=", ".join(METHODS))
    parser.add_argument("path", metavar="PATH", help="path of the route, e.g. /api/v1/mogplex/repos?limit=5")
    parser.add_argument(
        "--field",
        "-f",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a query parameter of a GET, else a field of the JSON body; true, false, null, numbers, "
        "lists and objects are read as JSON; may be repeated",
    )
    parser.add_argument("--input", metavar="FILE", help="read the JSON body from FILE (- for stdin)")
    parser.add_argument(
        "--paginate", action="store_true", help="read all pages and print each as a separate JSON document"
    )
    parser.add_argument(
        "--yes", "-y", action="store_true", help="skip the confirmation prompt of a protected context"
    )


def run(args: argparse.Namespace) -> int:
    """Send the request, print the JSON response and return the exit code."""
    try:
        path, params, body = _request_parts(args)
    except CommandError as error:
        say(str(error))
        return error.code

    async def main(command: CommandSession) -> int:
        if args.method == "GET":
            await _get_pages(command, path, params, paginate=args.paginate)
        else:
            await _send_change(command, args.method, path, params, body, ask=not args.yes)
        return Exit.OK

    return run_headless(args, main)


def _request_parts(args: argparse.Namespace) -> tuple[str, dict[str, str], object]:
    """Return the path, the query parameters and the body of the request.

    Raises CommandError if the arguments are not valid.
    """
    is_read = args.method == "GET"
    if not args.path.startswith("/") or args.path.startswith("//") or "#" in args.path:
        raise CommandError(
            Exit.USAGE, "PATH must begin with / and contain no host, e.g. /api/v1/mogplex/repos?limit=5."
        )
    parts = urlsplit(args.path)
    if args.paginate and not is_read:
        raise CommandError(Exit.USAGE, "--paginate works with GET only.")
    if args.input is not None and (is_read or args.field):
        raise CommandError(Exit.USAGE, "--input is the whole body: do not combine it with GET or --field.")
    fields = []
    for field in args.field:
        name, equals, value = field.partition("=")
        if not name or not equals:
            raise CommandError(Exit.USAGE, f"--field takes KEY=VALUE, not {field!r}.")
        fields.append((name, value))
    query = parse_qsl(parts.query, keep_blank_values=True)
    if is_read:
        return parts.path, _unique([*query, *fields]), None
    body = _read_body(args.input) if args.input is not None else _json_body(_unique(fields))
    return parts.path, _unique(query), body


def _unique(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return name-value pairs as a dict. Raises CommandError for a repeated name."""
    unique: dict[str, str] = {}
    for name, value in pairs:
        if name in unique:
            raise CommandError(Exit.USAGE, f"{name} is given twice.")
        unique[name] = value
    return unique


def _json_body(fields: dict[str, str]) -> dict[str, object] | None:
    """Return the JSON body that has the given fields, None if there are no fields."""
    body: dict[str, object] = {}
    for name, text in fields.items():
        try:
            body[name] = json.loads(text)
        except ValueError:
            body[name] = text
    return body or None


def _read_body(source: str) -> object:
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(Exit.USAGE, f"The body could not be read from {source}: {error}.") from None
    try:
        return json.loads(text)
    except ValueError as error:
        raise CommandError(Exit.USAGE, f"The body from {source} is not JSON: {error}.") from None


async def _get_pages(command: CommandSession, path: str, params: dict[str, str], *, paginate: bool) -> None:
    from mogplex_tui.api.budget import Priority

    client = command.session.client.at(Priority.ACTION)
    next_params: dict[str, str] | None = params
    while next_params is not None:
        query = next_params
        data = await with_retries(lambda query=query: client.request("GET", path, params=query))  # type: ignore[misc]
        command.output.json(data, indent=None if command.output.as_json else 2)
        next_params = _next_page(query, data) if paginate else None


def _next_page(params: dict[str, str], data: object) -> dict[str, str] | None:
    """Return the query parameters for the next page, None after the last page.

    `params` are the parameters of the present page and `data` is its response. Lists are paged
    by a cursor (v1.md §5) or by `page`, `limit` and `total` (observability.md §0).
    """
    if not isinstance(data, dict):
        return None
    cursor = data.get("nextCursor") or data.get("next_cursor")
    if isinstance(cursor, str) and cursor != params.get("cursor"):
        return {**params, "cursor": cursor}
    page, limit, total = (data.get(name) for name in ("page", "limit", "total"))
    if isinstance(page, int) and isinstance(limit, int) and isinstance(total, int) and page * limit < total:
        # An empty page is the last one, whatever the total is.
        rows = any(isinstance(value, list) and value for value in data.values())
        return {**params, "page": str(page + 1)} if rows and limit > 0 else None
    return None


async def _send_change(
    command: CommandSession, method: str, path: str, params: dict[str, str], body: object, *, ask: bool
) -> None:
    from mogplex_tui.api.budget import Priority
    from mogplex_tui.api.route_access import V1
    from mogplex_tui.cli.confirm_prompt import is_confirmed, require_prompt
    from mogplex_tui.operate.executor import run_unlisted_change

    request_line = f"{method} {path}"
    command.require_write_access(f"The {request_line}")
    if not path.startswith(V1):
        await command.require_write_scope(f"The {request_line}")
    if ask and command.settings.protected.value:
        require_prompt(method)
        if not is_confirmed(command, f"Send {request_line}?"):
            raise CommandError(Exit.FAILED, "Nothing was sent.")
    client = command.session.client.at(Priority.ACTION)
    data = await run_unlisted_change(
        command.session,
        f"api.{method.lower()}",
        path,
        lambda: client.request(method, path, params=params, body=body),
        title=request_line,
    )
    if data is not None:
        command.output.json(data, indent=None if command.output.as_json else 2)
