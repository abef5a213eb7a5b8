"""Translates a `/` filter to query parameters of the service.

Only a part of the filter can be translated: the service has few filters of its own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mogplex_tui.operate.filters import Term, matches_value, parse, seconds_of
from mogplex_tui.operate.model import Row, ServiceFilter, Window

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.model import Older


def window_of(text: str, older: Older[Row], session: Session) -> Window:
    """Return the query for all records that a filter can match.

    Its time range and service filters are as narrow as possible, but the service's filters are
    coarser than `text`, so the caller must apply the filter to the returned records.
    """
    now = session.clock.now()
    terms = [term for term in parse(text) if term.field is not None and not term.negated]
    ages = [
        age
        for term in terms
        if term.field == older.age and term.compares and term.text[0] == "<"
        if (age := seconds_of(term.text[1:])) is not None
    ]
    filters = {
        service_filter.parameter: value
        for term in terms
        for service_filter in older.filters
        if service_filter.name == term.field
        and (value := _single_value(service_filter, term, session)) is not None
    }
    return Window(now - timedelta(seconds=min(ages)) if ages else None, None, filters)


def _single_value(filter: ServiceFilter, term: Term, session: Session) -> str | None:
    """Return the query parameter value that a filter term stands for.

    Returns None if no value or several values match, because a query parameter takes only one.
    """
    if not filter.texts:
        return None if term.compares or term.is_pattern else filter.value_of(session, term.text)
    values = [value for value, texts in filter.texts.items() if matches_value(term, tuple(texts))]
    return values[0] if len(values) == 1 else None
