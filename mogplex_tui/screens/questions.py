"""What is asked before an action that cannot be undone, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mogplex_tui.live.rows import RunRow
from mogplex_tui.live.session import Session
from mogplex_tui.operate import facts, words
from mogplex_tui.operate.kinds import duration_seconds
from mogplex_tui.screens.modals.confirm import ConfirmModal, Question
from mogplex_tui.widgets.text import cut_middle, visible

if TYPE_CHECKING:
    from mogplex_tui.live.collection import Item
    from mogplex_tui.operate.kinds.base import Kind, Verb
    from mogplex_tui.screens.modals.base import Dialog

# So many records are named in a question; of the rest it says how many there are.
LISTED = 8


def cancel_question(session: Session, row: RunRow, *, ascii_only: bool) -> Question:
    """Return the question before a cancel: what will be stopped, what stays, what it costs."""
    glyph, _, _ = words.state(row.state, ascii_only=ascii_only)
    took = words.seconds(duration_seconds(row, session.clock.now()))
    about = [
        f"{glyph} {row.repo or words.short_id(row.repo_id)}   {row.branch or words.DASH}",
        f"  {row.who or row.kind or ''}   {took}   {words.money(row.cost, row.cost_source)} so far",
    ]
    used, limit, price = session.budget.used(), session.budget.limit, "2 requests"
    if session.budget.blocked_until is not None:
        price += "; the service limits requests now and may refuse it"
    elif used >= limit - 10:
        price += f"; the budget is at {used}/{limit}: it is sent all the same, and the service may refuse it"
    return Question(
        title="Cancel this run?",
        lines=about,
        consequences=[facts.can_cancel_words(row), f"{price}."],
        keep="Keep running",
        go="Cancel run",
    )


def cancel_many_question(
    session: Session, rows: Sequence[RunRow], over: int, *, ascii_only: bool
) -> Question:
    """Return the question before several cancels: what will be stopped, what stays, what it costs.

    `over` is how many of the marked rows cannot be cancelled and are left out.
    """
    ellipsis = "..." if ascii_only else "…"
    about = []
    for row in rows[:LISTED]:
        glyph, _, _ = words.state(row.state, ascii_only=ascii_only)
        repo = cut_middle(visible(row.repo or words.short_id(row.repo_id)), 18, ellipsis)
        branch = cut_middle(visible(row.branch or words.DASH), 22, ellipsis)
        took = words.seconds(duration_seconds(row, session.clock.now()))
        cost = words.money(row.cost, row.cost_source)
        about.append(f"{glyph} {repo:<18}  {branch:<22}  {took:>6}  {cost:>8}")
    if len(rows) > LISTED:
        about.append(f"  and {len(rows) - LISTED} more")
    means = ["The agents stop; their branches and sandboxes stay."]
    if over:
        means.append(
            f"{words.plural(over, 'marked run')} cannot be cancelled and {'is' if over == 1 else 'are'} left out."
        )
    used, limit, price = session.budget.used(), session.budget.limit, 2 * len(rows)
    cost = f"{price} of {limit} requests, a few seconds"
    if session.budget.blocked_until is not None:
        cost += "; the service limits requests now and may refuse some of them"
    elif used + price > limit:
        cost += f"; the budget is at {used}/{limit}, and the service may refuse some of them"
    return Question(
        title=f"Cancel {words.plural(len(rows), 'run')}?",
        lines=about,
        consequences=[*means, f"{cost}."],
        keep="Keep running",
        go="Cancel runs",
    )


def _title(kind: Kind, verb: Verb, items: Sequence[Item]) -> str:
    many = kind.noun if len(items) == 1 else words.plural(len(items), kind.noun)
    return f"{verb.title.capitalize()} {many}"


def verb_question(kind: Kind, verb: Verb, items: Sequence[Item]) -> Question:
    """Return the question before a verb that cannot be undone: what it is about and what it means."""
    named = [f"  {kind.name_of(item)}" for item in items[:LISTED]]
    if len(items) > len(named):
        named.append(f"  and {len(items) - len(named)} more")
    go = verb.go or verb.title.capitalize()
    return Question(f"{_title(kind, verb, items)}?", named, verb.means, "Keep as it is", go)


def verb_screen(
    session: Session, kind: Kind, verb: Verb, items: list[Item], name: str = ""
) -> Dialog[str] | Dialog[bool] | None:
    """Return what is asked before a verb: the text it needs, or whether it is meant; None when nothing is asked.

    `name` is that of a protected context, which a dangerous verb wants typed.
    """
    title = _title(kind, verb, items)
    if verb.wish is not None:
        from mogplex_tui.screens.modals.ask import AskModal

        wish = verb.wish
        return AskModal(
            f"{title} {kind.name_of(items[0])}".strip() if len(items) == 1 else title,
            wish.label,
            value=wish.value(items[0]),
            choices=wish.choices(items[0], session) if wish.choices is not None else (),
            check=wish.check,
            means=verb.means,
            go=verb.go or verb.title.capitalize(),
        )
    return ConfirmModal(verb_question(kind, verb, items), name) if verb.means else None
