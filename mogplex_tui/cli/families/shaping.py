"""Records as JSON fields, table cells and CSV cells: secrets masked, server text harmless, unknown marked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mogplex_tui.api.rules import is_uuid
from mogplex_tui.cli.output import Revealed, json_text
from mogplex_tui.config.secret import Secret
from mogplex_tui.live import redact
from mogplex_tui.operate import words

if TYPE_CHECKING:
    from mogplex_tui.cli.families.base import Column
    from mogplex_tui.live.session import Session

MASK = "[hidden]"


class Veil:
    """Takes secrets out of records, all but those that were named; `hidden` and `shown` are the names it met."""

    def __init__(self, reveal: Collection[str] = ()) -> None:
        self._reveal = frozenset(reveal)
        self.hidden: set[str] = set()
        self.shown: set[str] = set()

    def plain(self, value: Any, name: str = "") -> Any:
        """Return a value as JSON knows it, times and amounts as they are; free objects lose what looks secret."""
        if isinstance(value, Secret):
            return self._secret(value, name)
        if isinstance(value, str):
            return redact.text(str(value))
        if hasattr(type(value), "model_fields"):
            # What a record inherits would stand before its own id.
            names = sorted(type(value).model_fields, key=lambda each: each != "id")
            return {key: self.plain(getattr(value, key), key) for key in names}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {
                each.name: self.plain(getattr(value, each.name), each.name)
                for each in dataclasses.fields(value)
            }
        if isinstance(value, Mapping):
            if any(isinstance(item, Secret) for item in value.values()):
                return {str(key): self.plain(item, str(key)) for key, item in value.items()}
            return redact.payload(dict(value))
        if isinstance(value, list | tuple):
            found = [self.plain(item, name) for item in value]
            return found + [unreadable(bad) for bad in getattr(value, "bad", ())]
        return value

    def record(self, record: Any, columns: Collection[Column]) -> Any:
        """Return a record's own fields, and what its columns show under the same names whichever road it came on."""
        fields = self.plain(record)
        for column in columns if isinstance(fields, dict) else ():
            name = column.path.partition("|")[0]
            if "." not in name and name not in fields:
                fields[name] = self.plain(value_at(record, column.path), name)
        return fields

    def _secret(self, value: Secret, name: str) -> str:
        if name in self._reveal:
            self.shown.add(name)
            return Revealed(value.reveal())
        self.hidden.add(name)
        return MASK if value else ""

    @property
    def missed(self) -> list[str]:
        """The names that were to be revealed and hide nothing."""
        return sorted(self._reveal - self.shown)


def unreadable(bad: Any) -> dict[str, Any]:
    """Return the JSON fields of a row that did not parse: why, and what came, secrets removed."""
    return {"unreadable": bad.why, "raw": redact.payload(bad.raw)}


def value_at(record: Any, path: str) -> Any:
    """Return what a path leads to, the first alternative that is there; None when it leads nowhere."""
    for way in path.split("|"):
        found = record
        for step in way.split("."):
            found = found.get(step) if isinstance(found, Mapping) else getattr(found, step, None)
            if found is None:
                break
        if found is not None:
            return found
    return None


def cell(record: Any, column: Column, session: Session, *, whole: bool = False) -> str:
    """Return a table cell: ages instead of times and short ids unless the `whole` of them is wanted."""
    value = value_at(record, column.path)
    if value is None or value == "" or value == []:
        return words.DASH
    if column.show is not None:
        return column.show(value, session) or words.DASH
    if isinstance(value, datetime) and not whole:
        return words.age(value, session.clock.now())
    if isinstance(value, str) and not whole and is_uuid(value):
        return words.short_id(value)
    return raw_cell(value)


def raw_cell(value: Any) -> str:
    """Return a value as a CSV cell: UTC times, plain decimals, `yes` and `no`, nothing for what is unknown."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return words.utc(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, list | tuple):
        return ", ".join(map(raw_cell, value))
    if isinstance(value, Mapping):
        return json_text(value, default=raw_cell)
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return value if isinstance(value, Revealed) else str(value)


def searchable(record: Any, columns: Collection[Column], session: Session) -> dict[str, Any]:
    """Return what filter words look at: the values by the last step of their path, and the age in seconds."""
    found: dict[str, Any] = {}
    for column in columns:
        value = value_at(record, column.path)
        name = column.path.partition("|")[0].rpartition(".")[2].replace("_", "")
        if isinstance(value, Decimal):
            # An amount is compared, as `cost:>1` does, and not looked for as a text.
            found[name] = found[column.title.lower()] = float(value)
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        found[name] = value if is_number else raw_cell(value)
        if column.show is not None and value is not None:
            found[column.title.lower()] = column.show(value, session)
    created = value_at(record, "created_at")
    if isinstance(created, datetime):
        found["age"] = (session.clock.now() - created).total_seconds()
    return found


def repo_name(repo_id: Any, session: Session) -> str:
    """Return the name of a repository where it is known, else the beginning of its id."""
    return session.names.repo(str(repo_id)) or words.short_id(str(repo_id))


def agent_name(agent_id: Any, session: Session) -> str:
    """Return the name of an agent where it is known, else the beginning of its id."""
    return session.names.agent(str(agent_id)) or words.short_id(str(agent_id))
