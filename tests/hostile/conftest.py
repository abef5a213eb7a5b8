"""Fixtures of the attacks: the commands of `tests/cli`, with a plane where one is asked for."""

from __future__ import annotations

from tests.cli.conftest import _no_waiting, _own_log, mogplex, operator, plane, world

__all__ = ["_no_waiting", "_own_log", "mogplex", "operator", "plane", "world"]
