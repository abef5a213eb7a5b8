"""What is asked before an action that cannot be undone, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from mogplex_tui.live.rows import RunRow, duration_seconds
from mogplex_tui.live.session import Session
from mogplex_tui.operate import paths, run_facts, words
from mogplex_tui.operate.kinds import Context
from mogplex_tui.screens.modals.confirm import ConfirmModal, Question
from mogplex_tui.widgets.text import cut_middle, visible

if TYPE_CHECKING:
    from mogplex_tui.live.collection import Item
    from mogplex_tui.operate.kinds.base import Kind
    from mogplex_tui.operate.kinds.verb import Verb
    from mogplex_tui.operate.model import Values
    from mogplex_tui.screens.modals.base import Dialog

# So many records are named in a question; of the rest it says how many there are.
LISTED = 8
# The columns of a list that tell records apart, beside their names.
_TELLING = frozenset({"status", "agent"})


def cancel_question(session: Session, row: RunRow) -> Question:
    """Return the question before a cancel: what will be stopped, what stays, what it costs."""
    glyph, word, _ = words.state(row.state)
    took = words.seconds(duration_seconds(row, session.clock.now()))
    cost = None if row.cost is None else f"{words.money(row.cost, row.cost_source)} so far"
    about = [
        f"{glyph} {_told(row.repo or (row.repo_id and words.short_id(row.repo_id)), row.branch, word)}",
        f"  {_told(row.who or row.kind, words.model(row.model), took, cost, words.short_id(row.run_id or row.key))}",
    ]
    used, limit, price = session.budget.used(), session.budget.limit, "2 requests"
    if session.budget.blocked_until is not None:
        price += "; the service limits requests now and may refuse it"
    elif used >= limit - 10:
        price += f"; the budget is at {used}/{limit}: it is sent all the same, and the service may refuse it"
    return Question(
        title="Cancel this run?",
        lines=about,
        consequences=[run_facts.can_cancel_words(row), f"{price}."],
        keep="Keep running",
        go="Cancel run",
    )


def _told(*parts: str | None) -> str:
    """Return what is known, side by side."""
    return "   ".join(part for part in parts if part and part != words.DASH)


def _named(row: RunRow) -> tuple[str, str]:
    """Return the two things that tell a run from others: where it works, else who does, else its id."""
    who, short = row.who or row.kind, words.short_id(row.run_id or row.key)
    model = words.model(row.model) if row.model else None
    first = row.repo or who or short
    return first, row.branch or " ".join(told for told in (who, model) if told and told != first) or short


def cancel_many_question(session: Session, rows: Sequence[RunRow], over: int) -> Question:
    """Return the question before several cancels: what will be stopped, what stays, what it costs.

    `over` is how many of the marked rows cannot be cancelled and are left out.
    """
    about = []
    for row in rows[:LISTED]:
        glyph, _, _ = words.state(row.state)
        first, second = _named(row)
        repo = cut_middle(visible(first), 18)
        branch = cut_middle(visible(second), 22)
        took = words.seconds(duration_seconds(row, session.clock.now()))
        cost = words.money(row.cost, row.cost_source)
        about.append(f"{glyph} {repo:<18}  {branch:<22}  {took:>6}  {cost:>8}")
    if len(rows) > LISTED:
        about.append(f"  and {len(rows) - LISTED} more")
    means = [
        run_facts.can_cancel_words(rows[0])
        if len(rows) == 1
        else "The agents stop; their branches and sandboxes stay."
    ]
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
        go="Cancel run" if len(rows) == 1 else "Cancel runs",
    )


def _title(kind: Kind, verb: Verb, items: Sequence[Item], name: str = "") -> str:
    """Return what is done to what, by its name where it is given; `now` comes at the end, as one says it."""
    many = kind.noun if len(items) == 1 else words.plural(len(items), kind.noun)
    does, now, _ = verb.title.partition(" now")
    return f"{does.capitalize()} {many} {name}".rstrip() + now


def _seen(kind: Kind, item: Item, context: Context) -> str:
    """Return a record's name with its state, since when it exists, and its id: names may be alike."""
    name = kind.name_of(item)
    if item.record is None:
        return f"  {name}"
    shown = {
        field.key: field.cell(item, context)[0].strip() for field in kind.fields if field.key in _TELLING
    }
    # The list's own age may be that of what the record did last.
    made = paths.value(item, "created_at")
    age = f"{words.age(made, context.now)} old" if isinstance(made, datetime) else None
    short = words.short_id(item.key)
    return "  " + _told(name, *shown.values(), age, None if short in name else short)


def verb_question(kind: Kind, verb: Verb, items: Sequence[Item], context: Context) -> Question:
    """Return the question before a verb that cannot be undone: what it is about and what it means."""
    named = [_seen(kind, item, context) for item in items[:LISTED]]
    if len(items) > len(named):
        named.append(f"  and {len(items) - len(named)} more")
    go = verb.go or verb.title.capitalize()
    warnings = [warning for item in items if (warning := verb.warn(item)) is not None]
    return Question(f"{_title(kind, verb, items)}?", named, (*warnings, *verb.means), "Keep as it is", go)


def _parameter_screen(
    session: Session, kind: Kind, verb: Verb, items: Sequence[Item]
) -> Dialog[str] | Dialog[Values]:
    """Return the question for the only parameter of a verb, or the form of several."""
    first, is_new = items[0], verb.new is not None
    texts = verb.texts(first, {})
    parameters = [each for each in verb.parameters if not each.only_in_command]
    choices = {each.name: each.choices_of(session, first.key) for each in parameters}
    warnings = () if is_new else [warning for item in items if (warning := verb.warn(item)) is not None]
    title = _title(kind, verb, items, kind.name_of(first) if len(items) == 1 and not is_new else "")
    means, go = [*warnings, *verb.means], verb.go or verb.title.capitalize()
    if len(parameters) > 1:
        from mogplex_tui.screens.modals.form import FormModal

        return FormModal(
            title,
            parameters,
            texts=texts,
            choices=choices,
            means=means,
            go=go,
            problem=partial(verb.problem, first),
        )
    from mogplex_tui.screens.modals.ask import AskModal

    (parameter,) = parameters
    return AskModal(
        title,
        parameter.help[:1].upper() + parameter.help[1:],
        value=texts.get(parameter.name, parameter.default),
        choices=choices[parameter.name],
        check=parameter.problem,
        means=means,
        go=go,
    )


def verb_screen(
    session: Session, kind: Kind, verb: Verb, items: list[Item], context: Context, name: str = ""
) -> Dialog[str] | Dialog[Values] | Dialog[bool] | None:
    """Return what is asked before a verb: the values it needs, or whether it is meant; None when nothing is asked.

    `name` is that of a protected context, which a dangerous verb wants typed.
    """
    if any(not each.only_in_command for each in verb.parameters):
        return _parameter_screen(session, kind, verb, items)
    if verb.wish is not None:
        from mogplex_tui.screens.modals.ask import AskModal

        wish = verb.wish
        return AskModal(
            _title(kind, verb, items, kind.name_of(items[0]) if len(items) == 1 else ""),
            wish.label,
            value=wish.value(items[0]),
            choices=wish.choices(items[0], session) if wish.choices is not None else (),
            check=wish.check,
            means=verb.means,
            go=verb.go or verb.title.capitalize(),
        )
    return ConfirmModal(verb_question(kind, verb, items, context), name) if verb.means else None
