"""Resources of the client load at first use and have the annotated class."""

from __future__ import annotations

import pytest

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.client import ClientView, MogplexClient, _LazyResource
from mogplex_tui.api.resources.base import Resource
from mogplex_tui.api.target import Target
from tests.api.loaded_modules import modules_loaded_by

FAMILIES = sorted(name for name, value in vars(ClientView).items() if isinstance(value, _LazyResource))


def test_client_imports_families_lazily() -> None:
    resources = "mogplex_tui.api.resources."
    assert not {
        name for name in modules_loaded_by("import mogplex_tui.api.client") if name.startswith(resources)
    }


@pytest.mark.parametrize("name", FAMILIES)
async def test_family_has_its_annotated_type(name: str) -> None:
    async with MogplexClient(Target("t", "http://127.0.0.1:9")) as client:
        view = client.at(Priority.TAIL)
        family = getattr(view, name)
        assert isinstance(family, Resource)
        assert ClientView.__annotations__[name] == f"_LazyResource[{type(family).__name__}]"
        assert getattr(view, name) is family
        assert getattr(client, name) is not family
        assert (family._priority, family._transport) == (Priority.TAIL, client._transport)
