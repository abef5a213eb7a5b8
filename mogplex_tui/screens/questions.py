"""What is asked before an action that cannot be undone, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mogplex_tui.live.rows import RunRow
from mogplex_tui.live.session import Session
from mogplex_tui.operate import facts, words
from mogplex_tui.operate.kinds import duration_seconds
from mogplex_tui.screens.modals.confirm import ConfirmModal, Question

if TYPE_CHECKING:
    from mogplex_tui.live.collection import Item
    from mogplex_tui.operate.kinds.base import Kind, Verb
    from mogplex_tui.screens.modals.base import Dialog


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


def verb_screen(
    session: Session, kind: Kind, verb: Verb, items: list[Item]
) -> Dialog[str] | Dialog[bool] | None:
    """Return what is asked before a verb: the text it needs, or whether it is meant; None when nothing is asked."""
    title = (
        f"{verb.title.capitalize()} {kind.noun if len(items) == 1 else words.plural(len(items), kind.noun)}"
    )
    if verb.wish is not None:
        from mogplex_tui.screens.modals.ask import AskModal

        wish = verb.wish
        return AskModal(
            f"{title} {kind.name_of(items[0])}" if len(items) == 1 else title,
            wish.label,
            value=wish.value(items[0]),
            choices=wish.choices(items[0], session) if wish.choices is not None else (),
            check=wish.check,
            means=verb.means,
            go=verb.go or verb.title.capitalize(),
        )
    if not verb.means:
        return None
    named = [f"  {kind.name_of(item)}" for item in items[:8]]
    if len(items) > len(named):
        named.append(f"  and {len(items) - len(named)} more")
    question = Question(f"{title}?", named, verb.means, "Keep as it is", verb.go or verb.title.capitalize())
    return ConfirmModal(question)
