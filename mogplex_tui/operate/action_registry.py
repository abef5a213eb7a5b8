"""The registry of actions: their ids, titles, keys, screens and help texts.

The footer, the help, the palette and the key bindings are generated from the registry.
Users can override keys, so no text contains a literal key: code calls `key_of`, and
sentences contain the action's id, as in `{runs.open-id}`, which `with_key_names` replaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from mogplex_tui.operate import model
from mogplex_tui.operate.key_actions import ACTIONS as ACTIONS
from mogplex_tui.operate.key_actions import DETAILS as DETAILS
from mogplex_tui.operate.key_actions import (
    EVERYWHERE,
    FAILING,
    GROUPED,
    KIND_LISTS,
    TIMED,
    WORKING,
    key_action_of,
)
from mogplex_tui.operate.key_actions import LOGS as LOGS
from mogplex_tui.operate.key_actions import KeyAction as KeyAction
from mogplex_tui.operate.key_names import keys_in_force as keys_in_force
from mogplex_tui.operate.key_names import set_key_overrides as set_key_overrides
from mogplex_tui.operate.key_names import shown_key as shown_key
from mogplex_tui.operate.kinds.registry import TABS

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.kind_rows import ListedRow
    from mogplex_tui.operate.model import AnyKind


NO_WRITE_SCOPE = "This token is read-only; use one with the write scope."


BY_ID = {action.id: action for action in ACTIONS}

_ACTION_ID = re.compile(r"\{([a-z-]+\.[a-z-]+)\}")


def key_of(id: str, *, ascii_only: bool = False) -> str:
    """Return the first key of an action as sentences show it, "" if it has no key.

    Raises KeyError for an unknown action.
    """
    return shown_key(next(iter(BY_ID[id].keys), ""), ascii_only=ascii_only)


def help_text(action: KeyAction) -> str:
    """Return the help sentence of an action, with keys in place of action ids."""
    return with_key_names(action.help)


def with_key_names(sentence: str) -> str:
    """Replace action ids in braces, such as `{runs.open-id}`, with their keys."""
    return _ACTION_ID.sub(lambda match: key_of(match[1]), sentence)


def tabs() -> tuple[tuple[str, str, str], ...]:
    """Return the key, the title and the screen name of each tab.

    The tabs are those of `TABS`, with overridden keys in place of the default ones.
    """
    return tuple((key_of(f"go.{name}"), title, name) for _, title, name in TABS)


def permanent_keys() -> list[str]:
    """Return the keys that a narrow key bar drops last: findings, palette, back, help."""
    return [key_of(name) for name in ("app.findings", "app.palette", "go.back", "app.help")]


# Scope of a kind's screen -> the scopes for many screens that include it, and the kind's actions.
_KIND_ACTIONS: dict[str, tuple[frozenset[str], tuple[KeyAction, ...]]] = {}


def detail_scope(kind: str) -> str:
    """Return the scope name of a kind's record page, such as `jobs.detail`."""
    return f"{kind}.detail"


def scope_tags(scope: str) -> frozenset[str]:
    """Return the shared scopes that include a kind's list or record page.

    A shared scope, such as `LISTS`, stands for many screens. The result is empty until the kind
    is registered.
    """
    return _KIND_ACTIONS.get(scope, (frozenset(), ()))[0]


def register_kind(kind: AnyKind) -> None:
    """Add the actions of a kind to its list screen and its record page."""
    scopes = frozenset({kind.name, detail_scope(kind.name)})
    actions = tuple(key_action_of(kind, each, scopes) for each in kind.all_actions)
    list_tags = KIND_LISTS
    list_tags |= FAILING if kind.failed_filter else frozenset()
    list_tags |= GROUPED if kind.failure_groupings else frozenset()
    list_tags |= WORKING if kind.live_filter else frozenset()
    list_tags |= TIMED if kind.older is not None else frozenset()
    _KIND_ACTIONS[kind.name] = (list_tags, actions)
    _KIND_ACTIONS[detail_scope(kind.name)] = (DETAILS | LOGS if kind.logs else DETAILS, actions)
    BY_ID.update({action.id: action for action in actions})


def in_scope(scope: str) -> list[KeyAction]:
    """Return the actions of a screen, in the order of the registry.

    The actions that the kind declares come after the screen's first action.
    """
    tags, kind_actions = _KIND_ACTIONS.get(scope, (frozenset(), ()))
    actions = [action for action in ACTIONS if action.scopes & (EVERYWHERE | tags | {scope})]
    # A screen's own action takes the place of a shared one with the same key.
    own_keys = {key for action in actions if tags and scope in action.scopes for key in action.defaults}
    actions = [
        action for action in actions if scope in action.scopes or not own_keys.intersection(action.defaults)
    ]
    screen_actions = [action for action in actions if action.group == "here"]
    return [
        *screen_actions[:1],
        *kind_actions,
        *screen_actions[1:],
        *(action for action in actions if action.group != "here"),
    ]


def read_only_reason(session: Session, *, v1_only: bool = False) -> str | None:
    """Return why the session cannot make changes, None if it can.

    If `v1_only` is true, the change needs a token with the write scope.
    """
    if session.may_change(v1_only=v1_only):
        return None
    if session.read_only:
        return "This console is read-only."
    return NO_WRITE_SCOPE


async def fetch_read_only_reason(session: Session) -> str | None:
    """Return why the session cannot make changes, None if it can.

    If the answer depends on the token's scope and this is not known, the service is asked first.
    """
    if not session.read_only and session.token_changes_unversioned:
        await session.learn_scope()
    return read_only_reason(session)


def closed_reasons(scope: str, session: Session) -> dict[str, str]:
    """Return the reasons why the credential cannot use actions of a screen.

    The keys are ids of actions. Only actions whose routes are all closed to the credential have
    an entry.
    """
    actions = _KIND_ACTIONS.get(scope, (frozenset(), ()))[1]
    return {action.id: reason for action in actions if (reason := action.closed_reason(session)) is not None}


def disabled_reason(
    action: KeyAction, session: Session, rows: Sequence[ListedRow[object]] | None = None
) -> str | None:
    """Return why an action is not available now, None if it is available.

    `rows` are the rows that the action would change; the action is available if at least one of
    them allows it. If `rows` is None, only the credential is checked.
    """
    if action.writes and (reason := read_only_reason(session, v1_only=action.v1_only)) is not None:
        return reason
    kind_action = action.record_action
    if kind_action is None or action.kind is None:
        return None
    if rows is not None and isinstance(kind_action, model.Action):
        from mogplex_tui.operate import kind_rows

        if not rows:
            return f"There is no {action.kind.noun} under the cursor."
        reasons = [kind_rows.unavailable_reason(kind_action, row, session) for row in rows]
        if None not in reasons:
            return reasons[0]
    return action.closed_reason(session)


def footer(
    scope: str,
    session: Session,
    *,
    ascii_only: bool = False,
    shows: Callable[[KeyAction], bool] = lambda _: True,
    title_of: Callable[[KeyAction], str] = lambda action: action.title,
) -> Iterable[tuple[str, str]]:
    """Yield the key and the title of each action in the key bar of a screen.

    Leaves out changes that the session does not allow, and actions for which `shows` returns
    false. `title_of` returns the title of an action.
    """
    for action in in_scope(scope):
        is_allowed = not action.writes or session.may_change(v1_only=action.v1_only)
        if action.footer and is_allowed and shows(action):
            yield key_of(action.id, ascii_only=ascii_only), title_of(action)
