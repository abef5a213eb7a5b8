"""Fixtures of the hostile tests: the CLI in this process and a control plane."""

from __future__ import annotations

from tests.cli.conftest import _no_waiting, _own_log, mogplex, operator, plane, world

__all__ = ["_no_waiting", "_own_log", "mogplex", "operator", "plane", "world"]
