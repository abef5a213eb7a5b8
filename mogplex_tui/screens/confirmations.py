"""Builds the dialogs shown before an action: a confirmation, a prompt or a form."""

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

# Records named in a confirmation; the others are counted.
LISTED = 8
# The columns, besides the name, that help to tell records apart.
_IDENTIFYING = frozenset({"status", "agent"})


def cancel_question(session: Session, row: RunRow) -> Question:
    """Return the confirmation dialog's texts for cancelling one run.

    They describe the run, the consequences, and the API requests that the cancel uses.
    """
    glyph, word, _ = formatting.state(row.state)
    duration = formatting.seconds(duration_seconds(row, session.clock.now()))
    cost = None if row.cost is None else f"{formatting.money(row.cost, row.cost_source)} so far"
    repo = row.repo or (row.repo_id and formatting.short_id(row.repo_id))
    model, run_id = formatting.model(row.model), formatting.short_id(row.run_id or row.key)
    lines = [
        f"{glyph} {_side_by_side(repo, row.branch, word)}",
        f"  {_side_by_side(row.who or row.kind, model, duration, cost, run_id)}",
    ]
    used_requests, limit, requests = session.budget.used(), session.budget.limit, "Uses 2 API requests"
    if session.budget.blocked_until is not None:
        requests += "; the service is rate limiting and may refuse the cancel"
    elif used_requests >= limit - 10:
        requests += f"; {used_requests} of {limit} are used, so the service may refuse the cancel"
    return Question(
        title="Cancel this run?",
        lines=lines,
        consequences=[*filter(None, [CANCEL.warning(row)]), f"{requests}."],
        cancel_label="Back",
        confirm_label=_confirm_label(CANCEL),
    )


def _side_by_side(*parts: str | None) -> str:
    """Join the parts that are known into one line, with spaces between them.

    Parts that are None, empty or a dash are left out.
    """
    return "   ".join(part for part in parts if part and part != formatting.DASH)


def _identifying_texts(row: RunRow) -> tuple[str, str]:
    """Return the two texts that identify a run best.

    The first is the repository, or the agent if the repository is unknown. The second is the
    branch, or the agent and the model if the branch is unknown. The short id replaces a text for
    which neither is known.
    """
    agent, short = row.who or row.kind, formatting.short_id(row.run_id or row.key)
    model = formatting.model(row.model) if row.model else None
    first = row.repo or agent or short
    return first, row.branch or " ".join(part for part in (agent, model) if part and part != first) or short


def cancel_many_question(session: Session, rows: Sequence[RunRow], excluded: int) -> Question:
    """Return the confirmation dialog's texts for cancelling several runs.

    They list the runs, the consequences, and the API requests that the cancels use. `excluded` is
    the number of marked runs that cannot be cancelled.
    """
    lines = []
    for row in rows[:LISTED]:
        glyph, _, _ = formatting.state(row.state)
        first, second = _identifying_texts(row)
        repo = cut_middle(visible(first), 18)
        branch = cut_middle(visible(second), 22)
        duration = formatting.seconds(duration_seconds(row, session.clock.now()))
        cost = formatting.money(row.cost, row.cost_source)
        lines.append(f"{glyph} {repo:<18}  {branch:<22}  {duration:>6}  {cost:>8}")
    if len(rows) > LISTED:
        lines.append(f"  and {len(rows) - LISTED} more")
    consequences = [*filter(None, [CANCEL.warning(rows[0])])] if len(rows) == 1 else _warnings(CANCEL, ())
    if excluded:
        consequences.append(f"Excludes {formatting.plural(excluded, 'marked run')} that cannot be cancelled.")
    used_requests, limit, requests = session.budget.used(), session.budget.limit, 2 * len(rows)
    cost = f"Uses {requests} API requests"
    if session.budget.blocked_until is not None:
        cost += "; the service is rate limiting and may refuse some of them"
    elif used_requests + requests > limit:
        cost += f"; {used_requests} of {limit} are used, so the service may refuse some of them"
    return Question(
        title=f"Cancel {formatting.plural(len(rows), 'run')}?",
        lines=lines,
        consequences=[*consequences, f"{cost}."],
        cancel_label="Back",
        confirm_label=_confirm_label(CANCEL) if len(rows) == 1 else f"{_confirm_label(CANCEL)}s",
    )


def _title(kind: AnyKind, action: AnyAction, count: int, name: str = "") -> str:
    """Return a dialog's title: an action and the records that it would change.

    The records are named by their number and kind. For one record, `name` may be its name.
    """
    noun = kind.noun if count == 1 else formatting.plural(count, kind.noun)
    # A quoted name is a sentence, such as a question that was asked, and needs no noun.
    subject = name if name.startswith("“") else f"{noun} {name}".rstrip()
    return messages.capitalized(action.phrase(subject))


def _description(kind: AnyKind, entry: AnyEntry, moment: RenderTime) -> str:
    """Return a line with a record's name, state, age and id.

    The name alone is not enough, because several records may have the same name.
    """
    name, row = kind_rows.name_of(kind, entry), entry.row
    if row is None:
        return f"  {name}"
    shown = [each.cell(row, moment).text.strip() for each in kind.columns if each.name in _IDENTIFYING]
    # The list's age column may show the time of the last activity instead of the creation.
    created_at = None if kind.created_at is None else kind.created_at(row)
    age = None if created_at is None else f"{formatting.age(created_at, moment.now)} old"
    short = formatting.short_id(entry.key)
    return "  " + _side_by_side(name, *shown, age, None if short in name else short)


def _warnings(action: AnyAction, entries: Sequence[AnyEntry]) -> list[str]:
    """Return an action's warnings about some records, then its general consequences."""
    warnings = []
    if isinstance(action, Action):
        rows = (entry.row for entry in entries if entry.row is not None)
        warnings = list(
            dict.fromkeys(warning for row in rows if (warning := action.warning(row)) is not None)
        )
    return warnings if action.confirmation is None else [*warnings, *action.confirmation.consequences]


def _confirm_label(action: AnyAction) -> str:
    confirmation = action.confirmation
    return (
        action.label.capitalize() if confirmation is None else confirmation.yes or action.label.capitalize()
    )


def action_question(
    kind: AnyKind, action: AnyAction, entries: Sequence[AnyEntry], moment: RenderTime
) -> Question:
    """Return the confirmation dialog's texts for an action on records.

    They list the records and the consequences.
    """
    lines = [_description(kind, entry, moment) for entry in entries[:LISTED]]
    if len(entries) > len(lines):
        lines.append(f"  and {len(entries) - len(lines)} more")
    title = f"{_title(kind, action, len(entries))}?"
    confirm_label = _confirm_label(action)
    # "Cancel" beside "Cancel job" would be ambiguous.
    cancel_label = "Back" if confirm_label.startswith("Cancel") else "Cancel"
    return Question(title, lines, tuple(_warnings(action, entries)), cancel_label, confirm_label)


def _previews(action: AnyAction, entries: Sequence[AnyEntry], moment: RenderTime) -> list[tuple[str, str]]:
    """Return what an action's dialog shows about each record, as heading and text."""
    preview = action.preview if isinstance(action, Action) else None
    rows = [entry.row for entry in entries if entry.row is not None]
    texts = [] if preview is None else [preview(row, moment) for row in rows]
    if len(texts) < 2:
        return texts
    return [(f"{number}. {heading}", text) for number, (heading, text) in enumerate(texts, 1)]


def _parameter_dialog(
    session: Session, kind: AnyKind, action: AnyAction, entries: Sequence[AnyEntry], moment: RenderTime
) -> Dialog[str] | Dialog[Values]:
    """Return the dialog that asks for an action's parameters.

    It is a prompt for an action with one parameter, a form for one with several.
    """
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
            consequences=_warnings(action, entries),
            confirm_label=_confirm_label(action),
            problem=partial(_combined_problem, action, entries),
        )
    from mogplex_tui.screens.modals.parameter_prompt import AskModal

    (parameter,) = parameters
    return AskModal(
        title,
        messages.capitalized(parameter.help),
        value=texts.get(parameter.name, parameter.default),
        choices=choices[parameter.name],
        check=parameter.problem,
        texts=_previews(action, entries, moment),
        consequences=_warnings(action, entries),
        confirm_label=_confirm_label(action),
    )


def _combined_problem(action: AnyAction, entries: Sequence[AnyEntry], values: Values) -> str | None:
    """Return why a combination of parameter values is not allowed, or None if it is.

    Each value is already valid by itself.
    """
    if not isinstance(action, Action):
        return action.problem(values)
    row = entries[0].row
    return action.problem(row, action.completed(row, values))


def asked_parameters(action: AnyAction) -> list[Parameter[object]]:
    """Return the action's parameters that the console's dialogs ask for.

    Parameters that exist only on the command line are left out.
    """
    return [each for each in action.parameters if not each.only_in_command]


def action_dialog(
    session: Session,
    kind: AnyKind,
    action: AnyAction,
    entries: Sequence[AnyEntry],
    moment: RenderTime,
    protected_name: str = "",
) -> Dialog[str] | Dialog[Values] | Dialog[bool] | None:
    """Return the dialog to show before an action, or None if the action needs none.

    `protected_name` is the name of a protected context, which must be typed before a dangerous
    action.
    """
    if asked_parameters(action):
        return _parameter_dialog(session, kind, action, entries, moment)
    if action.confirmation is None or not action.confirmation.consequences:
        return None
    return ConfirmModal(action_question(kind, action, entries, moment), protected_name)
