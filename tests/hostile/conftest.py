"""Fixtures of the hostile tests: the CLI in this process and a control plane."""

from __future__ import annotations

from tests.cli.conftest import _no_delays, _restore_loggers, factory, mogplex, operator, plane

__all__ = ["_no_delays", "_restore_loggers", "factory", "mogplex", "operator", "plane"]
