"""The pages that `make docs` writes are current and complete."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from mogplex_tui.api.client import ClientView
from mogplex_tui.config.settings import _TABLE
from tests.facts import client_models, client_resources, command_page, settings_page

PACKAGE = Path(settings_page.__file__).resolve().parents[2] / "mogplex_tui"
PAGES = (client_models, client_resources, command_page, settings_page)


@pytest.mark.parametrize("page", PAGES, ids=[page.__name__.rpartition(".")[2] for page in PAGES])
def test_generated_page_is_current(page: ModuleType) -> None:
    assert page.DOCUMENT.read_text() == page.document(), "run make docs"


def test_settings_page_describes_every_setting() -> None:
    assert settings_page.MEANINGS.keys() == _TABLE.keys()


def test_settings_page_names_every_variable_of_the_code() -> None:
    named = {variable for variables, _ in _TABLE.values() for variable in variables}
    named |= settings_page.OTHER_VARIABLES.keys()
    used = {
        variable
        for path in PACKAGE.rglob("*.py")
        for variable in re.findall(r"\b(MOGPLEX_[A-Z_]+|CRON_SECRET|NO_COLOR)\b", path.read_text())
    }
    assert used == named


def test_client_page_has_every_resource_of_the_client() -> None:
    assert client_resources.resources().keys() == ClientView.__annotations__.keys()
