"""The worked example of CONTRIBUTING.md: an action with two parameters.

Nothing else in the product needs it.
"""

from __future__ import annotations

from mogplex_tui.api.models.skills import Skill, SkillChange
from mogplex_tui.api.route_access import Family
from mogplex_tui.operate.model import Action, Change, Parameter


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("Type a name.")
    return text.strip()


NAME = Parameter("name", "new name", _name)
VISIBILITY = Parameter("visibility", "who sees it", lambda text: text, "own", choices=("own", "public"))


async def _rename(change: Change[Skill]) -> None:
    is_public = change.values[VISIBILITY] == "public"
    await change.client.skills.update(change.key, SkillChange(name=change.values[NAME], is_public=is_public))


RENAME = Action(
    "rename",
    key="",
    help="Give it another name.",
    request=_rename,
    in_progress="renaming",
    families=(Family.SKILLS,),
    done="{} is renamed.",
    parameters=(NAME, VISIBILITY),
    initial=lambda row: {VISIBILITY: "public" if row.is_public else "own"},
)
