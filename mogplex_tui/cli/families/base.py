"""What a family of routes declares, so that the machine can list it, show one of it, and act on it."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.cli.headless import Setting
    from mogplex_tui.live.session import Session


@dataclass(frozen=True, slots=True)
class Printed:
    """An answer with a text form of its own: lines as a program wrote them, and the record behind them for JSON."""

    lines: Sequence[str]
    record: Any


@dataclass(slots=True)
class Desk:
    """What a call works with: the client, the command line, and the record that it names.

    `item` and `key` are the record and its id where the verb takes one; `limit` is how many rows are wanted (None: all);
    `notes` are sentences for stderr; `total` is how many rows the service has, where it says so; `code` is the exit code
    where what was asked for was done and still is no success; `is_retry` says that the last call with this idempotency
    key had no answer.
    """

    setting: Setting
    args: argparse.Namespace
    client: ClientView
    item: Any = None
    key: str = ""
    limit: int | None = None
    total: int | None = None
    notes: list[str] = field(default_factory=list)
    code: int = 0
    is_retry: bool = False


Call = Callable[[Desk], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Road:
    """One way to ask. `v1` is the token API; `lacks` says what this way cannot show, compared with the first one."""

    call: Call
    v1: bool = False
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, the path of its value (`a.b|c`), and whether it is shown with `--output wide` alone.

    `show` makes another text of the value for people; CSV and JSON carry the value itself.
    """

    title: str
    path: str
    wide: bool = False
    right: bool = False
    priority: int = 0
    show: Callable[[Any, Session], str] | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One argument of a verb, in the words of argparse."""

    flags: tuple[str, ...]
    settings: Mapping[str, Any]


def option(*flags: str, **settings: Any) -> Option:
    """Return an argument as `ArgumentParser.add_argument` takes it."""
    return Option(flags, settings)


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that an operator does, by the first road that is open.

    `takes_one` says that it names a record; `question` is asked before, `done` is said after (`{}` is the record);
    `doing` is shown while it takes long. A verb that does not change anything (`changes`) is not written to the ledger.
    `told` makes of the answer whether it is a success and the sentence, in the place of `done`; no success exits with 1.
    `keyed` sends an idempotency key, that of `--idempotency-key` or a new one.
    `secret` names the part of the answer that is shown this once, so that the verb is refused without `--reveal`.
    `draft` makes what is sent of the arguments alone; it raises InvalidInput before anything is asked.
    `check` raises Stop for what cannot be meant, before anything is asked. `prints` is the path of what stands on
    stdout afterwards; `columns` and `noun` are those of a list of other records, where that is the answer.
    """

    name: str
    help: str
    roads: tuple[Road, ...]
    options: tuple[Option, ...] = ()
    takes_one: bool = True
    question: str = ""
    done: str = ""
    told: Callable[[Any, Desk], tuple[bool, str]] | None = None
    keyed: bool = False
    doing: str = ""
    changes: bool = True
    secret: str = ""
    check: Callable[[argparse.Namespace], None] | None = None
    draft: Callable[[argparse.Namespace], Any] | None = None
    prints: str = "id"
    columns: tuple[Column, ...] = ()
    noun: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of record as a command.

    `roads` list it, from the richest to the narrowest; `one` reads a record by `Desk.key`, without it the list is
    looked through; `one_options` are more arguments of it. `names` are the paths under which a person may name a record
    besides its id. `limit` is how many rows are listed unless told otherwise (None: all).
    """

    name: str
    noun: str
    columns: tuple[Column, ...]
    roads: tuple[Road, ...]
    one: tuple[Road, ...] = ()
    one_options: tuple[Option, ...] = ()
    names: tuple[str, ...] = ("name",)
    key: str = "id"
    options: tuple[Option, ...] = ()
    verbs: tuple[Verb, ...] = ()
    limit: int | None = None
    listed: bool = True
    named: bool = True


def off(call: Call) -> Road:
    """Return the way over the unversioned routes."""
    return Road(call)


def v1(call: Call, lacks: str = "") -> Road:
    """Return the way over the token API."""
    return Road(call, v1=True, lacks=lacks)
