"""The title line of a list, and the sentences that describe an export of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.operate import formatting, messages
from mogplex_tui.screens import freshness_text
from mogplex_tui.widgets.segment_line import Segment
from mogplex_tui.widgets.styles import Tone

if TYPE_CHECKING:
    from mogplex_tui.screens.list_screen import ListScreen


def segments(screen: ListScreen) -> list[Segment]:
    """Return the title line's segments for a list screen.

    They state the path, the counts, the filter, the sort order and the age of the rows.
    """
    rows, model = screen.rows, screen.model
    loaded = len(rows.rows)
    total = rows.total if rows.total is not None else loaded
    crumbs = screen.crumbs()
    # The number is unknown for rows that were never read or cannot be read.
    known = loaded > 0 or (rows.freshness.as_of is not None and not model.closed_lines())
    left = [
        *crumbs,
        Segment(screen.kind.title, Tone.STRONG, priority=0, close=bool(crumbs)),
        Segment(model.total_text(total) if known else "", Tone.PLAIN, priority=1),
        *screen.marks.segments(),
        *(model.counts() if known else ()),
    ]
    right = [
        freshness_text.freshness_segment(screen.session, rows.freshness, model.sources()),
        Segment(screen.filter.order_text(), Tone.DIM, priority=5, right=True),
    ]
    searched = screen.search.progress()
    if problem := screen.filter.problem():
        right.append(Segment(problem, Tone.ERROR, priority=1, right=True))
    if screen.filter.text:
        shown = f"{len(screen.view):,} of {loaded:,}" if not searched else f"{len(screen.view):,} found"
        # A long filter is cut, because a segment that does not fit is left out.
        filter_text = formatting.clipped(screen.filter.text, max(16, screen.size.width // 2))
        text = "   ".join(filter(None, (f"/ {filter_text}", shown, searched)))
        right.append(Segment(text, Tone.ACCENT, priority=1, right=True))
    elif searched:
        right.append(Segment(searched, Tone.ACCENT, priority=1, right=True))
    elif total > loaded:
        right.append(Segment(f"showing {loaded:,} of {total:,}", Tone.DIM, priority=4, right=True))
    return [segment for segment in (*left, *right) if segment.text]


def export_notes(screen: ListScreen, count: int) -> list[str]:
    """Return sentences that say which rows an export contains and how old they are."""
    loaded, total, text = len(screen.rows.rows), screen.rows.total, screen.filter.text
    order = screen.filter.order_text()
    shown = f"{count:,} of {loaded:,} that match / {text}" if text else "all"
    notes = [f"Rows: {shown}{f', sorted {order}' if order else ''}."] if text or order else []
    if total is not None and total > loaded and not screen.search.is_complete:
        notes.append(f"The service has {total:,}; {loaded:,} are loaded here.")
    age = messages.freshness_text(screen.session, screen.rows.freshness, screen.model.sources())
    return [*notes, f"{age[:1].upper()}{age[1:]}."] if age else notes
