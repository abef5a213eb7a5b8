"""Check that the CI workflow, pre-commit hooks and issue forms are valid."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHON = "Programming Language :: Python :: "


def _load(path: Path) -> dict[Any, Any]:
    document = yaml.safe_load(path.read_text())
    assert isinstance(document, dict)
    return document


def _check_job() -> dict[str, Any]:
    job: dict[str, Any] = _load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["check"]
    return job


def test_ci_covers_the_supported_python_versions() -> None:
    classified = [
        line.removeprefix(PYTHON) for line in PROJECT["classifiers"] if re.fullmatch(PYTHON + r"3\.\d+", line)
    ]
    assert _check_job()["strategy"]["matrix"]["python-version"] == classified
    assert PROJECT["requires-python"] == f">={classified[0]}"


def test_ci_runs_make_check_on_linux_and_macos() -> None:
    job = _check_job()
    assert job["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest"]
    assert job["runs-on"] == "${{ matrix.os }}"
    assert "make check ARGS=--every-case" in [step.get("run") for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=[path.stem for path in WORKFLOWS])
def test_workflow_has_minimal_permissions_and_pinned_actions(path: Path) -> None:
    workflow = _load(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is True
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in used)


@pytest.mark.parametrize("name", ["bug", "idea"])
def test_issue_form_has_labelled_fields(name: str) -> None:
    form = _load(ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml")
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)


def test_pre_commit_hooks_run_tools_of_the_project() -> None:
    hooks = [hook for repo in _load(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    makefile = (ROOT / "Makefile").read_text()
    for hook in hooks:
        program, *arguments = hook["entry"].split()
        if program == "make":
            assert f"\n{arguments[-1]}: " in makefile
        else:
            assert program == ".venv/bin/ruff"
