"""The command of a kind: the verbs `list` and `get`, and one verb per action.

It is generated from the kind's declaration.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

from mogplex_tui.api.budget import Priority
from mogplex_tui.api.route_access import Family, Reach
from mogplex_tui.cli import kind_output
from mogplex_tui.cli.command_context import CommandError, code_of, say
from mogplex_tui.cli.command_session import run as run_headless
from mogplex_tui.cli.command_session import service_arguments
from mogplex_tui.cli.confirm_prompt import is_confirmed, require_prompt
from mogplex_tui.cli.exit_codes import Exit
from mogplex_tui.cli.kind_arguments import (
    add_hidden_verb,
    add_parameter,
    add_record,
    add_reveal,
    add_verb,
    chosen_value,
    extra_verbs,
    gets_without_record,
    parameter_texts,
    require_reveal,
    unknown_choices,
)
from mogplex_tui.cli.kind_records import KindRecords, report_notices
from mogplex_tui.cli.list_command import ListCommand, add_list
from mogplex_tui.cli.output import Column as TextColumn
from mogplex_tui.live.collection import Entry
from mogplex_tui.operate import executor, formatting, kind_rows, messages
from mogplex_tui.operate.kind_rows import name_of
from mogplex_tui.operate.kinds.registry import load_kind
from mogplex_tui.operate.model import Action, Creation, Kind, Parameter, RenderTime, Row, Values
from mogplex_tui.operate.record_page import facts_of
from mogplex_tui.operate.serialization import MASK, RevealedSecret

if TYPE_CHECKING:
    from mogplex_tui.cli.command_session import CommandSession
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.executor import Outcome


class KindCommand(Generic[Row]):
    """The command of a kind: adds its arguments to the parser and runs its verbs."""

    def __init__(self, kind: Kind[Row]) -> None:
        self._kind = kind
        self._extra_verbs = extra_verbs(kind.name)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the verbs `list` and `get` and a verb for each action, with their options."""
        kind = self._kind
        service_arguments(parser, forms=True)
        verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", title="commands", required=True)
        add_list(verbs, kind)
        get = add_verb(verbs, "get", f"show one {kind.noun} in full")
        add_record(get, kind.noun, "record", nargs="?" if gets_without_record(kind.name) else None)
        if kind.secrets is not None:
            get.add_argument(
                "--reveal",
                action="append",
                default=[],
                metavar="NAME",
                help="show the secret with this name instead of a mask; may be repeated",
            )
        for creation in kind.creations:
            verb_parser = add_verb(verbs, creation.id, creation.help)
            for parameter in creation.parameters:
                add_parameter(verb_parser, parameter, None)
            verb_parser.add_argument(
                "--yes", "-y", action="store_true", help="skip the confirmation prompt of a protected context"
            )
            if creation.reveals:
                add_reveal(verb_parser)
        for action in kind.actions:
            for verb_parser in (
                add_verb(verbs, action.id, action.help),
                *(add_hidden_verb(verbs, name, action.help) for name in action.aliases),
            ):
                self._add_action(verb_parser, action)
        if self._extra_verbs is not None:
            self._extra_verbs.add_verbs(partial(add_verb, verbs))

    def _add_action(self, parser: argparse.ArgumentParser, action: Action[Row]) -> None:
        takes_several = action.is_bulk and not any(parameter.positional for parameter in action.parameters)
        add_record(parser, self._kind.noun, "records", nargs="+" if takes_several else 1)
        for parameter in action.parameters:
            add_parameter(parser, parameter, action)
        if action.confirmation is not None:
            parser.add_argument("--yes", "-y", action="store_true", help="skip the confirmation prompt")
        if action.sends_idempotency_key:
            parser.add_argument(
                "--idempotency-key",
                default="",
                metavar="KEY",
                help="key for safe retries: the same request with it starts nothing twice",
            )
        if action.reveals:
            add_reveal(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Run the verb that the arguments name and return the exit code."""
        creation = next((creation for creation in self._kind.creations if creation.id == args.verb), None)
        action = next(
            (action for action in self._kind.actions if args.verb in (action.id, *action.aliases)), None
        )
        chosen = creation or action
        try:
            # Stdin is read before the event loop starts, which could not interrupt the read.
            texts = {} if chosen is None else parameter_texts(chosen.parameters, args)
            if creation is not None and (problem := creation.problem(Values(texts))) is not None:
                raise CommandError(Exit.USAGE, problem)
            if action is not None and action.has_initial and not texts:
                options = ", ".join(
                    f"--{parameter.name.replace('_', '-')}" for parameter in action.parameters
                )
                raise CommandError(Exit.USAGE, f"Nothing to {action.id}: give at least one of {options}.")
        except CommandError as error:
            say(str(error))
            return error.code

        async def main(command: CommandSession) -> int:
            execution = _KindExecution(self._kind, command)
            if creation is not None:
                return await execution.create(creation, texts, args)
            if action is not None:
                return await execution.act(action, texts, args)
            is_generated = args.verb == "list" or (args.verb == "get" and args.record is not None)
            if not is_generated and self._extra_verbs is not None:
                return await self._extra_verbs.run_verb(args, command)
            return await (execution.list_records(args) if args.verb == "list" else execution.show(args))

        return run_headless(args, main)


def command_of(name: str) -> KindCommand[Any]:
    """Return the command of a kind. Raises KeyError for an unknown kind."""
    return KindCommand(load_kind(name))


class _KindExecution(Generic[Row]):
    """One execution of a kind's command: of `list`, `get` or an action."""

    def __init__(self, kind: Kind[Row], command: CommandSession) -> None:
        self._kind, self._command = kind, command
        self._session, self._output = command.session, command.output
        self._records = KindRecords(kind, command)

    async def list_records(self, args: argparse.Namespace) -> int:
        """Print the records that match the filter and return the exit code."""
        return await ListCommand(self._kind, self._command, self._records, args).run()

    async def show(self, args: argparse.Namespace) -> int:
        """Print one record and return the exit code."""
        await self._records.read(Priority.ACTION, with_runs=self._output.form != "json")
        entry = await self._records.read_single(await self._records.find(args.record))
        output, render_time = self._output, RenderTime(self._session.clock.now())
        secrets = self._secrets(entry, getattr(args, "reveal", []))
        if output.form == "json":
            field = None if self._kind.secrets is None or not secrets else self._kind.secrets.field
            kind_output.print_json(self._kind, output, entry, None if field is None else {field: secrets})
        elif output.form == "csv":
            kind_output.print_csv(self._kind, output, [entry])
        else:
            facts = [("id", entry.key)]
            for group in facts_of(self._kind.facts, entry.row, render_time):
                facts += [(label, text) for label, text, _ in group if text != formatting.DASH]
            facts += secrets.items()
            output.table([TextColumn(""), TextColumn("")], facts, titles=False, whole=True)
        report_notices(self._command, self._records.state)
        return Exit.OK

    def _secrets(self, entry: Entry[Row], revealed: Sequence[str]) -> dict[str, str]:
        """Return the secrets of a record by name.

        The secrets that are not named in `revealed` are masked.
        """
        if self._kind.secrets is None or entry.row is None:
            return {}
        secrets = self._kind.secrets.of(entry.row)
        for name in revealed:
            if name not in secrets:
                known = f" Available: {', '.join(sorted(secrets))}." if secrets else ""
                say(self._output.safe_text(f"There is no secret named {name}.{known}"))
        return {
            name: RevealedSecret(secret.reveal()) if name in revealed else MASK
            for name, secret in secrets.items()
        }

    async def act(self, action: Action[Row], texts: Mapping[str, str], args: argparse.Namespace) -> int:
        """Perform an action on the named records and return the exit code.

        Asks for confirmation first if the action needs it.
        """
        kind, safe_text = self._kind, self._output.safe_text
        ask = not getattr(args, "yes", True)
        self._command.require_write_access(f"The {action.label}")
        if action.reveals:
            require_reveal(action.id, args)
        await self._command.require_write_scope(f"The {action.label}")
        confirmation = action.confirmation
        if confirmation is not None and not confirmation.is_asked_in_command:
            ask = ask and bool(self._command.settings.protected.value)
        if ask:
            require_prompt(action.label)
        await self._records.read(Priority.ACTION, with_runs=False)
        if (closed := kind_rows.closed_reason(kind, action, self._session)) is not None:
            raise CommandError(_code_of_closed(self._session, action.families), closed)
        entries = list(dict.fromkeys([await self._records.find(name) for name in args.records]))
        for entry in entries:
            await self._records.read_choices(
                unknown_choices(action.parameters, texts, self._session, entry.key)
            )
        for entry in entries:
            if (reason := kind_rows.unavailable_reason(action, entry, self._session)) is not None:
                raise CommandError(Exit.FAILED, f"{name_of(kind, entry)}: {reason}")
        rows = {entry.key: entry.row for entry in entries if entry.row is not None}
        values = [self._values(action.parameters, action.texts(row, texts), key) for key, row in rows.items()]
        for entry, row, action_values in zip(entries, rows.values(), values, strict=True):
            if (problem := action.problem(row, action_values)) is not None:
                raise CommandError(Exit.USAGE, f"{name_of(kind, entry)}: {problem}")
        names = ", ".join(name_of(kind, entry) for entry in entries)
        if ask and confirmation is not None:
            question = f"{messages.capitalized(action.phrase(f'{kind.noun} {names}'))}?"
            warnings = [warning for row in rows.values() if (warning := action.warning(row)) is not None]
            if not is_confirmed(self._command, " ".join([question, *warnings, *confirmation.consequences])):
                raise CommandError(Exit.FAILED, f"Nothing was done to {safe_text(names)}.")
        code: int = Exit.OK
        for entry, action_values in zip(entries, values, strict=True):
            outcome = await executor.run_action(
                self._session,
                self._records.collection,
                kind,
                action,
                entry,
                action_values,
                idempotency_key=getattr(args, "idempotency_key", ""),
                how_to_repeat="The same command with --idempotency-key {key} is safe.",
            )
            say(safe_text(outcome.sentence))
            code = code or _code_of(outcome)
            if outcome.error is None and not outcome.closed:
                self._print_outcome(action.id, entry.key, outcome)
        return code

    def _values(self, parameters: Sequence[Parameter[object]], texts: Mapping[str, str], key: str) -> Values:
        """Return the values that an action on the record with `key` needs.

        Raises CommandError for a text that is not valid.
        """
        value_texts = dict(texts)
        for parameter in parameters:
            if parameter.live_choices is not None:
                text = value_texts.get(parameter.name, parameter.default)
                value_texts[parameter.name] = chosen_value(
                    parameter, parameter.choices_of(self._session, key), text
                )
        values = Values(value_texts)
        for name, sentence in values.problems(parameters).items():
            raise CommandError(Exit.USAGE, f"{name}: {sentence}")
        return values

    def _print_outcome(self, verb: str, key: str, outcome: Outcome) -> None:
        """Print the result of a change of the record with `key`.

        A line of text shows the secret that the service returned. If there is none, it shows the id of
        the new record, and if the change created no record, `key`.
        """
        secret = None if outcome.secret is None else RevealedSecret(outcome.secret.reveal())
        if self._output.form != "json":
            if text := secret or (key if outcome.new_id == "" else outcome.new_id):
                self._output.line(text)
            return
        fields: dict[str, object] = {**outcome.fields, "id": key, "action": verb}
        if outcome.new_id:
            fields["created_id"] = outcome.new_id
        if secret is not None:
            fields["secret"] = secret
        self._output.object(self._kind.noun, fields, redacted=True)

    async def create(self, creation: Creation, texts: Mapping[str, str], args: argparse.Namespace) -> int:
        """Create a record, print its id or its secret, and return the exit code."""
        kind, output = self._kind, self._output
        self._command.require_write_access(f"The {creation.id}")
        if creation.reveals:
            require_reveal(creation.id, args)
        await self._command.require_write_scope(f"The {creation.id}")
        await self._records.read_choices(
            [parameter for parameter in creation.parameters if parameter.live_choices is not None]
        )
        values = self._values(creation.parameters, texts, "")
        if self._command.settings.protected.value and not args.yes:
            require_prompt(creation.id)
            name = creation.name(values)
            name = f"{kind.noun} {name}" if creation.makes_record else name
            if not is_confirmed(self._command, f"{creation.id.capitalize()} {name}?"):
                raise CommandError(Exit.FAILED, "Nothing was created.")
        entry = executor.new_entry(creation, values)
        outcome = await executor.run_action(
            self._session, self._records.collection, kind, creation, entry, values
        )
        say(output.safe_text(outcome.sentence))
        if not outcome.is_success:
            return _code_of(outcome)
        secret = None if outcome.secret is None else RevealedSecret(outcome.secret.reveal())
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


def _code_of_closed(session: Session, families: Sequence[Family]) -> Exit:
    """Return the exit code for an action that the credential cannot perform.

    It is NOT_SIGNED_IN if another credential could perform the action, otherwise NOT_ALLOWED.
    """
    reaches = {session.access.reach(family).reach for family in families}
    return Exit.NOT_SIGNED_IN if reaches & {Reach.NEEDS_SESSION, Reach.NOT_SIGNED_IN} else Exit.NOT_ALLOWED


def _code_of(outcome: Outcome) -> int:
    """Return the exit code for the outcome of a change."""
    if outcome.error is not None:
        return code_of(outcome.error)
    if outcome.closed:
        return Exit.NOT_ALLOWED
    return Exit.OK if outcome.is_success else Exit.FAILED
