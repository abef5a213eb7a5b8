"""Structured reasons why something is old, missing or closed. `operate/messages.py` makes the sentences of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mogplex_tui.api.access import FamilyAccess, Reach


class Subject(NamedTuple):
    """The subject of a sentence: a noun phrase as it stands within a sentence, and its grammatical number."""

    text: str
    is_plural: bool = True


class Requirement(NamedTuple):
    """Records or changes that need a browser session, or a token too where `accepts_token`.

    `subject` is a plural noun phrase as it stands within a sentence; `alternative` is a sentence on where to look
    without that credential.
    """

    subject: str
    accepts_token: bool = False
    alternative: str = ""


class Closed(NamedTuple):
    """Why the credentials in use open none of several routes.

    `reach` is NEEDS_SESSION where another kind of credential opens them, NEEDS_SCOPE where the one in use lacks a right;
    else `refusal` says everything. `refusal` is the answer that closed them, None where it adds nothing.
    """

    reach: Reach
    refusal: FamilyAccess | None = None
    session_expired: bool = False


class PartialList(NamedTuple):
    """A list of which a token shows only a part.

    `shown` names that part and `needs` the rest; `cause` is why there is no browser session, None in a declaration.
    """

    shown: str
    needs: Requirement
    cause: Closed | None = None


class PartialRuns(NamedTuple):
    """The list of runs while only runs of automations, and those of this machine, can be seen."""

    cause: Closed


class ClosedList(NamedTuple):
    """A list of which nothing can be seen."""

    cause: Closed
    needs: Requirement | None = None


class ClosedPart(NamedTuple):
    """A part of a list that is not read because its route is closed."""

    subject: Subject
    cause: Closed


class RefusedPart(NamedTuple):
    """A part of a list whose reading was refused; `answer` is what the service said."""

    subject: Subject
    answer: str


Notice = PartialList | PartialRuns | ClosedList | ClosedPart | RefusedPart | str
"""A remark above a list on what it does not show; a text is a whole sentence already."""
