"""The header warns when token and session cookie belong to different accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.controlplane.row_factory import RowFactory

Run = Callable[..., Any]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_header_warns_of_two_accounts(console: Run, world: RowFactory, size: tuple[int, int]) -> None:
    other = world.token(world.profile("grace"))
    async with console(token=other, size=size) as ui:
        await ui.sees("two accounts")
        assert ui.app.session.accounts == ("grace@example.dev", "ada@acme.dev", False)


async def test_header_has_no_warning_for_one_account(console: Run) -> None:
    async with console() as ui:
        await ui.until(lambda: ui.app.session.accounts, "the comparison of the accounts")
        assert "two accounts" not in ui.text
