"""What is asked before an action that cannot be undone, in words."""

from __future__ import annotations

from mogplex_tui.live.rows import RunRow
from mogplex_tui.live.session import Session
from mogplex_tui.operate import facts, words
from mogplex_tui.operate.kinds import duration_seconds
from mogplex_tui.screens.modals.confirm import Question


def cancel_question(session: Session, row: RunRow, *, ascii_only: bool) -> Question:
    """Return the question before a cancel: what will be stopped, what stays, what it costs."""
    glyph, _, _ = words.state(row.state, ascii_only=ascii_only)
    took = words.seconds(duration_seconds(row, session.clock.now()))
    about = [
        f"{glyph} {row.repo or words.short_id(row.repo_id)}   {row.branch or words.DASH}",
        f"  {row.who or row.kind or ''}   {took}   {words.money(row.cost, row.cost_source)} so far",
    ]
    used = session.budget.used()
    price = "2 requests, at once"
    if used >= session.budget.limit - 10:
        price += f"; the budget is at {used}/{session.budget.limit}, and a cancel goes out all the same"
    return Question(
        title="Cancel this run?",
        lines=about,
        consequences=[facts.can_cancel_words(row), f"{price}."],
        keep="Keep running",
        go="Cancel run",
    )
