"""Listing, showing and acting, for every family alike: roads, records by name, questions, the ledger, the answer."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import Absent, LoginRequired, MogplexError, NotSignedIn
from mogplex_tui.api.rules import is_uuid
from mogplex_tui.cli.asking import agreed, must_be_able_to_ask
from mogplex_tui.cli.common import Stop, say
from mogplex_tui.cli.exits import Exit
from mogplex_tui.cli.families import shaping
from mogplex_tui.cli.families.base import Column, Desk, Family, Printed, Road, Verb
from mogplex_tui.cli.headless import patiently
from mogplex_tui.cli.output import Column as Shown
from mogplex_tui.cli.progress import progress
from mogplex_tui.operate import answers, words
from mogplex_tui.operate.executor import end_of, new_key
from mogplex_tui.operate.filters import compile_filter

if TYPE_CHECKING:
    from mogplex_tui.cli.headless import Setting

# What the unversioned routes answer where the token API may still be open (auth.md §4).
_ELSEWHERE = (LoginRequired, NotSignedIn, Absent)
SHORTEST = 4


async def list_all(setting: Setting, family: Family, args: argparse.Namespace) -> int:
    """Print the rows that fit. Raises the error tree when no road is open."""
    desk = _desk(setting, args, Priority.TABLE)
    desk.limit = args.limit
    pattern = compile_filter(
        " ".join(args.filter),
        lambda row: shaping.searchable(row, family.columns, setting.session),
    )
    if pattern is not None:
        # What a filter leaves out makes room for rows behind it.
        desk.limit = None if family.limit is None else max(args.limit, family.limit * 20)
    rows = await walk(desk, family.roads)
    kept = rows if pattern is None else list(filter(pattern, rows))
    shown = kept if args.limit is None else kept[: args.limit]
    noun, output = family.noun, setting.output
    _print_rows(setting, noun, family.columns, shown, getattr(rows, "bad", ()))
    if not shown:
        say(f"No {noun} fits." if _narrowed(family, args) else f"There are no {words.many(noun)}.")
    total = max(desk.total or 0, len(kept))
    if pattern is not None and total > len(rows):
        say(f"Looked through the newest {len(rows):,} of {words.plural(total, noun)}.")
    if total > len(shown) and pattern is None:
        say(f"Listed: {len(shown):,} of {words.plural(total, noun)}; --limit N lists more.")
    elif len(kept) > len(shown):
        say(f"Listed: {len(shown):,} of {len(kept):,} that fit; --limit N lists more.")
    for note in desk.notes:
        say(output.shown(note))
    return desk.code


def _narrowed(family: Family, args: argparse.Namespace) -> bool:
    names = (each.flags[0].lstrip("-").replace("-", "_") for each in family.options)
    return bool(args.filter) or any(getattr(args, name, None) for name in names)


async def show_one(setting: Setting, family: Family, args: argparse.Namespace) -> int:
    """Print one record. Raises Stop for a name that fits nothing or several, and the error tree."""
    desk = _desk(setting, args, Priority.ACTION)
    record = await named(desk, family, args.record) if family.named else await walk(desk, family.one)
    # A family without names is one record: what its list shows of it are other rows.
    _print_record(setting, family.noun, family.columns if family.named else (), record, args.reveal)
    for note in desk.notes:
        say(setting.output.shown(note))
    return Exit.OK


async def act(setting: Setting, family: Family, verb: Verb, args: argparse.Namespace) -> int:
    """Do what a verb says, once, and print what came of it. Raises Stop and the error tree."""
    if verb.changes:
        setting.must_write(f"The {verb.name}")
        if verb.draft is not None:
            verb.draft(args)
        if not all(road.v1 for road in verb.roads):
            await setting.must_have_scope(f"The {verb.name}")
    if verb.question and not args.yes:
        must_be_able_to_ask(verb.name)
    desk = _desk(setting, args, Priority.ACTION)
    name = family.noun
    if verb.takes_one:
        desk.item = await named(desk, family, args.record)
        name = _label(family, desk)
    if verb.question and not args.yes and not agreed(setting, verb.question.format(name)):
        raise Stop(Exit.FAILED, f"Nothing was done to {setting.output.shown(name)}.")
    async with progress(setting.output.shown(verb.doing.format(name))):
        answer = await _entered(desk, family, verb)
    if verb.told is not None:
        is_success, sentence = verb.told(answer, desk)
        say(setting.output.shown(answers.about(sentence, name)))
        desk.code = desk.code if is_success else Exit.FAILED
    elif verb.done:
        say(setting.output.shown(verb.done.format(name)))
    _print_answer(setting, family, desk, verb, answer)
    for note in desk.notes:
        say(setting.output.shown(note))
    return desk.code


async def _entered(desk: Desk, family: Family, verb: Verb) -> Any:
    """Go the first open road, written into the ledger before it leaves and when it has ended."""
    if not verb.changes:
        return await walk(desk, verb.roads)
    ledger, key = desk.setting.session.ledger, None
    if verb.keyed:
        given = desk.args.idempotency_key
        desk.is_retry = given is not None and ledger.last_end(given) == "unknown"
        key = desk.args.idempotency_key = given or new_key()
    entry = ledger.open(verb.name, f"{family.noun} {desk.key}".strip(), key)
    try:
        answer = await walk(desk, verb.roads, again=False)
    except MogplexError as error:
        end = end_of(error, keyed=verb.keyed)
        ledger.close(entry, end, str(error))
        if verb.keyed and end == "unknown":
            say(
                "Whether it was started is not known."
                f" The same command with --idempotency-key {desk.setting.output.shown(str(key))} is safe."
            )
        raise
    except Stop as stop:
        ledger.close(entry, "refused", str(stop))
        raise
    except asyncio.CancelledError:
        ledger.close(entry, "unknown")
        raise
    ledger.close(entry, "done")
    return answer


async def walk(desk: Desk, roads: Sequence[Road], *, again: bool = True) -> Any:
    """Return what the first open road gives; `again` repeats a read that failed in passing. Raises the last refusal."""
    refusal: MogplexError | None = None
    for road in roads:
        if refusal is not None and road.v1 and desk.setting.session.target.token is None:
            break
        ask = partial(road.call, desk)
        try:
            found = await (patiently(ask) if again else ask())
        except _ELSEWHERE as error:
            refusal = error
            continue
        if refusal is not None and road.lacks:
            desk.notes.append(f"{refusal.what.rstrip('.')}. Over the token API: {road.lacks}")
        return found
    if refusal is None:
        raise Stop(Exit.FAILED, "There is no way to ask for this.")
    raise refusal


async def named(desk: Desk, family: Family, text: str) -> Any:
    """Return the record that an id, the beginning of one, or a name means, and put its id on the desk."""
    asked = text.strip()
    if not asked:
        # A script's empty variable must not mean the record that has no name.
        raise Stop(Exit.USAGE, f"Which {family.noun}? Its name is empty.")
    if family.one and is_uuid(asked):
        desk.key = asked.lower()
        return await walk(desk, family.one)
    rows = await walk(desk, family.roads)
    desk.total = None
    record = _chosen(desk, family, rows, asked)
    desk.key = str(shaping.value_at(record, family.key))
    if family.one and is_uuid(desk.key):
        return await walk(desk, family.one)
    return record


def _chosen(desk: Desk, family: Family, rows: Sequence[Any], asked: str) -> Any:
    low = asked.lower()
    keys = [(str(shaping.value_at(row, family.key)).lower(), row) for row in rows]
    found = [row for key, row in keys if key == low]
    found = found or [
        row
        for row in rows
        if low in (str(shaping.value_at(row, path) or "").lower() for path in family.names)
    ]
    if not found and len(low) >= SHORTEST:
        found = [row for key, row in keys if key.startswith(low)]
    shown = desk.setting.output.shown
    if not found:
        raise Stop(Exit.FAILED, f"There is no {family.noun} {shown(asked)!r} that this credential can see.")
    if len(found) > 1:
        which = ", ".join(shown(str(shaping.value_at(row, family.key))) for row in found[:8])
        raise Stop(Exit.USAGE, f"{shown(asked)!r} means several; give one of the ids: {which}.")
    return found[0]


def _label(family: Family, desk: Desk) -> str:
    name = next((str(found) for path in family.names if (found := shaping.value_at(desk.item, path))), None)
    return f"{family.noun} {name or words.short_id(desk.key)}"


def _desk(setting: Setting, args: argparse.Namespace, priority: Priority) -> Desk:
    return Desk(setting, args, setting.session.client.at(priority))


# What is printed -------------------------------------------------------------------------------------------------


def _print_rows(
    setting: Setting, noun: str, columns: Sequence[Column], rows: Sequence[Any], bad: Sequence[Any]
) -> None:
    output, session = setting.output, setting.session
    if output.form == "json":
        for row in rows:
            output.object(noun, shaping.Veil().record(row, columns), redacted=True)
        for each in bad:
            output.object(noun, shaping.unreadable(each))
        return
    if output.form == "csv":
        output.csv(column.path.partition("|")[0].replace(".", "_") for column in columns)
        for row in rows:
            output.csv(shaping.raw_cell(shaping.value_at(row, column.path)) for column in columns)
    elif rows:
        whole = output.form == "wide"
        kept = [column for column in columns if whole or not column.wide]
        cells = [[shaping.cell(row, column, session, whole=whole) for column in kept] for row in rows]
        output.table([Shown(each.title, each.right, each.priority) for each in kept], cells, whole=whole)
    if bad:
        say(output.shown(f"{words.plural(len(bad), 'row')} could not be read: {bad[0].why}."))


def _print_record(
    setting: Setting, noun: str, columns: Sequence[Column], record: Any, reveal: Sequence[str]
) -> None:
    veil, output = shaping.Veil(reveal), setting.output
    fields = veil.record(record, columns)
    if output.form == "json":
        output.object(noun, fields, redacted=True)
    else:
        facts = [(key, shaping.raw_cell(value)) for key, value in _flat(fields)]
        if output.form == "csv":
            output.csv(key for key, _ in facts)
            output.csv(value for _, value in facts)
        else:
            # Unknown values have no line. Ids and secrets must stay complete: values are not cut, the terminal may wrap.
            pairs = [(key, value) for key, value in facts if value]
            output.table([Shown(""), Shown("")], pairs, titles=False, whole=True)
    _say_of_secrets(veil)


def _say_of_secrets(veil: shaping.Veil) -> None:
    if veil.missed:
        also = (
            f" There are: {', '.join(sorted(veil.hidden | veil.shown))}." if veil.hidden | veil.shown else ""
        )
        say(f"Nothing is hidden under the name {', '.join(veil.missed)}.{also}")


def _flat(fields: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return the fields of a record one below the other, those of an object within under both names."""
    found: list[tuple[str, Any]] = []
    for key, value in fields.items() if isinstance(fields, dict) else [("value", fields)]:
        if isinstance(value, dict) and value and len(prefix) < 60:
            found += _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            found.append((prefix + key, words.plural(len(value), "entry") + " (--json shows them)"))
        else:
            found.append((prefix + key, value))
    return found


def _print_answer(setting: Setting, family: Family, desk: Desk, verb: Verb, answer: Any) -> None:
    """Print what an action came to: the record as it is now, or the id alone where nothing came back."""
    output, noun = setting.output, verb.noun or family.noun
    if isinstance(answer, list):
        bad = getattr(answer, "bad", ())
        _print_rows(setting, noun, verb.columns or family.columns, answer, bad)
        if not answer and not bad:
            say(f"There are no {words.many(noun)}.")
        return
    lines: Sequence[str] | None = None
    if isinstance(answer, Printed):
        lines, answer = answer.lines, answer.record
    # The key of the record is printed only for verbs that print an id: a verb may create a record of its own.
    key = str(shaping.value_at(answer, verb.prints) or (desk.key if verb.prints == "id" else "") or "")
    if output.form == "json":
        _print_object(setting, noun, key, desk, verb, answer)
    elif lines is not None:
        for line in lines:
            output.written(line)
    elif answer is not None and not (verb.changes and (key or verb.told)) and not verb.secret:
        _print_record(setting, noun, verb.columns, answer, desk.args.reveal)
    elif verb.secret:
        output.line(shaping.Veil(desk.args.reveal).plain(answer[verb.secret], verb.secret))
    else:
        status = shaping.value_at(answer, "outcome|status")
        output.line(*filter(None, (key, status if isinstance(status, str) else None)))


def _print_object(setting: Setting, noun: str, key: str, desk: Desk, verb: Verb, answer: Any) -> None:
    veil = shaping.Veil(desk.args.reveal)
    fields = {} if answer is None else veil.plain(answer)
    whole = fields if isinstance(fields, dict) else {"value": fields}
    setting.output.object(noun, {"id": key or None, "action": verb.name, **whole}, redacted=True)
    _say_of_secrets(veil)
