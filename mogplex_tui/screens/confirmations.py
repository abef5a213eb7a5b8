"""What is asked before an action that cannot be undone, in words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from mogplex_tui.live.run_row import RunRow, duration_seconds
from mogplex_tui.live.session import Session
from mogplex_tui.operate import formatting, kind_rows, messages
from mogplex_tui.operate.model import Action, AnyEntry, RenderTime
from mogplex_tui.operate.run_actions import CANCEL
from mogplex_tui.screens.modals.confirm import ConfirmModal, Question
from mogplex_tui.widgets.text import cut_middle, visible

if TYPE_CHECKING:
    from mogplex_tui.operate.model import AnyAction, AnyKind, Parameter, Values
    from mogplex_tui.screens.modals.base import Dialog

# So many records are named in a question; of the rest it says how many there are.
LISTED = 8
# The columns of a list that tell records apart, beside their names.
_TELLING = frozenset({"status", "agent"})


def cancel_question(session: Session, row: RunRow) -> Question:
    """Return the question before a cancel: what will be stopped, what stays, what it costs."""
    glyph, word, _ = formatting.state(row.state)
    took = formatting.seconds(duration_seconds(row, session.clock.now()))
    cost = None if row.cost is None else f"{formatting.money(row.cost, row.cost_source)} so far"
    repo = row.repo or (row.repo_id and formatting.short_id(row.repo_id))
    model, run_id = formatting.model(row.model), formatting.short_id(row.run_id or row.key)
    about = [
        f"{glyph} {_joined(repo, row.branch, word)}",
        f"  {_joined(row.who or row.kind, model, took, cost, run_id)}",
    ]
    used, limit, price = session.budget.used(), session.budget.limit, "2 requests"
    if session.budget.blocked_until is not None:
        price += "; the service limits requests now and may refuse it"
    elif used >= limit - 10:
        price += f"; the budget is at {used}/{limit}: it is sent all the same, and the service may refuse it"
    return Question(
        title="Cancel this run?",
        lines=about,
        consequences=[*filter(None, [CANCEL.warning(row)]), f"{price}."],
        keep="Keep running",
        go=_yes(CANCEL),
    )


def _joined(*parts: str | None) -> str:
    """Return what is known, side by side."""
    return "   ".join(part for part in parts if part and part != formatting.DASH)


def _named(row: RunRow) -> tuple[str, str]:
    """Return the two things that tell a run from others: where it works, else who does, else its id."""
    who, short = row.who or row.kind, formatting.short_id(row.run_id or row.key)
    model = formatting.model(row.model) if row.model else None
    first = row.repo or who or short
    return first, row.branch or " ".join(told for told in (who, model) if told and told != first) or short


def cancel_many_question(session: Session, rows: Sequence[RunRow], over: int) -> Question:
    """Return the question before several cancels: what will be stopped, what stays, what it costs.

    `over` is how many of the marked rows cannot be cancelled and are left out.
    """
    about = []
    for row in rows[:LISTED]:
        glyph, _, _ = formatting.state(row.state)
        first, second = _named(row)
        repo = cut_middle(visible(first), 18)
        branch = cut_middle(visible(second), 22)
        took = formatting.seconds(duration_seconds(row, session.clock.now()))
        cost = formatting.money(row.cost, row.cost_source)
        about.append(f"{glyph} {repo:<18}  {branch:<22}  {took:>6}  {cost:>8}")
    if len(rows) > LISTED:
        about.append(f"  and {len(rows) - LISTED} more")
    means = [*filter(None, [CANCEL.warning(rows[0])])] if len(rows) == 1 else _warnings(CANCEL, ())
    if over:
        means.append(
            f"{formatting.plural(over, 'marked run')} cannot be cancelled and {'is' if over == 1 else 'are'} left out."
        )
    used, limit, price = session.budget.used(), session.budget.limit, 2 * len(rows)
    cost = f"{price} of {limit} requests, a few seconds"
    if session.budget.blocked_until is not None:
        cost += "; the service limits requests now and may refuse some of them"
    elif used + price > limit:
        cost += f"; the budget is at {used}/{limit}, and the service may refuse some of them"
    return Question(
        title=f"Cancel {formatting.plural(len(rows), 'run')}?",
        lines=about,
        consequences=[*means, f"{cost}."],
        keep="Keep running",
        go=_yes(CANCEL) if len(rows) == 1 else f"{_yes(CANCEL)}s",
    )


def _title(kind: AnyKind, action: AnyAction, count: int, name: str = "") -> str:
    """Return what is done to how many records, or to the one with this name."""
    noun = kind.noun if count == 1 else formatting.plural(count, kind.noun)
    return messages.capitalized(action.phrase(f"{noun} {name}".rstrip()))


def _described(kind: AnyKind, entry: AnyEntry, moment: RenderTime) -> str:
    """Return a record's name with its state, since when it exists, and its id: names may be alike."""
    name, row = kind_rows.name_of(kind, entry), entry.row
    if row is None:
        return f"  {name}"
    shown = [each.cell(row, moment).text.strip() for each in kind.columns if each.name in _TELLING]
    # The list's own age may be that of what the record did last.
    made = None if kind.created_at is None else kind.created_at(row)
    age = None if made is None else f"{formatting.age(made, moment.now)} old"
    short = formatting.short_id(entry.key)
    return "  " + _joined(name, *shown, age, None if short in name else short)


def _warnings(action: AnyAction, entries: Sequence[AnyEntry]) -> list[str]:
    """Return what the action does besides to some of the records, and what it means."""
    found = []
    if isinstance(action, Action):
        rows = (entry.row for entry in entries if entry.row is not None)
        found = [warning for row in rows if (warning := action.warning(row)) is not None]
    return found if action.confirmation is None else [*found, *action.confirmation.consequences]


def _yes(action: AnyAction) -> str:
    confirmation = action.confirmation
    return (
        action.label.capitalize() if confirmation is None else confirmation.yes or action.label.capitalize()
    )


def action_question(
    kind: AnyKind, action: AnyAction, entries: Sequence[AnyEntry], moment: RenderTime
) -> Question:
    """Return the question before an action that cannot be undone: what it is about and what it means."""
    lines = [_described(kind, entry, moment) for entry in entries[:LISTED]]
    if len(entries) > len(lines):
        lines.append(f"  and {len(entries) - len(lines)} more")
    title = f"{_title(kind, action, len(entries))}?"
    return Question(title, lines, tuple(_warnings(action, entries)), "Keep as it is", _yes(action))


def _parameter_dialog(
    session: Session, kind: AnyKind, action: AnyAction, entries: Sequence[AnyEntry]
) -> Dialog[str] | Dialog[Values]:
    """Return the dialog for the only parameter of an action, or the form of several."""
    key, texts = "", {each.name: each.default for each in action.parameters}
    title = _title(kind, action, 1)
    if isinstance(action, Action):
        first = entries[0]
        key, texts = first.key, action.texts(first.row, {})
        title = _title(
            kind, action, len(entries), kind_rows.name_of(kind, first) if len(entries) == 1 else ""
        )
    parameters = asked_parameters(action)
    choices = {each.name: each.choices_of(session, key) for each in parameters}
    if len(parameters) > 1:
        from mogplex_tui.screens.modals.form import FormModal

        return FormModal(
            title,
            parameters,
            texts=texts,
            choices=choices,
            means=_warnings(action, entries),
            go=_yes(action),
            problem=partial(_problem, action, entries),
        )
    from mogplex_tui.screens.modals.parameter_prompt import AskModal

    (parameter,) = parameters
    return AskModal(
        title,
        messages.capitalized(parameter.help),
        value=texts.get(parameter.name, parameter.default),
        choices=choices[parameter.name],
        check=parameter.problem,
        means=_warnings(action, entries),
        go=_yes(action),
    )


def _problem(action: AnyAction, entries: Sequence[AnyEntry], values: Values) -> str | None:
    """Return what is wrong with values that are right one by one."""
    if not isinstance(action, Action):
        return action.problem(values)
    row = entries[0].row
    return action.problem(row, action.completed(row, values))


def asked_parameters(action: AnyAction) -> list[Parameter[object]]:
    """Return the parameters that the console asks for."""
    return [each for each in action.parameters if not each.only_in_command]


def action_dialog(
    session: Session,
    kind: AnyKind,
    action: AnyAction,
    entries: Sequence[AnyEntry],
    moment: RenderTime,
    protected_name: str = "",
) -> Dialog[str] | Dialog[Values] | Dialog[bool] | None:
    """Return what is asked before an action: its values, or whether it is meant; None when nothing is asked.

    `protected_name` is that of a protected context, which must be typed before a dangerous action.
    """
    if asked_parameters(action):
        return _parameter_dialog(session, kind, action, entries)
    if action.confirmation is None or not action.confirmation.consequences:
        return None
    return ConfirmModal(action_question(kind, action, entries, moment), protected_name)
