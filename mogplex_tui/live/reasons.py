"""Typed reasons why data is stale or missing, or why a route is closed.

`operate/messages.py` turns them into sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mogplex_tui.api.route_access import FamilyAccess, Reach


class Subject(NamedTuple):
    """The subject of a sentence: a noun phrase and its grammatical number."""

    text: str
    is_plural: bool = True


class Requirement(NamedTuple):
    """A browser session that some records or changes need.

    If `accepts_token` is true, a token is sufficient too. `subject` names the records or changes as
    a plural noun phrase for the middle of a sentence. `alternative` is a sentence that says where
    else to look while the credential is missing.
    """

    subject: str
    accepts_token: bool = False
    alternative: str = ""


class Closed(NamedTuple):
    """The reason why the current credentials cannot use some routes.

    `reach` is NEEDS_SESSION if another kind of credential opens the routes and NEEDS_SCOPE if the
    current one lacks a right; for other values `refusal` contains the complete reason. `refusal` is
    the service's response that closed the routes, or None if it adds nothing to `reach`.
    """

    reach: Reach
    refusal: FamilyAccess | None = None
    session_expired: bool = False


class PartialList(NamedTuple):
    """A notice that a list shows only the records that a token can read.

    `shown` names these records, and `needs` the records that are missing and the credential for
    them. `cause` is the reason why there is no browser session; it is None in the declaration of a
    kind.
    """

    shown: str
    needs: Requirement
    cause: Closed | None = None


class PartialRuns(NamedTuple):
    """A notice that only runs of automations and of this machine are listed."""

    cause: Closed


class ClosedList(NamedTuple):
    """A notice that a list is not read because its route is closed.

    A route is closed if the current credentials cannot use it.
    """

    cause: Closed
    needs: Requirement | None = None


class ClosedPart(NamedTuple):
    """A notice that part of a list is not read because its route is closed.

    A route is closed if the current credentials cannot use it.
    """

    subject: Subject
    cause: Closed


class RefusedPart(NamedTuple):
    """A notice that the service refused to return a part of a list.

    `answer` is the service's message.
    """

    subject: Subject
    answer: str


class Hint(NamedTuple):
    """A notice that says how to use a list, and reports nothing missing."""

    sentence: str


Notice = Hint | PartialList | PartialRuns | ClosedList | ClosedPart | RefusedPart | str
"""A note above a list, mostly on what it does not show. A text is a complete sentence."""
