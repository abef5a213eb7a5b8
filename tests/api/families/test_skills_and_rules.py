"""Skills, the registry, rules and commands over HTTP.

library.md §6, §7, §11.
"""

from __future__ import annotations

import pytest

from mogplex_tui.api import errors as e
from mogplex_tui.api.models.base import parse_rows
from mogplex_tui.api.models.rules_and_commands import (
    Command,
    CommandDraft,
    Rule,
    RuleChange,
    RuleDraft,
    RuleTable,
)
from mogplex_tui.api.models.skills import (
    DocPage,
    RegistrySkill,
    Skill,
    SkillChange,
    SkillDraft,
    SkillType,
)
from tests.api.families.minimal_plane import NOBODY, Call, MinimalPlane, assert_not_sent
from tests.api.support import http, serving


async def test_a_skill_is_made_found_changed_and_deleted(minimal_plane: MinimalPlane) -> None:
    skills = minimal_plane.client.skills
    made = await skills.create(
        SkillDraft(name=" triage ", content="# Steps\n", type=SkillType.TOOL, tags=["a"])
    )
    assert (made.name, made.content, made.type, made.tags) == ("triage", "# Steps\n", "tool", ["a"])
    minimal_plane.clock.advance(1)
    other = await skills.create(SkillDraft(name="deploy", content="x"))
    assert other.type == SkillType.RUNBOOK
    listed = await skills.list()
    assert [row.id for row in listed] == [other.id, made.id]
    assert listed[0].type is None
    minimal_plane.clock.advance(1)
    changed = await skills.update(made.id, SkillChange(is_public=True, description="How"))
    assert (changed.is_public, changed.description, changed.tags) == (True, "How", ["a"])
    assert [row.id for row in await skills.list(q="RIAG")] == [made.id]
    assert (await skills.list())[0].id == made.id
    await skills.delete(made.id)
    await skills.delete(made.id)
    assert [row.id for row in await skills.list()] == [other.id]
    with pytest.raises(e.NotFound, match="Skill not found"):
        await skills.update(made.id, SkillChange(name="x"))


async def test_registry_skill_is_read_and_installed(minimal_plane: MinimalPlane) -> None:
    skills = minimal_plane.client.skills
    shelf = await skills.registry()
    assert shelf
    assert not shelf.bad
    installs = [row.installs or 0 for row in shelf]
    assert installs == sorted(installs, reverse=True)
    wanted = shelf[0]
    assert wanted.id == f"{wanted.source}/{wanted.skill_id}"
    assert wanted.id in {row.id for row in await skills.registry(q=wanted.name)}
    detail = await skills.registry_skill(wanted.source, wanted.skill_id)
    assert detail.install_command == f"npx skills add {wanted.source} --skill {wanted.skill_id}"
    made = await skills.create(
        SkillDraft(name=detail.name, content=detail.content, description=detail.description, is_public=False)
    )
    assert made.content == detail.content
    with pytest.raises(e.NotFound, match="Skill not found: a/b/a b%"):
        await skills.registry_skill("a/b", "a b%")


async def test_docs_are_listed_and_missing_page_is_not_found(
    minimal_plane: MinimalPlane,
) -> None:
    assert not (await minimal_plane.client.skills.docs()).bad
    with pytest.raises(e.NotFound):
        await minimal_plane.client.skills.doc("functions/no such page")


async def test_path_segments_are_quoted_separately() -> None:
    page = {"title": "T", "path": "a b/c", "markdown": None}
    async with serving(http(200, page)) as service, service.client() as client:
        found = await client.skills.doc("/a b/c#d/")
        await client.skills.registry_skill("o w/r?", "s/k")
    assert found == DocPage(title="T", path="a b/c", markdown="")
    assert [seen.path for seen in service.seen] == [
        "/api/skills/vercel-docs/a%20b/c%23d",
        "/api/skills/registry/o%20w/r%3F/s%2Fk",
    ]


@pytest.mark.parametrize("table", list(RuleTable))
async def test_rule_create_change_delete(minimal_plane: MinimalPlane, table: RuleTable) -> None:
    rules = minimal_plane.client.rules
    made = await rules.create(RuleDraft(name="style.md", content="# Style"), table)
    assert made.type == {"agent_rules": "rules", "agent_skills": "skills"}[table]
    await rules.create(RuleDraft(name="a.md"), table)
    listed = await rules.list(table)
    assert [row.name for row in listed] == ["a.md", "style.md"]
    # Each has the JSON that it came from.
    assert [raw["name"] for raw in listed.raws] == ["a.md", "style.md"]
    others = next(other for other in RuleTable if other is not table)
    assert await rules.list(others) == []
    changed = await rules.update(made.id, RuleChange(content="# New"), table)
    assert (changed.name, changed.content) == ("style.md", "# New")
    await rules.delete(made.id, others)
    assert len(await rules.list(table)) == 2
    await rules.delete(made.id, table)
    await rules.delete(made.id, table)
    assert [row.name for row in await rules.list(table)] == ["a.md"]
    with pytest.raises(e.NotFound):
        await rules.update(made.id, RuleChange(name="x"), table)


async def test_a_command_is_saved_expanded_and_deleted(minimal_plane: MinimalPlane) -> None:
    commands = minimal_plane.client.commands
    made = await commands.create(CommandDraft(name="fix", template="Fix $ARGS, then test $ARGS"))
    await commands.create(CommandDraft(name="ask", template="?", description="Asks"))
    assert [row.name for row in await commands.list()] == ["ask", "fix"]
    assert made.expand("it") == "Fix it, then test it"
    await commands.delete(made.id)
    await commands.delete(made.id)
    assert [row.description for row in await commands.list()] == ["Asks"]


async def test_records_of_other_accounts_are_unchanged(minimal_plane: MinimalPlane) -> None:
    skill = await minimal_plane.client.skills.create(SkillDraft(name="x", content="x"))
    rule = await minimal_plane.client.rules.create(RuleDraft(name="x"))
    command = await minimal_plane.client.commands.create(CommandDraft(name="x", template="x"))
    async with minimal_plane.as_other() as other:
        await other.skills.delete(skill.id)
        await other.rules.delete(rule.id)
        await other.commands.delete(command.id)
        assert await other.skills.list() == []
    assert len(await minimal_plane.client.skills.list()) == 1
    assert len(await minimal_plane.client.rules.list()) == 1
    assert len(await minimal_plane.client.commands.list()) == 1


def test_skill_and_rule_parsing_tolerates_any_json() -> None:
    rows = parse_rows(Skill, [{"id": "s", "tags": [1, "b", None], "usage_count": None, "type": "new"}, {}])
    assert (rows[0].tags, rows[0].usage_count, rows[0].type, len(rows.bad)) == (["b"], None, "new", 1)
    assert parse_rows(Skill, [{"id": "s", "tags": None}])[0].tags == []
    assert parse_rows(Rule, [{"id": "r", "content": None, "type": None}])[0].content == ""
    assert parse_rows(Command, [{"id": "c", "template": None}])[0].expand("x") == ""
    found = parse_rows(RegistrySkill, [{"id": "a/b/c", "skillId": "c", "installs": None}])[0]
    assert (found.skill_id, found.installs, found.description) == ("c", None, None)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda c: c.skills.create(SkillDraft(name="", content="x")), "Name is required"),
        (lambda c: c.skills.create(SkillDraft(name="x", content=" ")), "Content is required"),
        (lambda c: c.skills.create(SkillDraft(name="x", content="x", type="odd")), "must be one of runbook"),
        (lambda c: c.skills.create(SkillDraft(name="x", content="x", scope="global")), "no field 'scope'"),  # type: ignore[call-arg]
        (lambda c: c.skills.update(NOBODY, SkillChange()), "nothing to change"),
        (lambda c: c.skills.update("junk", SkillChange(name="x")), "not the id of a skill"),
        (lambda c: c.skills.delete("junk"), "not the id of a skill"),
        (lambda c: c.skills.registry_skill("owner", "x"), "owner/repo"),
        (lambda c: c.skills.registry_skill("owner/repo/more", "x"), "owner/repo"),
        (lambda c: c.skills.registry_skill("../repo", "x"), "does not name a skill"),
        (lambda c: c.skills.registry_skill("owner/repo", ""), "does not name a skill"),
        (lambda c: c.skills.doc("a/../../settings"), "does not name a documentation page"),
        (lambda c: c.skills.doc(""), "does not name a documentation page"),
        (lambda c: c.skills.list(q="\ud800"), "cannot be sent"),
        (lambda c: c.rules.create(RuleDraft(name=" ")), "Name is required"),
        (lambda c: c.rules.update(NOBODY, RuleChange()), "nothing to change"),
        (lambda c: c.rules.delete("junk"), "not the id of a rule"),
        (lambda c: c.commands.create(CommandDraft(name="x", template="")), "Template is required"),
        (lambda c: c.commands.delete("junk"), "not the id of a command"),
    ],
)
async def test_invalid_input_for_skills_and_rules_is_not_sent(call: Call, says: str) -> None:
    await assert_not_sent(call, says)
