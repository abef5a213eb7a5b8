"""Run the benchmarks: `python -m benchmarks [NAME ...]`.

Each figure is printed beside a floor measured in the same run. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from . import costs, first_frame, imports, keys, requests, rest, tail
from .figures import say
from .plane import inserts, lists, reads, starts

PLANE = {
    "plane_reads": reads.run,
    "plane_inserts": inserts.run,
    "plane_lists": lists.run,
    "plane_start": starts.run,
}
NAMES = ("first_frame", "keys", "tail", "costs", "rest", "requests", "imports", *PLANE)


def main() -> None:
    """Run the benchmarks that were named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all without any")
    parser.add_argument(
        "--peer",
        default=f"{shlex.quote(sys.executable)} -m mogplex_tui demo",
        help="the command that first_frame and rest measure",
    )
    parser.add_argument("--pattern", default="STATE", help="a regular expression that its first frame shows")
    given = parser.parse_args()
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    command = shlex.split(given.peer)
    runs = {
        "first_frame": lambda: first_frame.run(command, given.pattern),
        "keys": keys.run,
        "tail": tail.run,
        "costs": costs.run,
        "rest": lambda: rest.run(command, given.pattern),
        "requests": requests.run,
        "imports": imports.run,
        **PLANE,
    }
    load = os.getloadavg()[0]
    say(
        f"{os.cpu_count()} processors, load {load:.1f} at the start; milliseconds are this machine's, compare ratios"
    )
    for name in NAMES:
        if not given.names or name in given.names:
            runs[name]()


if __name__ == "__main__":
    main()
