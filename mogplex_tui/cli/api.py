"""`mogplex-tui api METHOD PATH`: send a request to any route of the service."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from mogplex_tui.cli.command_context import Stop, say
from mogplex_tui.cli.command_session import patiently, service_arguments
from mogplex_tui.cli.command_session import run as run_headless
from mogplex_tui.cli.exit_codes import Exit

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import Setting

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the method, the path and the body."""
    service_arguments(parser)
    parser.add_argument("method", type=str.upper, choices=METHODS, metavar="METHOD", help=", ".join(METHODS))
    parser.add_argument("path", metavar="PATH", help="such as /api/v1/mogplex/repos?limit=5")
    parser.add_argument(
        "--field",
        "-f",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a query parameter of a GET, else a field of the JSON body; true, false, null, numbers, "
        "lists and objects are read as JSON; may be repeated",
    )
    parser.add_argument("--input", metavar="FILE", help="the JSON body from a file; - is stdin")
    parser.add_argument(
        "--paginate", action="store_true", help="read all pages; each is a JSON document of its own"
    )
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask in a protected context")


def run(args: argparse.Namespace) -> int:
    """Send the request, print the JSON response and return the exit code."""
    try:
        path, params, body = _request_of(args)
    except Stop as stop:
        say(str(stop))
        return stop.code

    async def main(setting: Setting) -> int:
        if args.method == "GET":
            await _read(setting, path, params, paginate=args.paginate)
        else:
            await _change(setting, args.method, path, params, body, ask=not args.yes)
        return Exit.OK

    return run_headless(args, main)


def _request_of(args: argparse.Namespace) -> tuple[str, dict[str, str], object]:
    """Return path, query parameters and body. Raises Stop if they are not valid."""
    reads = args.method == "GET"
    if not args.path.startswith("/") or args.path.startswith("//") or "#" in args.path:
        raise Stop(Exit.USAGE, "PATH begins with / and names no host, such as /api/v1/mogplex/repos?limit=5.")
    parts = urlsplit(args.path)
    if args.paginate and not reads:
        raise Stop(Exit.USAGE, "--paginate is for GET.")
    if args.input is not None and (reads or args.field):
        raise Stop(Exit.USAGE, "--input is the whole body: not with GET, and not with --field.")
    fields = []
    for each in args.field:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise Stop(Exit.USAGE, f"--field takes KEY=VALUE, not {each!r}.")
        fields.append((name, value))
    query = parse_qsl(parts.query, keep_blank_values=True)
    if reads:
        return parts.path, _once_each([*query, *fields]), None
    body = _body_from(args.input) if args.input is not None else _typed(_once_each(fields))
    return parts.path, _once_each(query), body


def _once_each(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return pairs as a dict. Raises Stop for a name that is given twice."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise Stop(Exit.USAGE, f"{name} is given twice.")
        found[name] = value
    return found


def _typed(fields: dict[str, str]) -> dict[str, object] | None:
    """Return the JSON body made of fields; None without any."""
    body: dict[str, object] = {}
    for name, text in fields.items():
        try:
            body[name] = json.loads(text)
        except ValueError:
            body[name] = text
    return body or None


def _body_from(source: str) -> object:
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(Exit.USAGE, f"The body could not be read from {source}: {error}.") from None
    try:
        return json.loads(text)
    except ValueError as error:
        raise Stop(Exit.USAGE, f"The body from {source} is not JSON: {error}.") from None


async def _read(setting: Setting, path: str, params: dict[str, str], *, paginate: bool) -> None:
    from mogplex_tui.api.budget import Priority

    client = setting.session.client.at(Priority.ACTION)
    following: dict[str, str] | None = params
    while following is not None:
        query = following
        data = await patiently(lambda query=query: client.request("GET", path, params=query))  # type: ignore[misc]
        setting.output.json(data, indent=None if setting.output.as_json else 2)
        following = _next_page(query, data) if paginate else None


def _next_page(params: dict[str, str], data: object) -> dict[str, str] | None:
    """Return the parameters of the page after this one; None for the last one.

    Lists are paged by a cursor (v1.md §5) or by `page`, `limit` and `total` (observability.md §0).
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


async def _change(
    setting: Setting, method: str, path: str, params: dict[str, str], body: object, *, ask: bool
) -> None:
    from mogplex_tui.api.access import V1
    from mogplex_tui.api.budget import Priority
    from mogplex_tui.cli.confirm_prompt import agreed, must_be_able_to_ask
    from mogplex_tui.operate.executor import run_unlisted_change

    what = f"{method} {path}"
    setting.must_write(f"The {what}")
    if not path.startswith(V1):
        await setting.must_have_scope(f"The {what}")
    if ask and setting.settings.protected.value:
        must_be_able_to_ask(method)
        if not agreed(setting, f"Send {what}?"):
            raise Stop(Exit.FAILED, "Nothing was sent.")
    client = setting.session.client.at(Priority.ACTION)
    data = await run_unlisted_change(
        setting.session,
        f"api.{method.lower()}",
        path,
        lambda: client.request(method, path, params=params, body=body),
        title=what,
    )
    if data is not None:
        setting.output.json(data, indent=None if setting.output.as_json else 2)
