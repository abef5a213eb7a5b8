"""The commands of a kind: `list`, `get`, and one for each of its actions, all made from its declaration."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

from mogplex_tui.api.access import Family, Reach
from mogplex_tui.api.budget import Priority
from mogplex_tui.api.errors import MogplexError, NotFound
from mogplex_tui.api.retry import decide
from mogplex_tui.api.rules import is_uuid
from mogplex_tui.cli import kind_output
from mogplex_tui.cli.asking import agreed, must_be_able_to_ask
from mogplex_tui.cli.common import Stop, code_of, say
from mogplex_tui.cli.exits import Exit
from mogplex_tui.cli.headless import patiently, pause, service_arguments
from mogplex_tui.cli.headless import run as run_headless
from mogplex_tui.cli.kind_arguments import (
    add_hidden_verb,
    add_parameter,
    add_past_options,
    add_record,
    add_reveal,
    add_verb,
    chosen_value,
    gets_all,
    json_of,
    more_verbs,
    must_reveal,
    past_filters,
    row_count,
    texts_of,
    unresolved,
)
from mogplex_tui.cli.kind_filters import add_filters, filter_words
from mogplex_tui.cli.output import MASK, Revealed
from mogplex_tui.cli.output import Column as Shown
from mogplex_tui.cli.progress import progress
from mogplex_tui.live.collection import Entry
from mogplex_tui.live.freshness import CLOSED
from mogplex_tui.live.names import read_hidden, read_names
from mogplex_tui.live.runs import Runs
from mogplex_tui.operate import executor, kind_rows, messages, words
from mogplex_tui.operate.filters import compile_filter, parse
from mogplex_tui.operate.kind_rows import collection_of, name_of
from mogplex_tui.operate.kinds.registry import kind_called, kinds
from mogplex_tui.operate.list_search import CollectionRows, ListSearch, Question
from mogplex_tui.operate.model import Action, Creation, HiddenRows, Kind, Moment, Parameter, Row, Values
from mogplex_tui.operate.record_page import facts_of

if TYPE_CHECKING:
    from mogplex_tui.cli.headless import Setting
    from mogplex_tui.live.reasons import Subject
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.executor import Outcome

# The beginning of an id or a name must be at least this long to name a record.
_SHORTEST_PREFIX = 4
# Seconds before a part of a list that could not be read is read once more.
_PART_RETRY = 1.0


class KindCommand(Generic[Row]):
    """One kind as a command: its arguments, and what each of its verbs does."""

    def __init__(self, kind: Kind[Row]) -> None:
        self._kind = kind
        self._more = more_verbs(kind.name)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add `list`, `get` and the actions with their options."""
        kind, many = self._kind, words.many(self._kind.noun)
        service_arguments(parser, forms=True)
        found = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs", required=True)
        listing = add_verb(found, "list", f"the {many} that this credential can see")
        listing.add_argument("--limit", type=row_count, metavar="N", help=f"at most N {many}")
        names = [column.name for column in kind.columns]
        listing.add_argument(
            "--sort", choices=names, metavar="COLUMN", help=f"sort by one of {', '.join(names)}"
        )
        listing.add_argument("--reverse", action="store_true", help="sort the other way round")
        add_past_options(listing, kind.name)
        if kind.hidden is not None:
            listing.add_argument(f"--{kind.hidden.option}", action="store_true", help=kind.hidden.help)
        add_filters(listing, kind)
        listing.add_argument(
            "filter",
            nargs="*",
            metavar="FILTER",
            help="words that must occur, as in the console: word, field:word, !word, age:<2h",
        )
        one = add_verb(found, "get", f"one {kind.noun} with all that is known of it")
        add_record(one, kind.noun, "record", nargs="?" if gets_all(kind.name) else None)
        if kind.secrets is not None:
            one.add_argument(
                "--reveal",
                action="append",
                default=[],
                metavar="NAME",
                help="show the secret of this name instead of a mask; may be repeated",
            )
        for creation in kind.creations:
            sub = add_verb(found, creation.id, creation.help)
            for parameter in creation.parameters:
                add_parameter(sub, parameter, None)
            sub.add_argument("--yes", "-y", action="store_true", help="do not ask in a protected context")
            if creation.reveals:
                add_reveal(sub)
        for action in kind.actions:
            for sub in (
                add_verb(found, action.id, action.help),
                *(add_hidden_verb(found, name, action.help) for name in action.aliases),
            ):
                self._add_action(sub, action)
        if self._more is not None:
            self._more.add_verbs(partial(add_verb, found))

    def _add_action(self, parser: argparse.ArgumentParser, action: Action[Row]) -> None:
        several = action.is_bulk and not any(each.positional for each in action.parameters)
        add_record(parser, self._kind.noun, "records", nargs="+" if several else 1)
        for parameter in action.parameters:
            add_parameter(parser, parameter, action)
        if action.confirmation is not None:
            parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
        if action.sends_idempotency_key:
            parser.add_argument(
                "--idempotency-key",
                default="",
                metavar="KEY",
                help="the same key starts nothing a second time",
            )
        if action.reveals:
            add_reveal(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Run the verb and return the exit code."""
        creation = next((each for each in self._kind.creations if each.id == args.verb), None)
        action = next((each for each in self._kind.actions if args.verb in (each.id, *each.aliases)), None)
        chosen = creation or action
        try:
            # From stdin before there is an event loop, which would not let go of it.
            texts = {} if chosen is None else texts_of(chosen.parameters, args)
            if creation is not None and (problem := creation.problem(Values(texts))) is not None:
                raise Stop(Exit.USAGE, problem)
            if action is not None and action.has_initial and not texts:
                options = ", ".join(f"--{each.name.replace('_', '-')}" for each in action.parameters)
                raise Stop(Exit.USAGE, f"Nothing to {action.id}: give at least one of {options}.")
        except Stop as stop:
            say(str(stop))
            return stop.code

        async def main(setting: Setting) -> int:
            call = _Call(self._kind, setting)
            if creation is not None:
                return await call.create(creation, texts, args)
            if action is not None:
                return await call.act(action, texts, args)
            is_generated = args.verb == "list" or (args.verb == "get" and args.record is not None)
            if not is_generated and self._more is not None:
                return await self._more.run_verb(args, setting)
            return await (call.list_rows(args) if args.verb == "list" else call.show(args))

        return run_headless(args, main)


def command_of(name: str) -> KindCommand[Any]:
    """Return the command of a kind. Raises KeyError for a name that is none."""
    return KindCommand(kind_called(name))


async def record_of(kind: Kind[Row], setting: Setting, asked: str) -> Entry[Row]:
    """Return the record of a kind that an id or a name means. Raises Stop and the error tree."""
    return await _Call(kind, setting).record_of(asked)


class _Call(Generic[Row]):
    """One run of a command against a service."""

    def __init__(self, kind: Kind[Row], setting: Setting) -> None:
        self._kind, self._setting = kind, setting
        self._session, self._output = setting.session, setting.output
        self._collection = collection_of(self._session, kind)
        self._search: ListSearch[Entry[Row]] | None = None
        self._names_are_read = False

    async def list_rows(self, args: argparse.Namespace) -> int:
        """Print the rows that match the filter."""
        kind, now = self._kind, self._session.clock.now()
        fields = kind_rows.FilterFields(kind, now)
        text = " ".join([*args.filter, *past_filters(kind.name, args), *filter_words(kind, args, now)])
        self._check_fields(text)
        matches = compile_filter(text, fields.values_of, kind_rows.span_names(kind))
        is_bare = self._output.form == "json" and not text and args.sort is None
        await self._read(Priority.TABLE, with_runs=not is_bare)
        failed = await self._search_older(text, matches, args)
        if kind.hidden is not None and getattr(args, kind.hidden.option.replace("-", "_")):
            await self._read_hidden(kind.hidden, Priority.TABLE)
        entries = self._sorted(args.sort, args.reverse)
        rows = [entry for entry in entries if entry.row is not None]
        kept = rows if matches is None else [entry for entry in rows if matches(entry)]
        shown = kept[: args.limit]
        unreadable = [entry for entry in entries if entry.row is None]
        kind_output.print_rows(kind, self._output, Moment(now), shown, unreadable)
        if not shown:
            many = words.many(kind.noun)
            say(f"No matching {many}." if matches is not None else f"There are no {many}.")
        self._say_searched(len(shown), len(kept), is_filtered=matches is not None)
        self._say_notice()
        code = self._say_missing()
        return code if failed is None else code_of(failed)

    async def _search_older(
        self, text: str, matches: Callable[[Entry[Row]], bool] | None, args: argparse.Namespace
    ) -> MogplexError | None:
        """Look through older records for what a filter, an order or a limit asks for; return why that failed."""
        older, rows = self._kind.older, self._collection.set
        is_whole = rows.total is None or rows.total <= len(rows.rows)
        if older is None or is_whole or not (text or args.sort or args.limit):
            return None
        now = self._session.clock.now
        order = None if args.sort is None else kind_rows.order(self._kind, args.sort, lambda _: now())
        # The command's own order turns the column's, as the console does for an order that begins at the small end.
        question = Question(text, matches, order, is_descending=args.reverse)
        search = ListSearch(
            self._session, self._kind.name, older, CollectionRows(self._collection, older), question
        )
        self._search = search

        def has_enough() -> bool:
            if args.sort is not None or args.limit is None:
                return False
            kept = (entry for entry in rows.rows.values() if entry.row is not None)
            enough: int = args.limit
            return sum(matches is None or matches(entry) for entry in kept) >= enough

        try:
            async with progress(lambda: f"Searching: {search.progress()}"):
                while not (search.is_done or has_enough()):
                    await patiently(lambda: search.step(Priority.TABLE))
        except MogplexError as error:
            say(f"The search ended early. {error}")
            return error
        return None

    def _say_searched(self, shown: int, kept: int, *, is_filtered: bool) -> None:
        """Say how many records are not listed, and how many were not looked at."""
        read, total = len(self._collection.set.rows), self._collection.set.total
        is_whole = total is None or total <= read or (self._search is not None and self._search.is_whole)
        if not is_filtered and total is not None:
            kept = max(kept, total)
        if kept > shown > 0:
            some = "at least " if is_filtered and not is_whole else ""
            say(f"Listed: {shown:,} of {some}{kept:,}; --limit N lists more.")
        elif not is_whole:
            searched = f"{read:,} of {total:,} searched" if self._search is None else self._search.progress()
            say(f"{searched[:1].upper()}{searched[1:]}.")

    async def record_of(self, asked: str) -> Entry[Row]:
        """Return the record that an id or a name means. Raises Stop and the error tree."""
        await self._read(Priority.ACTION, with_runs=False)
        return await self._find(asked)

    async def show(self, args: argparse.Namespace) -> int:
        """Print one record."""
        await self._read(Priority.ACTION, with_runs=self._output.form != "json")
        entry = await self._read_single(await self._find(args.record))
        output, moment = self._output, Moment(self._session.clock.now())
        secrets = self._secrets(entry, getattr(args, "reveal", []))
        if output.form == "json":
            fields = json_of(entry)
            if self._kind.secrets is not None and secrets:
                fields[self._kind.secrets.field] = secrets
            output.object(self._kind.noun, fields, redacted=True)
        elif output.form == "csv":
            kind_output.print_csv(self._kind, output, [entry])
        else:
            facts = [("id", entry.key)]
            for group in facts_of(self._kind.facts, entry.row, moment):
                facts += [(label, text) for label, text, _ in group if text != words.DASH]
            facts += secrets.items()
            output.table([Shown(""), Shown("")], facts, titles=False, whole=True)
        self._say_notice()
        return Exit.OK

    def _secrets(self, entry: Entry[Row], revealed: Sequence[str]) -> dict[str, str]:
        """Return the secrets of a record by name, each as a mask unless it was asked for."""
        if self._kind.secrets is None or entry.row is None:
            return {}
        found = self._kind.secrets.of(entry.row)
        for name in revealed:
            if name not in found:
                known = f" There are: {', '.join(sorted(found))}." if found else ""
                say(self._output.shown(f"Nothing is hidden under the name {name}.{known}"))
        return {
            name: Revealed(secret.reveal()) if name in revealed else MASK for name, secret in found.items()
        }

    async def act(self, action: Action[Row], texts: Mapping[str, str], args: argparse.Namespace) -> int:
        """Carry out an action on records, asking first where it asks."""
        kind, shown = self._kind, self._output.shown
        ask = not getattr(args, "yes", True)
        self._setting.must_write(f"The {action.label}")
        if action.reveals:
            must_reveal(action.id, args)
        await self._setting.must_have_scope(f"The {action.label}")
        asked_first = action.confirmation
        if asked_first is not None and not asked_first.is_asked_in_command:
            ask = ask and bool(self._setting.settings.protected.value)
        if ask:
            must_be_able_to_ask(action.label)
        await self._read(Priority.ACTION, with_runs=False)
        if (closed := kind_rows.closed_to(kind, action, self._session)) is not None:
            raise Stop(_code_of_closed(self._session, action.families), closed)
        entries = list(dict.fromkeys([await self._find(each) for each in args.records]))
        for entry in entries:
            await self._read_choices(unresolved(action.parameters, texts, self._session, entry.key))
        for entry in entries:
            if (reason := kind_rows.why_not(action, entry, self._session)) is not None:
                raise Stop(Exit.FAILED, f"{name_of(kind, entry)}: {reason}")
        rows = {entry.key: entry.row for entry in entries if entry.row is not None}
        values = [self._values(action.parameters, action.texts(row, texts), key) for key, row in rows.items()]
        for entry, row, given in zip(entries, rows.values(), values, strict=True):
            if (problem := action.problem(row, given)) is not None:
                raise Stop(Exit.USAGE, f"{name_of(kind, entry)}: {problem}")
        names = ", ".join(name_of(kind, entry) for entry in entries)
        if ask and asked_first is not None:
            question = f"{messages.capitalized(action.phrase(f'{kind.noun} {names}'))}?"
            warnings = [warning for row in rows.values() if (warning := action.warning(row)) is not None]
            if not agreed(self._setting, " ".join([question, *warnings, *asked_first.consequences])):
                raise Stop(Exit.FAILED, f"Nothing was done to {shown(names)}.")
        code: int = Exit.OK
        for entry, given in zip(entries, values, strict=True):
            outcome = await executor.carry_out(
                self._session,
                self._collection,
                kind,
                action,
                entry,
                given,
                idempotency_key=getattr(args, "idempotency_key", ""),
                how_to_repeat="The same command with --idempotency-key {key} is safe.",
            )
            say(shown(outcome.sentence))
            code = code or _code_of(outcome)
            if outcome.error is None and not outcome.closed:
                self._print_outcome(action.id, entry.key, outcome)
        return code

    def _values(self, parameters: Sequence[Parameter[object]], texts: Mapping[str, str], key: str) -> Values:
        """Return the values of parameters for a record. Raises Stop for a text that is none."""
        found = dict(texts)
        for parameter in parameters:
            if parameter.live_choices is not None:
                text = found.get(parameter.name, parameter.default)
                found[parameter.name] = chosen_value(
                    parameter, parameter.choices_of(self._session, key), text
                )
        values = Values(found)
        for name, sentence in values.problems(parameters).items():
            raise Stop(Exit.USAGE, f"{name}: {sentence}")
        return values

    def _print_outcome(self, verb: str, key: str, outcome: Outcome) -> None:
        """Print what a script needs of a change: its secret, the id of the record that was made, or the record's id."""
        secret = None if outcome.secret is None else Revealed(outcome.secret.reveal())
        if self._output.form != "json":
            if printed := secret or (key if outcome.new_id == "" else outcome.new_id):
                self._output.line(printed)
            return
        found: dict[str, object] = {**outcome.fields, "id": key, "action": verb}
        if outcome.new_id:
            found["created_id"] = outcome.new_id
        if secret is not None:
            found["secret"] = secret
        self._output.object(self._kind.noun, found, redacted=True)

    async def create(self, creation: Creation, texts: Mapping[str, str], args: argparse.Namespace) -> int:
        """Make a record, and print its secret where there is one."""
        kind, output = self._kind, self._output
        self._setting.must_write(f"The {creation.id}")
        if creation.reveals:
            must_reveal(creation.id, args)
        await self._setting.must_have_scope(f"The {creation.id}")
        await self._read_choices([each for each in creation.parameters if each.live_choices is not None])
        values = self._values(creation.parameters, texts, "")
        if self._setting.settings.protected.value and not args.yes:
            must_be_able_to_ask(creation.id)
            name = creation.name(values)
            name = f"{kind.noun} {name}" if creation.makes_record else name
            if not agreed(self._setting, f"{creation.id.capitalize()} {name}?"):
                raise Stop(Exit.FAILED, "Nothing was made.")
        entry = executor.new_entry(creation, values)
        outcome = await executor.carry_out(self._session, self._collection, kind, creation, entry, values)
        say(output.shown(outcome.sentence))
        if not outcome.good:
            return _code_of(outcome)
        secret = None if outcome.secret is None else Revealed(outcome.secret.reveal())
        if output.form == "json":
            output.object(
                kind.noun,
                {
                    "id": outcome.new_id or None,
                    "action": creation.id,
                    "name": entry.key,
                    **({} if secret is None else {"secret": secret}),
                },
                redacted=True,
            )
        else:
            output.line(outcome.new_id or entry.key if secret is None else secret)
        return Exit.OK

    async def _read(self, priority: Priority, *, with_runs: bool = True) -> None:
        """Read the list. Raises Stop where no source is open to the credential, else the error tree.

        Without `with_runs` the columns that tell of runs stay empty.
        """
        try:
            await patiently(lambda: self._collection.fetch(priority))
            if self._failing() and decide(self._failing()[0][1], 1, method="GET") is not None:
                await pause(_PART_RETRY)
                await self._collection.fetch(priority)
        except CLOSED as error:
            reason = " ".join(messages.closed_lines(self._collection.closed(), self._kind.needs))
            raise Stop(code_of(error), reason or str(error)) from None
        if self._collection.set.rows:
            await self._read_related(priority, with_runs=with_runs)
            self._collection.update_joins()
        if self._session.names.unsearched():
            await read_hidden(self._session, priority)

    async def _read_choices(self, parameters: Sequence[Parameter[object]]) -> None:
        """Read what the live choices of parameters are made from and was not read yet."""
        if not parameters:
            return
        if any(each.choices_are_names for each in parameters) and not self._names_are_read:
            await self._read_names(Priority.ACTION)
        join = self._kind.join
        for name, related in {} if join is None else join.related.items():
            # A list that neither a column nor a sentence depends on offers choices.
            if (
                related.columns
                or related.subject is not None
                or self._session.store.set(name).freshness.as_of is not None
            ):
                continue
            with suppress(MogplexError):
                await collection_of(self._session, kinds()[name]).fetch(Priority.ACTION)

    async def _read_names(self, priority: Priority) -> None:
        await read_names(self._session, priority)
        self._names_are_read = True

    async def _read_related(self, priority: Priority, *, with_runs: bool = False) -> None:
        """Read what the rows are joined with; without it they show ids."""
        join = self._kind.join
        if join is not None and join.names:
            await self._read_names(priority)
        for name, related in {} if join is None else join.related.items():
            adds = (related.columns or related.subject is not None) and name not in self._collection.hides
            if not adds:
                continue
            with suppress(MogplexError):
                if name != "runs":
                    await collection_of(self._session, kinds()[name]).fetch(priority)
                elif with_runs and self._session.open(Family.OBSERVABILITY):
                    # Over v1 they would cost a request for each automation.
                    await Runs(self._session).fetch()

    async def _read_single(self, entry: Entry[Row]) -> Entry[Row]:
        """Return a record as it is when read by itself, where that says more than the list."""
        single = self._kind.single
        if single is None:
            return entry
        client = self._session.client.at(Priority.ACTION)
        try:
            self._collection.put(await patiently(lambda: kind_rows.read_single(single, client, entry)))
        except NotFound as error:
            raise Stop(Exit.FAILED, str(error)) from None
        return self._collection.set.rows[entry.key]

    def _check_fields(self, text: str) -> None:
        known = sorted(kind_rows.filter_field_names(self._kind))
        for term in parse(text):
            if term.field is not None and not any(name.startswith(term.field) for name in known):
                raise Stop(Exit.USAGE, f"No field is called {term.field!r}. There are: {', '.join(known)}.")

    def _sorted(self, column: str | None, reverse: bool) -> list[Entry[Row]]:
        order = kind_rows.order(self._kind, column, lambda _: self._session.clock.now())
        descending = self._kind.descending if column is None else False
        rows = self._collection.set.rows.values()
        # Rows that are equal are ordered by their keys, as in the console.
        return sorted(rows, key=lambda entry: (order(entry), entry.key), reverse=descending != reverse)

    async def find_id(self, asked: str) -> str:
        """Return the id of the record that a text means. Raises Stop and the error tree."""
        await patiently(lambda: self._collection.fetch(Priority.ACTION))
        return (await self._find(asked)).key

    async def _read_hidden(self, hidden: HiddenRows[Row], priority: Priority) -> None:
        """Read the rows that the list leaves out, where that is open to the credential."""
        if not self._session.open(hidden.family):
            return
        with suppress(*CLOSED):
            page = await patiently(lambda: hidden.read(self._session.client.at(priority)))
            for entry in page.entries:
                if entry.key not in self._collection.set.rows:
                    self._collection.put(entry)

    def _matching(self, wanted: str) -> list[Entry[Row]]:
        """Return the records that a text names: by the whole id, else the whole name, else the beginning of either."""
        entries = list(self._collection.set.rows.values())

        def lower_name(entry: Entry[Row]) -> str:
            return name_of(self._kind, entry).lower()

        def lower_names(entry: Entry[Row]) -> Sequence[str]:
            names = () if entry.row is None else self._kind.other_names(entry.row)
            return [lower_name(entry), *(name.lower() for name in names)]

        found = [entry for entry in entries if entry.key.lower() == wanted]
        found = found or [entry for entry in entries if wanted in lower_names(entry)]
        if found or len(wanted) < _SHORTEST_PREFIX:
            return found
        return [
            entry
            for entry in entries
            if entry.key.lower().startswith(wanted) or lower_name(entry).startswith(wanted)
        ]

    async def _find(self, asked: str) -> Entry[Row]:
        """Return the record that an id, a name or the beginning of either means. Raises Stop."""
        wanted = asked.strip().lower()
        noun, shown = self._kind.noun, self._output.shown
        if not wanted:
            # A script's empty variable must not mean the record that has no name.
            raise Stop(Exit.USAGE, f"Which {noun}? Its name is empty.")
        found = self._matching(wanted)
        if not found and self._kind.hidden is not None:
            await self._read_hidden(self._kind.hidden, Priority.ACTION)
            found = self._matching(wanted)
        if not found and is_uuid(wanted) and self._kind.single is not None:
            found = [await self._read_single(Entry(wanted, None))]
        if not found:
            raise Stop(Exit.FAILED, f"There is no {noun} {shown(asked)!r} that this credential can see.")
        if len(found) > 1:
            which = ", ".join(shown(entry.key) for entry in found[:8])
            raise Stop(Exit.USAGE, f"{shown(asked)!r} means several; give one of the ids: {which}.")
        if found[0].row is None:
            raise Stop(Exit.FAILED, messages.unreadable(f"The {noun} {shown(asked)!r}", found[0].why or ""))
        return found[0]

    def _failing(self) -> list[tuple[Subject, MogplexError]]:
        """Return what could not be read of a list that has several parts, with the errors."""
        failed = ((each.subject, each.freshness.error) for each in self._collection.set.sources.values())
        return [(subject, error) for subject, error in failed if isinstance(error, MogplexError)]

    def _say_missing(self) -> int:
        """Say which parts of the list are missing, and return the exit code for that."""
        failing = self._failing()
        for subject, error in failing:
            say(self._output.shown(messages.not_listed(subject, error)))
        return code_of(failing[0][1]) if failing else Exit.OK

    def _say_notice(self) -> None:
        if notice := messages.notices(self._collection.set.notices):
            say(self._output.shown(notice))


async def find_record(setting: Setting, kind: str, text: str) -> str:
    """Return the id of the record of a kind that a person means. Raises Stop and the error tree."""
    return await _Call(kind_called(kind), setting).find_id(text)


def _code_of_closed(session: Session, families: Sequence[Family]) -> Exit:
    """Return the exit code where no route of an action is open: whether signing in otherwise would open one."""
    reaches = {session.access.reach(family).reach for family in families}
    return Exit.NOT_SIGNED_IN if reaches & {Reach.NEEDS_SESSION, Reach.NOT_SIGNED_IN} else Exit.NOT_ALLOWED


def _code_of(outcome: Outcome) -> int:
    """Return the exit code for the end of a change."""
    if outcome.error is not None:
        return code_of(outcome.error)
    if outcome.closed:
        return Exit.NOT_ALLOWED
    return Exit.OK if outcome.good else Exit.FAILED
