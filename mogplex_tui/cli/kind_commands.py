"""The commands of a typed kind: `list`, `get`, and one for each of its actions, all made from its declaration."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError
from mogplex_tui.api.rules import is_uuid
from mogplex_tui.cli.asking import agreed, must_be_able_to_ask
from mogplex_tui.cli.common import Stop, code_of, say
from mogplex_tui.cli.exits import Exit
from mogplex_tui.cli.families import machine, shaping
from mogplex_tui.cli.headless import patiently, service_arguments
from mogplex_tui.cli.headless import run as run_headless
from mogplex_tui.cli.output import Column as Shown
from mogplex_tui.cli.output import Revealed
from mogplex_tui.live import redact
from mogplex_tui.live.collection import Item
from mogplex_tui.live.names import read_hidden, read_names
from mogplex_tui.live.sources import CLOSED
from mogplex_tui.operate import verbs, words
from mogplex_tui.operate.filters import compile_filter, parse
from mogplex_tui.operate.kinds.base import collection_of
from mogplex_tui.operate.kinds.registry import kinds, typed_kind
from mogplex_tui.operate.kinds.typed import facts_of, for_screens
from mogplex_tui.operate.model import Action, Creation, Kind, Moment, Parameter, Row, Values

if TYPE_CHECKING:
    from mogplex_tui.cli.headless import Setting

# The beginning of an id or a name must be at least this long to name a record.
_SHORTEST_PREFIX = 4


class KindCommand(Generic[Row]):
    """One kind as a command: its arguments, and what each of its verbs does."""

    def __init__(self, kind: Kind[Row]) -> None:
        self._kind = kind

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add `list`, `get` and the actions with their options."""
        kind, many = self._kind, words.many(self._kind.noun)
        service_arguments(parser, forms=True)
        found = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs", required=True)
        listing = _verb(found, "list", f"the {many} that this credential can see")
        listing.add_argument("--limit", type=machine.count, metavar="N", help=f"at most N {many}")
        names = [column.name for column in kind.columns]
        listing.add_argument(
            "--sort", choices=names, metavar="COLUMN", help=f"sort by one of {', '.join(names)}"
        )
        listing.add_argument("--reverse", action="store_true", help="sort the other way round")
        listing.add_argument(
            "filter",
            nargs="*",
            metavar="FILTER",
            help="words that must occur, as in the console: word, field:word, !word, age:<2h",
        )
        _add_record(_verb(found, "get", f"one {kind.noun} with all that is known of it"), kind.noun, "record")
        for creation in kind.creations:
            sub = _verb(found, creation.id, creation.help.rstrip("."))
            for parameter in creation.parameters:
                _add_parameter(sub, parameter)
            sub.add_argument("--yes", "-y", action="store_true", help="do not ask in a protected context")
            if creation.reveals:
                sub.add_argument(
                    "--reveal", action="store_true", help="print the secret, which is told this once"
                )
        for action in kind.actions:
            sub = _verb(found, action.id, action.help.rstrip("."))
            _add_record(sub, kind.noun, "records", nargs="+" if action.many else 1)
            if action.confirmation is not None:
                sub.add_argument("--yes", "-y", action="store_true", help="do not ask")

    def run(self, args: argparse.Namespace) -> int:
        """Run the verb and return the exit code."""

        async def main(setting: Setting) -> int:
            call = _Call(self._kind, setting)
            if args.verb == "list":
                return await call.list_rows(args)
            if args.verb == "get":
                return await call.show(args.record)
            creation = next((each for each in self._kind.creations if each.id == args.verb), None)
            if creation is not None:
                return await call.create(creation, args)
            action = next(each for each in self._kind.actions if each.id == args.verb)
            return await call.act(action, args.records, ask=not getattr(args, "yes", True))

        return run_headless(args, main)


def command_of(name: str) -> KindCommand[Any]:
    """Return the command of a kind. Raises KeyError for a name that is none."""
    return KindCommand(typed_kind(name))


def _add_record(
    parser: argparse.ArgumentParser, noun: str, name: str, nargs: str | int | None = None
) -> None:
    parser.add_argument(
        name,
        nargs=nargs,
        metavar=noun.upper().replace(" ", "_"),
        help="its id, its name or the beginning of either",
    )


def _add_parameter(parser: argparse.ArgumentParser, parameter: Parameter[object]) -> None:
    name = parameter.name.replace("_", "-")
    if parameter.positional:
        parser.add_argument(parameter.name, metavar=name.upper(), help=parameter.help)
        return
    parser.add_argument(
        f"--{name}",
        dest=parameter.name,
        default=parameter.default,
        choices=parameter.choices or None,
        metavar=None if parameter.choices else name.upper(),
        help=f"{parameter.help} (default: {parameter.default})" if parameter.default else parameter.help,
    )


def _verb(
    found: argparse._SubParsersAction[argparse.ArgumentParser], name: str, line: str
) -> argparse.ArgumentParser:
    parser = found.add_parser(
        name, help=line[:1].lower() + line[1:], description=f"{line[:1].upper()}{line[1:]}."
    )
    service_arguments(parser, outermost=False, forms=True)
    return parser


class _Call(Generic[Row]):
    """One run of a command against a service."""

    def __init__(self, kind: Kind[Row], setting: Setting) -> None:
        self._kind, self._setting = kind, setting
        self._session, self._output = setting.session, setting.output
        self._screens = for_screens(kind)
        self._collection = collection_of(self._session, self._screens)

    async def list_rows(self, args: argparse.Namespace) -> int:
        """Print the rows that match the filter."""
        kind, now = self._kind, self._session.clock.now()
        fields = self._screens.fields_at(now)
        self._check_fields(" ".join(args.filter))
        matches = compile_filter(" ".join(args.filter), fields, self._screens.spans)
        await self._read(Priority.TABLE)
        items = self._sorted(args.sort, args.reverse)
        rows = [item for item in items if item.record is not None]
        kept = rows if matches is None else [item for item in rows if matches(item)]
        shown = kept[: args.limit]
        unreadable = [item for item in items if item.record is None]
        self._print_rows(shown, unreadable)
        if not shown:
            many = words.many(kind.noun)
            say(f"No matching {many}." if matches is not None else f"There are no {many}.")
        elif len(kept) > len(shown):
            say(f"Listed: {len(shown):,} of {len(kept):,}; --limit N lists more.")
        total = self._collection.set.total
        if total is not None and total > len(items):
            say(f"Only the newest {len(items):,} of {total:,} were read.")
        self._say_notice()
        return Exit.OK

    async def show(self, asked: str) -> int:
        """Print one record."""
        await self._read(Priority.ACTION)
        item = await self._read_single(self._find(asked))
        output, moment = self._output, Moment(self._session.clock.now())
        if output.form == "json":
            output.object(self._kind.noun, _json_of(item), redacted=True)
        elif output.form == "csv":
            self._print_csv([item])
        else:
            facts = [("id", item.key)]
            for group in facts_of(self._kind, item.record, moment):
                facts += [(label, text) for label, text, _ in group if text != words.DASH]
            output.table([Shown(""), Shown("")], facts, titles=False, whole=True)
        self._say_notice()
        return Exit.OK

    async def act(self, action: Action[Row], asked: Sequence[str], *, ask: bool) -> int:
        """Carry out an action on records, asking first where it asks."""
        kind, shown = self._kind, self._output.shown
        verb = next(each for each in self._screens.verbs if each.id == action.id)
        self._setting.must_write(f"The {action.name}")
        if ask:
            must_be_able_to_ask(action.name)
        await self._read(Priority.ACTION)
        items = list(dict.fromkeys(map(self._find, asked)))
        for item in items:
            if (closed := self._screens.closed_to(verb, self._session)) is not None:
                raise Stop(Exit.NOT_ALLOWED, closed)
            if (reason := verb.why_not(item)) is not None:
                raise Stop(Exit.FAILED, f"{self._screens.name_of(item)}: {reason}")
        names = ", ".join(map(self._screens.name_of, items))
        if ask and action.confirmation is not None:
            question = f"{action.name.capitalize()} {kind.noun} {names}?"
            warnings = [warning for item in items if (warning := verb.warn(item)) is not None]
            if not agreed(self._setting, " ".join([question, *warnings, *action.confirmation.consequences])):
                raise Stop(Exit.FAILED, f"Nothing was done to {shown(names)}.")
        code: int = Exit.OK
        for item in items:
            outcome = await verbs.carry_out(self._session, self._collection, self._screens, verb, item)
            say(shown(outcome.sentence))
            if not outcome.good:
                code = code or (Exit.NOT_ALLOWED if outcome.error is None else code_of(outcome.error))
            elif self._output.form == "json":
                self._output.object(kind.noun, {"id": item.key, "action": action.id})
            else:
                self._output.line(item.key)
        return code

    async def create(self, creation: Creation, args: argparse.Namespace) -> int:
        """Make a record, and print its secret where there is one."""
        kind, output = self._kind, self._output
        self._setting.must_write(f"The {creation.id}")
        values = Values({each.name: getattr(args, each.name) for each in creation.parameters})
        for name, sentence in values.problems(creation.parameters).items():
            raise Stop(Exit.USAGE, f"{name}: {sentence}")
        if creation.reveals and not args.reveal:
            raise Stop(
                Exit.USAGE,
                f"What {creation.id} makes can be read this once only. Nothing was sent: give --reveal.",
            )
        if self._setting.settings.protected.value and not args.yes:
            must_be_able_to_ask(creation.id)
            name = creation.name(values)
            if not agreed(self._setting, f"{creation.id.capitalize()} {kind.noun} {name}?"):
                raise Stop(Exit.FAILED, "Nothing was made.")
        verb = next(each for each in self._screens.verbs if each.id == creation.id)
        item = verbs.named(verb, values)
        outcome = await verbs.carry_out(self._session, self._collection, self._screens, verb, item, values)
        say(output.shown(outcome.sentence))
        if not outcome.good:
            return Exit.NOT_ALLOWED if outcome.error is None else code_of(outcome.error)
        secret = None if outcome.secret is None else Revealed(outcome.secret.reveal())
        if output.form == "json":
            output.object(
                kind.noun, {"action": creation.id, "name": item.key, "secret": secret}, redacted=True
            )
        else:
            output.line(item.key if secret is None else secret)
        return Exit.OK

    async def _read(self, priority: Priority) -> None:
        """Read the list. Raises Stop where no source is open to the credential, else the error tree."""
        await self._read_related(priority)
        try:
            await patiently(lambda: self._collection.fetch(priority))
            if self._session.names.unsearched():
                await read_hidden(self._session, priority)
        except CLOSED as error:
            reason = self._collection.closed(self._kind.needs)
            raise Stop(code_of(error), reason or str(error)) from None

    async def _read_related(self, priority: Priority) -> None:
        """Read what the rows are joined with; without it they show ids."""
        join = self._kind.join
        if join is None:
            return
        if join.names:
            await read_names(self._session, priority)
        for name in join.related:
            with suppress(MogplexError):
                await collection_of(self._session, kinds()[name]).fetch(priority)

    async def _read_single(self, item: Item) -> Item:
        """Return a record as it is when read by itself, where that says more than the list."""
        read = self._screens.one
        if read is None:
            return item
        client = self._session.client.at(Priority.ACTION)
        self._collection.put(await patiently(lambda: read(client, item)))
        return self._collection.set.rows[item.key]

    def _check_fields(self, text: str) -> None:
        columns = {name for column in self._screens.fields for name in column.names}
        known = sorted(columns | self._screens.search.keys())
        for term in parse(text):
            if term.field is not None and not any(name.startswith(term.field) for name in known):
                raise Stop(Exit.USAGE, f"No field is called {term.field!r}. There are: {', '.join(known)}.")

    def _sorted(self, column: str | None, reverse: bool) -> list[Item]:
        order = self._screens.order_at(column, lambda _: self._session.clock.now())
        descending = self._kind.descending if column is None else False
        rows = self._collection.set.rows.values()
        # Rows that are equal are ordered by their keys, as in the console.
        return sorted(rows, key=lambda item: (order(item), item.key), reverse=descending != reverse)

    def _find(self, asked: str) -> Item:
        """Return the record that an id, a name or the beginning of either means. Raises Stop."""
        wanted, items = asked.strip().lower(), list(self._collection.set.rows.values())
        noun, shown = self._kind.noun, self._output.shown
        if not wanted:
            # A script's empty variable must not mean the record that has no name.
            raise Stop(Exit.USAGE, f"Which {noun}? Its name is empty.")

        def name_of(item: Item) -> str:
            return self._screens.name_of(item).lower()

        found = [item for item in items if item.key.lower() == wanted]
        found = found or [item for item in items if name_of(item) == wanted]
        if not found and len(wanted) >= _SHORTEST_PREFIX:
            found = [
                item
                for item in items
                if item.key.lower().startswith(wanted) or name_of(item).startswith(wanted)
            ]
        if not found:
            raise Stop(Exit.FAILED, f"There is no {noun} {shown(asked)!r} that this credential can see.")
        if len(found) > 1:
            which = ", ".join(shown(item.key) for item in found[:8])
            raise Stop(Exit.USAGE, f"{shown(asked)!r} means several; give one of the ids: {which}.")
        if found[0].record is None:
            raise Stop(Exit.FAILED, f"The {noun} {shown(asked)!r} could not be read: {found[0].why}.")
        return found[0]

    def _print_rows(self, rows: Sequence[Item], unreadable: Sequence[Item]) -> None:
        output, moment = self._output, Moment(self._session.clock.now())
        if output.form == "json":
            for item in rows:
                output.object(self._kind.noun, _json_of(item), redacted=True)
            for item in unreadable:
                output.object(self._kind.noun, {"unreadable": item.why, "raw": redact.payload(item.raw)})
            return
        if output.form == "csv":
            self._print_csv(rows)
        elif rows:
            whole = output.form == "wide"
            columns = self._kind.columns
            head = [
                Shown("ID"),
                *(Shown(each.title, each.format.align == "right", each.layout.priority) for each in columns),
            ]
            cells = [
                [
                    item.key if whole or not is_uuid(item.key) else words.short_id(item.key),
                    *(
                        shaping.raw_cell(each.value(item.record)) or words.DASH
                        if whole
                        else each.cell(item.record, moment).text
                        for each in columns
                    ),
                ]
                for item in rows
            ]
            output.table(head, cells, whole=whole)
        if unreadable:
            say(
                output.shown(
                    f"{words.plural(len(unreadable), 'row')} could not be read: {unreadable[0].why}."
                )
            )

    def _print_csv(self, rows: Iterable[Item]) -> None:
        columns = self._kind.columns
        self._output.csv(["id", *(each.field for each in columns)])
        for item in rows:
            self._output.csv([item.key, *(shaping.raw_cell(each.value(item.record)) for each in columns)])

    def _say_notice(self) -> None:
        if notice := self._collection.set.notice:
            say(self._output.shown(notice))


def _json_of(item: Item) -> dict[str, object]:
    """Return the service's JSON of a record without secrets."""
    clean = redact.payload(item.raw)
    return clean if isinstance(clean, dict) else {"id": item.key, "value": clean}
