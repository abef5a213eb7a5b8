"""Date the changelog, set the version, commit and tag a release.

Nothing is pushed. Run it with `make release VERSION=0.2.0`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

CHANGELOG = Path("CHANGELOG.md")
VERSION_FILE = Path("mogplex_tui/__init__.py")
UNRELEASED = "## Unreleased\n"

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_ASSIGNMENT = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)


class ReleaseRefused(Exception):
    """The release cannot be made; the message says why."""


def parse_version(text: str) -> tuple[int, int, int]:
    """Return the three numbers of a version. Raises ReleaseRefused for other texts."""
    match = _VERSION.fullmatch(text)
    if match is None:
        raise ReleaseRefused(f"{text!r} is not a version: use three numbers, such as 0.2.0.")
    major, minor, patch = map(int, match.groups())
    return major, minor, patch


def roll_changelog(text: str, version: str, day: date) -> str:
    """Return the changelog with its unreleased entries moved under the version.

    The Unreleased section is then empty. Raises ReleaseRefused if there is none, or no entry in it.
    """
    head, heading, rest = text.partition(UNRELEASED)
    if not heading:
        raise ReleaseRefused(f"{CHANGELOG} has no line {UNRELEASED.strip()!r}.")
    entries, next_heading, older = rest.partition("\n## ")
    if not re.search(r"^- ", entries, re.MULTILINE):
        raise ReleaseRefused(f"{CHANGELOG} has no entry under Unreleased.")
    released = f"## {version} - {day.isoformat()}\n\n{entries.strip()}\n"
    return f"{head}{UNRELEASED}\n{released}{next_heading}{older}"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseRefused(f"git {arguments[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def make_release(root: Path, version: str, day: date) -> str:
    """Commit and tag a release of the repository in `root`; return the tag.

    Raises ReleaseRefused, before anything is changed, if the version is not greater than the present one, the tag
    exists, the working tree has changes, or the changelog has no unreleased entry.
    """
    wanted = parse_version(version)
    source = (root / VERSION_FILE).read_text()
    found = _ASSIGNMENT.search(source)
    if found is None:
        raise ReleaseRefused(f"{VERSION_FILE} does not set __version__.")
    if wanted <= parse_version(found[1]):
        raise ReleaseRefused(f"{version} is not greater than the present version {found[1]}.")
    if changes := _git(root, "status", "--porcelain"):
        raise ReleaseRefused(f"The working tree has changes that are not committed:\n{changes.rstrip()}")
    tag = f"v{version}"
    if _git(root, "tag", "--list", tag):
        raise ReleaseRefused(f"The tag {tag} exists.")
    changelog = roll_changelog((root / CHANGELOG).read_text(), version, day)

    (root / CHANGELOG).write_text(changelog)
    (root / VERSION_FILE).write_text(_ASSIGNMENT.sub(f'__version__ = "{version}"', source))
    _git(
        root, "commit", "--quiet", "--message", f"Release {version}", "--", str(CHANGELOG), str(VERSION_FILE)
    )
    _git(root, "tag", "--annotate", tag, "--message", f"mogplex-tui {version}")
    return tag


def main(arguments: list[str]) -> int:
    """Make the release of the version in `arguments`; return the exit code."""
    if len(arguments) != 1:
        print("usage: make release VERSION=X.Y.Z", file=sys.stderr)
        return 2
    try:
        tag = make_release(Path(__file__).resolve().parents[1], arguments[0], datetime.now(UTC).date())
    except ReleaseRefused as refused:
        print(f"Not released: {refused}", file=sys.stderr)
        return 1
    print(f"Committed and tagged {tag}. To publish it: git push origin HEAD {tag}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
