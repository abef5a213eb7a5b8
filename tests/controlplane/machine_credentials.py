"""Secrets of schedulers and end-to-end tests, and settings of a plane with them."""

from __future__ import annotations

from mogplex_tui.controlplane.core.plane import Settings

CRON = "cron-secret-of-a-test"
BYPASS = "bypass-secret-of-a-test"
MACHINE = {"Authorization": f"Bearer {CRON}"}
SETTINGS = Settings(speed=0, seeded=False, cron_secret=CRON, bypass_secret=BYPASS)
