"""Invented contents of cloned repositories, the same for every user."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ...sample_data.loader import material

PRUNED = (".cache", ".git", ".next", ".turbo", ".vercel", "node_modules")


class Repository(NamedTuple):
    """The repository on a machine: full name, branch, root directory, runtime image.

    `root` is None for the top directory.
    """

    full_name: str
    branch: str
    root: str | None
    runtime: str

    @property
    def name(self) -> str:
        """The repository's name without its owner."""
        return self.full_name.rpartition("/")[2]

    def number(self, what: str, low: int, high: int) -> int:
        """Return a number from `low` to `high` that depends on the repository and `what`.

        `what` names the purpose of the number, for example "packages". Equal arguments give equal
        numbers.
        """
        drawn = hashlib.sha256(f"{self.full_name}/{what}".encode()).digest()
        return low + int.from_bytes(drawn[:4], "big") % (high - low + 1)

    def sha(self, what: str) -> str:
        """Return an invented commit hash of 40 hex digits for the commit named `what`.

        The same repository and commit name always give the same hash.
        """
        return hashlib.sha1(f"{self.full_name}/{what}".encode(), usedforsecurity=False).hexdigest()


@cache
def texts() -> Any:
    """Return the content of repo_contents.json: templates of files and logs.

    The result is cached; callers must not change it.
    """
    return json.loads((Path(__file__).parent / "data" / "repo_contents.json").read_text(encoding="utf-8"))


@cache
def _scripts() -> dict[tuple[str, str | None], dict[str, Any]]:
    """Return the data of known repositories, keyed by full name and root directory.

    The data of a repository are its test and lint commands and the paths of its files.
    """
    rows = material("repos")
    return {
        (repo["full_name"], repo.get("root")): rows[repo["key"]]
        for repo in material("account")["repos"]
        if repo["key"] in rows
    }


def script(repo: Repository) -> dict[str, Any]:
    """Return a repository's test and lint commands and the paths of its files.

    An unknown repository gets default values.
    """
    known = _scripts()
    plain: dict[str, Any] = texts()["plain"]
    return known.get((repo.full_name, repo.root)) or known.get((repo.full_name, None)) or plain


def sample_key(repo: Repository) -> str:
    """Return the key of a repository in the sample data, or `api` if it is unknown."""
    for row in material("account")["repos"]:
        if row["full_name"] == repo.full_name and row.get("root") in (repo.root, None):
            return str(row["key"])
    return "api"


def manager(repo: Repository) -> str:
    """Return the repository's package manager: uv, pnpm or npm."""
    if repo.runtime.startswith("python"):
        return "uv"
    return "pnpm" if "pnpm" in script(repo)["test"] else "npm"


def _words(path: str) -> dict[str, str]:
    stem = PurePosixPath(path).name.partition(".")[0] or "file"
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", stem) if part] or ["file"]
    camel = parts[0][0].lower() + parts[0][1:] + "".join(part.title() for part in parts[1:])
    return {
        "name": camel,
        "Type": camel[0].upper() + camel[1:],
        "snake": "_".join(part.lower() for part in parts),
        "package": re.sub(r"[^a-z0-9]", "", PurePosixPath(path).parent.name.lower()) or "main",
    }


def _body(repo: Repository, path: str, terms: list[str]) -> str:
    bodies = texts()["bodies"]
    kind = PurePosixPath(path).suffix.lstrip(".")
    kind = {"yml": "yaml", "zsh": "sh", "bats": "sh"}.get(kind, kind)
    number = repo.number(path, 3, 90)
    term = terms[number % len(terms)] if terms else path
    body: str = bodies.get(kind, bodies["other"])
    return body.format(repo=repo.name, words=term, number=number, **_words(path))


def _manifest(repo: Repository, how: dict[str, Any]) -> tuple[str, str]:
    if repo.runtime.startswith("python"):
        return "pyproject.toml", _body(repo, "pyproject.toml", [])
    scripts = {
        "dev": "node --watch src/index.ts",
        "test": how["test"],
        "lint": how["lint"],
        "build": "tsc -b",
    }
    package = {"name": repo.name, "version": f"1.{repo.number('version', 0, 30)}.0", "private": True}
    package |= {"scripts": scripts, "engines": {"node": ">=24"}}
    return "package.json", json.dumps(package, indent=2) + "\n"


@lru_cache(64)
def files_of(repo: Repository) -> dict[str, str]:
    """Return the texts of a repository's files by path.

    The result is cached; callers must not change it.
    """
    how, descriptions = script(repo), texts()["about"]
    install = f"{manager(repo)} {'sync' if manager(repo) == 'uv' else 'install'}"
    readme = texts()["readme"].format(
        repo=repo.name,
        about=descriptions.get(repo.name, descriptions[""]),
        install=install,
        test=how["test"],
        entry=how["paths"][0],
    )
    inner = {path: _body(repo, path, how["terms"]) for path in how["paths"]}
    inner |= {"README.md": readme, ".gitignore": "node_modules/\n.env\n.cache/\ndist/\n"}
    inner.setdefault(*_manifest(repo, how))
    prefix = "" if repo.root is None else f"{repo.root}/"
    files = {prefix + path: text for path, text in inner.items()}
    checks = texts()["checks"].format(test=how["test"])
    files |= {
        ".github/workflows/ci.yml": checks,
        ".git/HEAD": f"ref: refs/heads/{repo.branch}\n",
        ".git/config": f'[remote "origin"]\n\turl = https://github.com/{repo.full_name}.git\n',
    }
    if manager(repo) != "uv":
        files[f"{prefix}node_modules/.modules.yaml"] = f"packageManager: {manager(repo)}\n"
    if repo.root is not None:
        files["README.md"] = (
            f"# {repo.name}\n\n{descriptions.get(repo.name, descriptions[''])}\n\nSee `{repo.root}`.\n"
        )
    return files
