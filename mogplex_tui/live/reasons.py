"""Typed reasons why data is stale, missing or closed.

`operate/messages.py` turns them into sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mogplex_tui.api.access import FamilyAccess, Reach


class Subject(NamedTuple):
    """The subject of a sentence: a noun phrase and its grammatical number."""

    text: str
    is_plural: bool = True


class Requirement(NamedTuple):
    """Records or changes that need a browser session, or a token if `accepts_token`.

    `subject` is a plural noun phrase for the middle of a sentence; `alternative` is a sentence that says where to look
    without that credential.
    """

    subject: str
    accepts_token: bool = False
    alternative: str = ""


class Closed(NamedTuple):
    """Reason why the current credentials open none of several routes.

    `reach` is NEEDS_SESSION if another kind of credential opens them, NEEDS_SCOPE if the current one lacks a right;
    otherwise `refusal` says everything. `refusal` is the answer that closed them, None if it adds nothing.
    """

    reach: Reach
    refusal: FamilyAccess | None = None
    session_expired: bool = False


class PartialList(NamedTuple):
    """A notice that a token shows only a part of a list.

    `shown` names that part and `needs` the rest. `cause` says why there is no browser session; it is None where a kind
    declares the notice.
    """

    shown: str
    needs: Requirement
    cause: Closed | None = None


class PartialRuns(NamedTuple):
    """The list of runs while only automations' and this machine's runs are visible."""

    cause: Closed


class ClosedList(NamedTuple):
    """A list that is not read because its route is closed."""

    cause: Closed
    needs: Requirement | None = None


class ClosedPart(NamedTuple):
    """A part of a list that is not read because its route is closed."""

    subject: Subject
    cause: Closed


class RefusedPart(NamedTuple):
    """A part of a list whose read was refused; `answer` is the service's message."""

    subject: Subject
    answer: str


Notice = PartialList | PartialRuns | ClosedList | ClosedPart | RefusedPart | str
"""A note above a list on what it does not show. A text is a complete sentence."""
