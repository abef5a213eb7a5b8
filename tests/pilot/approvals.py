"""Approvals that a test puts into the plane."""

from __future__ import annotations

from tests.controlplane.row_factory import RowFactory


def insert_approval(world: RowFactory, seconds: float) -> str:
    plane = world.plane
    with plane.db.transaction() as tx:
        key = tx.new_id()
        now = world.clock.us
        tx.insert(
            "control_approvals",
            id=key,
            user_id=plane.user_id,
            run_id=tx.new_id(),
            tool_call_id=tx.new_id(),
            tool_name="launch_sandbox",
            tool_input='{"repo": "acme/api"}',
            summary="Launch a sandbox",
            status="pending",
            created_at=now,
            expires_at=now + round(seconds * 1_000_000),
        )
    return key
