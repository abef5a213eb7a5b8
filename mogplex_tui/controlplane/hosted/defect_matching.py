"""Find the defects in defects.py that apply to a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from starlette.types import Scope

from ..http.authentication import Caller
from ..http.params import NotJsonError, is_uuid, leading_int, parsed
from . import defects
from .defects import FailingRequests, UnvalidatedBody


class CompiledDefect(NamedTuple):
    """A defect with its methods as a set and its path as a regular expression."""

    methods: frozenset[str]
    path: re.Pattern[str]
    broken: FailingRequests


def _path(template: str) -> re.Pattern[str]:
    escaped = re.escape(template).replace(r"\{\*\}", "[^/]+")
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", escaped))


def _compile(listed: Iterable[FailingRequests]) -> tuple[CompiledDefect, ...]:
    return tuple(CompiledDefect(frozenset(b.methods.split(",")), _path(b.path), b) for b in listed)


def _compile_routes(listed: Iterable[tuple[str, str]]) -> tuple[CompiledDefect, ...]:
    return _compile(FailingRequests(methods, path, "") for methods, path in listed)


BAD_IDS = _compile(defects.BAD_IDS)
BROKEN = _compile(defects.BROKEN)
REFUSED = _compile(defects.REFUSED_WRITES)
QUERIES = _compile(defects.REFUSED_QUERIES)
EXPORTS = _compile(defects.EXPORTS)
UNGUARDED = (*_compile_routes(defects.UNGUARDED), *_compile(defects.PARSER_TEXTS))
JSON_ONLY = _compile(defects.JSON_ONLY)
PAGED = _compile(FailingRequests("GET", path, "", when) for path, when in defects.PAGED_IN_MEMORY)
ASSIGNED = _compile_routes((whole.methods, whole.path) for whole in defects.MASS_ASSIGNED)
ABSENT = _compile_routes(defects.ABSENT)
EMPTY = _compile_routes((whole.methods, whole.path) for whole in defects.EMPTY_UPDATES)
BODY_IDS = _compile(broken for broken, _, _ in defects.BODY_IDS)
# Defects that depend on the body.
_BY_BODY = (*UNGUARDED, *JSON_ONLY, *REFUSED, *ASSIGNED, *ABSENT, *EMPTY, *BODY_IDS)


class DefectCheck:
    """One request and its body, with methods that find the defects it triggers."""

    def __init__(self, scope: Scope) -> None:
        self.method = "GET" if scope["method"] == "HEAD" else scope["method"]
        self.path: str = scope["path"]
        self.query: dict[str, str] = {}
        for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
            self.query.setdefault(name, value)
        self.caller: Caller | None = None
        self.body: Any = None
        self.bad_body = False
        self.refuses = False
        self.refused: list[None] = []

    def matches(self, compiled: Iterable[CompiledDefect]) -> list[FailingRequests]:
        """Return the defects whose method, path and query conditions match the request."""
        return [
            broken
            for broken in self.may_match(compiled)
            if all(self.query_matches(name, wanted) for name, wanted in broken.when)
        ]

    def may_match(self, compiled: Iterable[CompiledDefect]) -> list[FailingRequests]:
        """Return the defects whose method and path match the request."""
        return [k.broken for k in compiled if self.method in k.methods and k.path.fullmatch(self.path)]

    @property
    def body_decides(self) -> bool:
        """Whether the defects of this route depend on the request body.

        If so, `read_body` must be called before the handler runs.
        """
        return bool(self.may_match(_BY_BODY))

    def read_body(self, body: bytes) -> None:
        """Parse the request body and decide whether the hosted service refuses it.

        Sets `body`, `bad_body` and `refuses`.
        """
        is_json = True
        try:
            self.body = parsed(body)
        except NotJsonError:
            is_json = False
        null_is_bad = bool(self.matches(UNGUARDED))
        self.bad_body = (not is_json and bool(self.matches(JSON_ONLY))) or (self.body is None and null_is_bad)
        self.refuses = self.bad_body or self.refused_write() is not None

    @property
    def keys(self) -> dict[str, Any]:
        """The JSON object in the body; {} if the body is not an object."""
        return self.body if isinstance(self.body, dict) else {}

    def refused_write(self) -> FailingRequests | None:
        """Return the defect for keys in the body that the database refuses, or None."""
        refused = [b for b in self.may_match(REFUSED) if all(name in self.keys for name, _ in b.when)]
        if refused:
            return refused[0]
        for whole in self._assigned():
            unknown = sorted(self.keys.keys() - set(whole.keys.split()))
            if unknown:
                return self._row_refused(f'column "{unknown[0]}" of relation "{whole.table}" does not exist')
        return None

    def unfit_row(self) -> FailingRequests | None:
        """Return the database error for a body with missing or invalid values, or None.

        The plane's own validation answers such a body with 400.
        """
        for whole in filter(lambda whole: whole.needed, self._assigned()):
            absent = [name for name in whole.needed.split() if self.keys.get(name) is None]
            where = f'relation "{whole.table}"'
            if absent:
                return self._row_refused(
                    f'null value in column "{absent[0]}" of {where} violates not-null constraint'
                )
            return self._row_refused(f"new row for {where} violates check constraint")
        return None

    def no_row(self) -> FailingRequests:
        """Return the database error for an update whose row does not exist."""
        row_id = self.keys.get("id")
        if isinstance(row_id, str) and not is_uuid(row_id.strip()):
            return self._row_refused(defects.CAST.replace("{id}", row_id.strip()))
        return self._row_refused(defects.NO_ROW)

    def changes_nothing(self) -> bool:
        """Return whether the body of an update contains no column of the table."""
        return not any(self.keys.keys() & set(whole.keys.split()) for whole in defects.EMPTY_UPDATES)

    def body_id(self) -> tuple[FailingRequests, str] | None:
        """Return the defect that an invalid UUID in the body triggers, or None.

        The second item is the plane's own error text for the invalid id.
        """
        for broken, key, refusal in defects.BODY_IDS:
            value = self.keys.get(key)
            if broken in self.may_match(BODY_IDS) and isinstance(value, str) and not is_uuid(value.strip()):
                return broken, refusal
        return None

    def _assigned(self) -> list[UnvalidatedBody]:
        return [
            whole
            for whole in defects.MASS_ASSIGNED
            if self.method in whole.methods.split(",") and self.path == whole.path
        ]

    def _row_refused(self, text: str) -> FailingRequests:
        return FailingRequests(self.method, self.path, text)

    def bad_id(self) -> tuple[FailingRequests, str] | None:
        """Return the defect that an invalid UUID in the path triggers, and the invalid id.

        Returns None if the path contains no invalid id.
        """
        if self.path in defects.NOT_IDS:
            return None
        for defect in BAD_IDS:
            match = defect.path.fullmatch(self.path) if self.method in defect.methods else None
            if match is not None:
                bad = next((unquote(text) for text in match.groups() if not is_uuid(text)), None)
                if bad is not None:
                    return defect.broken, bad
        return None

    def query_matches(self, name: str, condition: str) -> bool:
        """Return whether the query parameter `name` meets a condition.

        FailingRequests describes the conditions; a leading `!` negates one.
        """
        if condition.startswith("!"):
            rest = condition[1:]
            return not self.query_matches(name, rest if rest == "given" else f"={rest}")
        value = self.query.get(name, "")
        if condition.startswith("="):
            return value == condition[1:]
        tests: dict[str, Callable[[str], bool]] = {
            "given": bool,
            "no_number": lambda text: text != "" and leading_int(text) is None,
            "no_uuid": lambda text: text != "" and not is_uuid(text.strip()),
        }
        return tests[condition](value)
