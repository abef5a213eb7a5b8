"""`make release` in a temporary repository: commit, tag and refusals."""

from __future__ import annotations

import subprocess
from datetime import date
from pathlib import Path

import pytest

from scripts.release import (
    CHANGELOG,
    UNRELEASED,
    VERSION_FILE,
    ReleaseRefused,
    main,
    make_release,
    roll_changelog,
)

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2027, 1, 31)
BEFORE = """\
# Changelog

## Unreleased

### Added

- A new list.

### Fixed

- A wrong total.

## 0.9.0 - 2026-12-01

### Added

- The first version.
"""
AFTER = """\
# Changelog

## Unreleased

## 0.10.0 - 2027-01-31

### Added

- A new list.

### Fixed

- A wrong total.

## 0.9.0 - 2026-12-01

### Added

- The first version.
"""


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of version 0.9.0 with two unreleased entries, all committed."""
    (tmp_path / CHANGELOG).write_text(BEFORE)
    (tmp_path / VERSION_FILE).parent.mkdir()
    (tmp_path / VERSION_FILE).write_text('"""The package."""\n\n__version__ = "0.9.0"\n')
    git(tmp_path, "init", "--quiet")
    for name, value in (("user.name", "A"), ("user.email", "a@example.test"), ("commit.gpgsign", "false")):
        git(tmp_path, "config", name, value)
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "Start")
    return tmp_path


def test_release_sets_version_and_dates_changelog(repository: Path) -> None:
    assert make_release(repository, "0.10.0", DAY) == "v0.10.0"
    assert (repository / CHANGELOG).read_text() == AFTER
    assert (repository / VERSION_FILE).read_text() == '"""The package."""\n\n__version__ = "0.10.0"\n'


def test_release_commits_and_tags_what_it_changed(repository: Path) -> None:
    make_release(repository, "0.10.0", DAY)
    assert git(repository, "log", "-1", "--format=%s") == "Release 0.10.0"
    assert git(repository, "rev-parse", "v0.10.0^{commit}") == git(repository, "rev-parse", "HEAD")
    assert git(repository, "cat-file", "-t", "v0.10.0") == "tag"
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("0.9.0", "not greater"),
        ("0.8.9", "not greater"),
        ("0.10", "not a version"),
        ("v0.10.0", "not a version"),
        ("0.10.0rc1", "not a version"),
        ("", "not a version"),
    ],
    ids=["same", "smaller", "two-numbers", "with-v", "candidate", "empty"],
)
def test_release_refuses_version(repository: Path, version: str, reason: str) -> None:
    with pytest.raises(ReleaseRefused, match=reason):
        make_release(repository, version, DAY)
    assert git(repository, "rev-list", "--count", "HEAD") == "1"


@pytest.mark.parametrize("name", [str(CHANGELOG), "untracked.txt"], ids=["changed", "untracked"])
def test_release_refuses_uncommitted_changes(repository: Path, name: str) -> None:
    with (repository / name).open("a") as file:
        file.write("- More.\n")
    with pytest.raises(ReleaseRefused, match=name):
        make_release(repository, "0.10.0", DAY)
    assert git(repository, "tag", "--list") == ""


def test_release_refuses_existing_tag(repository: Path) -> None:
    git(repository, "tag", "v0.10.0")
    with pytest.raises(ReleaseRefused, match="exists"):
        make_release(repository, "0.10.0", DAY)
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    "changelog",
    ["# Changelog\n", AFTER, f"# Changelog\n\n{UNRELEASED}\n### Added\n"],
    ids=["no-section", "empty-section", "heading-only"],
)
def test_roll_refuses_changelog_without_unreleased_entries(changelog: str) -> None:
    with pytest.raises(ReleaseRefused, match="Unreleased"):
        roll_changelog(changelog, "0.11.0", DAY)


def test_first_release_keeps_all_entries() -> None:
    rolled = roll_changelog(f"# Changelog\n\n{UNRELEASED}\n- One.\n- Two.\n", "0.1.0", DAY)
    assert rolled == f"# Changelog\n\n{UNRELEASED}\n## 0.1.0 - 2027-01-31\n\n- One.\n- Two.\n"


def test_command_without_version_shows_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "make release VERSION=" in capsys.readouterr().err


def test_changelog_of_this_project_can_be_rolled() -> None:
    assert (ROOT / CHANGELOG).read_text().count(UNRELEASED) == 1
