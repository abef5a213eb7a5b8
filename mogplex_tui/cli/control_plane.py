"""`mogplex-tui control-plane`: the embedded control plane as a process of its own."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

SCALES = ("small", "medium", "large")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--port", type=int, default=0, help="loopback port (default: any free one)")
    parser.add_argument(
        "--db", type=Path, default=None, metavar="FILE", help="keep the data here (default: a temporary file)"
    )
    parser.add_argument("--seed", type=int, default=7, help="which story is told (default: 7)")
    parser.add_argument("--scale", choices=SCALES, default="small", help="how much history there is")
    parser.add_argument(
        "--speed", type=float, default=1.0, metavar="X", help="pace of the work: 1 human, 0 standing still"
    )
    # For a parent that must not leave orphans behind; of no use to people.
    parser.add_argument("--parent", type=int, default=None, metavar="PID", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT, SIGTERM or the parent's death; 0, or 1 with a sentence when it cannot start."""
    from mogplex_tui.controlplane.database import DatabaseMismatchError
    from mogplex_tui.controlplane.plane import Settings
    from mogplex_tui.controlplane.server import serve

    if args.speed < 0:
        sys.stderr.write("control-plane: --speed must not be negative\n")
        return 2
    settings = Settings(seed=args.seed, scale=args.scale, speed=args.speed, port=args.port)
    try:
        serve(settings, args.db, args.parent)
    except DatabaseMismatchError as error:
        sys.stderr.write(f"control-plane: {error}\n")
        return 1
    except (OSError, OverflowError) as error:
        where = f"port {args.port}" if args.port else os.fspath(args.db or "the temporary file")
        sys.stderr.write(f"control-plane: cannot start on {where}: {error}\n")
        return 1
    return 0
