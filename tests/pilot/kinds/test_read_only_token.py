"""No action is sent with a token without the write scope."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from mogplex_tui.api.target import Target
from mogplex_tui.config.secret import Secret
from mogplex_tui.controlplane.core.plane import Settings
from mogplex_tui.live.collection import Entry
from mogplex_tui.live.session import Session
from mogplex_tui.operate import action_registry, executor
from mogplex_tui.operate.kind_rows import new_collection
from mogplex_tui.operate.kinds.registry import kinds
from mogplex_tui.operate.model import Values
from tests.pilot.kinds.kind_screens import running_plane
from tests.recording import recording

READ_ONLY_REASON = "This token is read-only; use one with the write scope."
NOBODY = "7d0c0000-0000-4000-8000-00000000dead"
# What is given for parameters that do not take any text.
GIVEN = {
    "agents.create": {"name": "ci", "model": "acme/nova-1", "category": "api"},
    "assignments.create": {"repo": NOBODY, "agent": NOBODY, "type": "pr_review"},
    "automations.create": {"name": "ci", "repo": "7 acme/web"},
    "automations.trigger": {"repo": "any"},
    "members.role": {"role": "viewer"},
    "projects.import": {"full_name": "acme/web"},
    "sandboxes.launch": {"repo": NOBODY},
    "settings.edit": {"value": "dark"},
}


async def test_read_only_token_sends_no_action(seeded_database: Path, tmp_path: Path) -> None:
    settings = Settings(speed=0, rate_limit=None)
    wrong: dict[str, str] = {}
    walked = 0
    async with (
        running_plane(settings, seeded_database, tmp_path) as plane,
        recording(plane.base_url) as recorded,
    ):
        for kind in kinds().values():
            for verb in kind.all_actions:
                session = Session(Target("t", recorded.base_url, Secret(plane.read_only_token)))
                recorded.forget()
                collection = new_collection(session, kind)
                item = Entry(NOBODY, SimpleNamespace(id=NOBODY))
                try:
                    outcome = await executor.run_action(session, collection, kind, verb, item)
                finally:
                    await session.stop()
                walked += 1
                if (
                    outcome.is_success
                    or outcome.sentence != READ_ONLY_REASON
                    or recorded.asked != ["POST /api/v1/mogplex/runs"]
                ):
                    wrong[f"{kind.name}.{verb.id}"] = f"{outcome.sentence} {recorded.asked}"
                assert not session.ledger.entries
    assert wrong == {}
    assert walked > 40


async def test_session_sends_every_action_despite_read_only_token(
    seeded_database: Path, tmp_path: Path
) -> None:
    settings = Settings(speed=0, rate_limit=None)
    wrong: dict[str, str] = {}
    walked = 0
    async with (
        running_plane(settings, seeded_database, tmp_path) as plane,
        recording(plane.base_url) as recorded,
    ):
        target = Target("t", recorded.base_url, Secret(plane.read_only_token), Secret(plane.session_cookie))
        reader = Session(Target("t", plane.base_url, None, Secret(plane.session_cookie)))
        for kind in kinds().values():
            action_registry.register_kind(kind)
            if not kind.all_actions:
                continue
            of_service = new_collection(reader, kind)
            await of_service.fetch()
            found = next(item for item in of_service.set.rows.values() if item.row is not None)
            # A record that somebody else has deleted in the meantime; of settings none can be.
            key = found.key if kind.name in ("settings", "provider-keys") else NOBODY
            for verb in kind.all_actions:
                session = Session(target)
                await session.learn_scope()
                recorded.forget()
                item = replace(found, key=key)
                given = Values(GIVEN.get(f"{kind.name}.{verb.id}", {"name": "ci"}))
                try:
                    closed = action_registry.disabled_reason(
                        action_registry.BY_ID[f"{kind.name}.{verb.id}"], session
                    )
                    outcome = await executor.run_action(
                        session, new_collection(session, kind), kind, verb, item, given
                    )
                finally:
                    await session.stop()
                # One change is a GET of the service, which then asks GitHub.
                sent = [each for each in recorded.asked if not each.startswith("GET ") or verb.id == "sync"]
                if (
                    closed
                    or READ_ONLY_REASON in outcome.sentence
                    or not sent
                    or any("/v1/" in each for each in sent)
                ):
                    wrong[f"{kind.name}.{verb.id}"] = f"{closed} {outcome.sentence} {recorded.asked}"
                walked += 1
        await reader.stop()
    assert wrong == {}
    assert walked > 40
