"""`mogplex-tui control-plane`: run the embedded control plane."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from pathlib import Path

from mogplex_tui.cli import webhook

SCALES = ("small", "medium", "large")
PROFILES = ("documented", "hosted")
_SCENARIOS = "scenarios (a database file keeps the one that it was created with):"


class _Help(argparse.HelpFormatter):
    """A help formatter that appends the list of built-in scenarios.

    The scenarios are read only when the help is printed.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text != _SCENARIOS:
            return super()._fill_text(text, width, indent)
        from mogplex_tui.controlplane.scenarios.load import titles

        scenarios = titles()
        column = max(map(len, scenarios)) + 4
        lines = [
            textwrap.fill(
                title, width, initial_indent=f"  {name}".ljust(column), subsequent_indent=" " * column
            )
            for name, title in scenarios.items()
        ]
        return "\n".join([text, *lines])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    plane_arguments(parser)
    parser.add_argument("--openapi", action="store_true", help="print the OpenAPI document and exit")
    webhook.add_arguments(parser)
    # For a parent process that must leave no orphan; not for users.
    parser.add_argument("--parent", type=int, default=None, metavar="PID", help=argparse.SUPPRESS)


def plane_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the control plane that the command `demo` also accepts."""
    parser.add_argument("--port", type=int, default=0, help="loopback port (default: any free port)")
    parser.add_argument(
        "--db", type=Path, default=None, metavar="FILE", help="database file (default: a temporary file)"
    )
    parser.add_argument("--seed", type=int, default=7, help="random seed (default: 7)")
    parser.add_argument(
        "--scenario",
        type=_scenario,
        default=None,
        metavar="NAME|FILE",
        help="scenario: a name from the list below, or a JSON or TOML file (default: calm)",
    )
    parser.add_argument(
        "--scale",
        choices=SCALES,
        default=None,
        help="amount of history (default: that of the scenario, which is small for all but huge)",
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="X",
        help="speed of the simulation: 1 is real time, 0 is paused",
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="documented",
        help="behave as documented, or as the hosted service does",
    )
    parser.add_argument(
        "--rate-limit",
        type=_rate_limit,
        default=60,
        metavar="N|off",
        help="requests per minute and token (default: 60)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        type=_fault,
        default=[],
        metavar="RULE",
        help='inject a fault, e.g. "GET /api/v1/mogplex/repos status:503 x3"; may be repeated',
    )
    parser.add_argument(
        "--fault-route",
        action="store_true",
        help="enable the route /__plane/faults, which changes faults at run time",
    )
    parser.epilog, parser.formatter_class = _SCENARIOS, _Help


def _scenario(text: str) -> str:
    from mogplex_tui.controlplane.scenarios.fields import ScenarioError
    from mogplex_tui.controlplane.scenarios.load import find

    try:
        find(text)
    except ScenarioError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed: use a number of at least 0")
    return speed


def _rate_limit(text: str) -> int | None:
    if text == "off":
        return None
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of requests or 'off'")
    return int(text)


def _fault(text: str) -> str:
    # Checked here, because the demo starts its plane only after the console's first frame.
    from mogplex_tui.controlplane.faults.rules import BadRuleError, parse

    try:
        return parse(text).text
    except BadRuleError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _bypass_secret() -> str | None:
    if os.environ.get("PLAYWRIGHT") != "1":
        return None
    return os.environ.get("PLAYWRIGHT_AUTH_BYPASS_SECRET") or None


def _print_openapi() -> int:
    from mogplex_tui import __version__
    from mogplex_tui.controlplane.openapi import document

    sys.stdout.write(json.dumps(document(__version__), indent=2) + "\n")
    sys.stdout.flush()
    return 0


def run(args: argparse.Namespace) -> int:
    """Run the control plane until it is stopped, and return the exit code.

    SIGINT, SIGTERM or the end of the parent process stops it. With the option `--webhook`, the
    command only delivers one event to a running plane; with `--openapi`, it only prints the
    description of the routes. The routes of schedulers are available if the environment variable
    CRON_SECRET is set. The headers of browser tests are accepted if PLAYWRIGHT=1 and
    PLAYWRIGHT_AUTH_BYPASS_SECRET are set (auth.md §1).
    """
    if args.webhook is not None:
        return webhook.send(args)
    if args.openapi:
        return _print_openapi()
    from mogplex_tui.controlplane.core.plane import Settings
    from mogplex_tui.controlplane.db.database import DatabaseMismatchError
    from mogplex_tui.controlplane.scenarios.fields import ScenarioError
    from mogplex_tui.controlplane.server import serve

    settings = Settings(
        seed=args.seed,
        scale=args.scale,
        scenario=args.scenario,
        speed=args.speed,
        rate_limit=args.rate_limit,
        port=args.port,
        profile=args.profile,
        faults=tuple(args.fault),
        fault_route=args.fault_route,
        cron_secret=os.environ.get("CRON_SECRET") or None,
        bypass_secret=_bypass_secret(),
    )
    try:
        serve(settings, args.db, args.parent)
    except ScenarioError as error:
        sys.stderr.write(f"control-plane: {error}\n")
        return 2
    except DatabaseMismatchError as error:
        sys.stderr.write(f"control-plane: {error}\n")
        return 1
    except (OSError, OverflowError) as error:
        address = f"port {args.port}" if args.port else os.fspath(args.db or "the temporary file")
        sys.stderr.write(f"control-plane: cannot start on {address}: {error}\n")
        return 1
    return 0
