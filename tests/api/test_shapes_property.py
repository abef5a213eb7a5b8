"""Randomly damaged responses raise client errors or are read correctly."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel

from mogplex_tui.api import errors as e
from mogplex_tui.api.models.base import Page, Rows
from tests.contract.sample import route_of, sample, shape_names
from tests.facts.client_calls import call
from tests.facts.client_routes import Recorder, client_of, recorded

Path = tuple[str | int, ...]

# Methods that ignore the body of a successful response.
SILENT = {
    "approvals.answer_control",
    "mcp.ping",
    "models.set_enabled",
    "runs.has_write_scope",
    "settings.update",
}
# Methods that return plain values without a model: only their errors are checked.
PLAIN = {"models.provider_icons"}
# With every nullable field null nobody is signed in, so that there is no result to compare.
NO_RESULT = {"account.user"}
# Lists that the service gives in no order, so that the client makes one.
ORDERED_HERE = {"commands.list", "models.list", "rules.list"}

JUNK: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 10**40, float("inf"), float("nan"), "", " ", "never-heard-of", "NaN"),
    *("2026-13-99T99:99:99Z", "\ud800", "\x00\x1b[2J", "9" * 400, [], {}, [None], [[]], {"a": {"b": [1]}}),
]
DROPPED, ADDED = object(), object()


@pytest.fixture(scope="module")
def readers() -> dict[str, list[str]]:
    """Return the client methods that read each response schema, by schema name."""
    found = {}
    sent = recorded()
    for shape in shape_names():
        method, path, cli = route_of(shape)
        found[shape] = [
            name
            for name, requests in sent.items()
            if requests[0].key == (method, path) and ("format=cli" in requests[0].query) == cli
        ]
    return found


def places(value: Any, at: Path = ()) -> Iterator[Path]:
    """Yield the path of every value inside a JSON value, the root first."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*at, key))


def spoil(value: Any, at: Path, junk: Any) -> Any:
    """Return the value with one place dropped, replaced or added; never drop a row."""
    if not at:
        return value if junk in (DROPPED, ADDED) else copy.deepcopy(junk)
    holder = value
    for key in at[:-1]:
        try:
            holder = holder[key]
        except (KeyError, IndexError, TypeError):
            return value
    if isinstance(holder, dict) and isinstance(at[-1], str):
        if junk is DROPPED:
            holder.pop(at[-1], None)
        elif junk is ADDED:
            holder["not in the contract"] = {"x": [1]}
        else:
            holder[at[-1]] = copy.deepcopy(junk)
    elif isinstance(holder, list) and isinstance(at[-1], int) and at[-1] < len(holder):
        holder[at[-1]] = holder[at[-1]] if junk in (DROPPED, ADDED) else copy.deepcopy(junk)
    return value


class Reader:
    """Runs one client method on a given JSON response."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._recorder = Recorder(enveloped=False)
        self._client = client_of(self._recorder)

    async def read(self, answer: Any) -> Any:
        self._recorder.answer = json.dumps(answer)
        return await call(self._client, self.name)


def same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are identical: true is not 1, 1 is not 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def keys(model: type[BaseModel]) -> Iterator[tuple[str, list[str]]]:
    """Yield each field of a model with the JSON keys that it is read from."""
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            yield name, [choice for choice in alias.choices if isinstance(choice, str)] + [name]
        else:
            yield name, [alias if isinstance(alias, str) else name, name]


def raw_of(raw: dict[str, Any], names: list[str]) -> Any:
    return next((raw[name] for name in names if name in raw), DROPPED)


def agrees(raw: Any, was: Any, parsed: Any, whole: Any, at: str) -> None:
    """Assert that unchanged parts of `raw` have in `parsed` their value of `whole`.

    `was` is `raw` before it was damaged.
    """
    if same(raw, was):
        assert parsed == whole, at
    elif isinstance(whole, Rows) and isinstance(parsed, Rows) and type(raw) is type(was):
        assert parsed.total == len(raw), at
        if isinstance(raw, list) and whole.raws:
            rows_agree(raw, was, parsed, whole, at)
        else:
            untouched_are_there(raw, was, parsed, whole, at)
    elif isinstance(whole, BaseModel) and type(parsed) is type(whole) and isinstance(raw, dict):
        for name, names in keys(type(whole)):
            value, before = raw_of(raw, names), raw_of(was, names)
            if value is not DROPPED and before is not DROPPED:
                agrees(value, before, getattr(parsed, name), getattr(whole, name), f"{at}.{name}")


def rows_agree(raw: list[Any], was: list[Any], parsed: Rows[Any], whole: Rows[Any], at: str) -> None:
    """Assert that each row is either read or marked bad, and unchanged rows are read.

    The rows have the service's order if the client keeps it.
    """
    read = {json.dumps(of): row for of, row in zip(parsed.raws, parsed, strict=True)}
    before = {json.dumps(of): row for of, row in zip(whole.raws, whole, strict=True)}
    bad = {json.dumps(row.raw) for row in parsed.bad}
    for place, item in enumerate(raw):
        text = json.dumps(item)
        assert (text in read) != (text in bad), f"{at}[{place}]"
        if text in bad:
            assert not same(item, was[place]), f"{at}[{place}] was right and is marked bad"
        else:
            agrees(item, was[place], read[text], before[json.dumps(was[place])], f"{at}[{place}]")
    if list(before) == [json.dumps(item) for item in was]:
        assert [json.dumps(of) for of in parsed.raws] == [
            text for text in map(json.dumps, raw) if text in read
        ], at


def untouched_are_there(raw: Any, was: Any, parsed: Rows[Any], whole: Rows[Any], at: str) -> None:
    """Assert that unchanged rows are read, where the client keeps no JSON or order."""
    if isinstance(raw, list) and isinstance(was, list):
        for item, before in zip(raw, was, strict=False):
            assert not same(item, before) or type(whole[0]).model_validate(item) in parsed, at
    elif isinstance(raw, dict) and isinstance(was, dict):
        for row, (name, before) in zip(whole, was.items(), strict=True):
            assert not same(raw.get(name), before) or row in parsed, f"{at}.{name}"


def roots(value: Any, answer: Any) -> Iterator[tuple[Path, Any]]:
    """Yield the models and lists of a result with the place each was read from."""
    for part in parts(value):
        found = [at for at in places(answer) if was_parsed_from(part, reach(answer, at))]
        assert found, f"no part of the response matches {type(part).__name__}"
        yield found[0], part


def was_parsed_from(part: Any, found: Any) -> bool:
    """Return whether a model or a list was parsed from this part of a response."""
    if isinstance(part, BaseModel):
        return isinstance(found, dict) and model_of(type(part), found) == part
    if part.raws and isinstance(found, dict) and len(found) == part.total:
        return all(
            isinstance(v, dict) and v.items() <= raw.items()
            for v, raw in zip(found.values(), part.raws, strict=True)
        )
    if not isinstance(found, list) or len(found) != part.total:
        return False
    return part.raws == found or all(model_of(type(part[0]), item) in part for item in found)


def model_of(kind: type[BaseModel], raw: Any) -> BaseModel | None:
    try:
        return kind.model_validate(raw)
    except ValueError:
        return None


def reach(answer: Any, at: Path) -> Any:
    for key in at:
        answer = answer[key]
    return answer


def parts(value: Any) -> Iterator[Any]:
    """Yield the models and lists of a result, in the order of `roots`."""
    if isinstance(value, Page):
        yield from parts(value.rows)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, list) and not isinstance(value, Rows):
        for item in value:
            yield from parts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from parts(item)
    elif isinstance(value, Rows | BaseModel):
        yield value


def stands_as_sent(raw: Any, parsed: Any, at: str) -> int:
    """Assert that plain values equal the JSON sent; return the number compared."""
    if isinstance(parsed, BaseModel) and isinstance(raw, dict):
        return sum(
            stands_as_sent(raw_of(raw, names), getattr(parsed, name), f"{at}.{name}")
            for name, names in keys(type(parsed))
        )
    if isinstance(parsed, Rows) and isinstance(raw, list) and len(parsed.raws) == len(parsed):
        if at in ORDERED_HERE:
            assert sorted(map(json.dumps, parsed.raws)) == sorted(map(json.dumps, raw)), at
        else:
            assert parsed.raws == raw, at
        return sum(
            stands_as_sent(item, row, f"{at}[]") for item, row in zip(parsed.raws, parsed, strict=True)
        )
    if isinstance(parsed, datetime) and isinstance(raw, str):
        assert parsed == datetime.fromisoformat(raw), at
    elif isinstance(parsed, Decimal):
        assert parsed == Decimal(str(raw)), at
    elif isinstance(parsed, str | int | float) and isinstance(raw, str | int | float):
        assert parsed == raw, at
    else:
        return 0
    return 1


@pytest.mark.parametrize("nulls", [False, True], ids=["every-field-filled", "every-nullable-field-null"])
@pytest.mark.parametrize("shape", shape_names())
def test_sample_response_is_read_completely_and_unchanged(
    shape: str, nulls: bool, readers: dict[str, list[str]]
) -> None:
    assert readers[shape], "no method asks this route"
    answer, compared = sample(shape, nulls=nulls), 0
    with asyncio.Runner() as runner:
        for whole in understood(runner, readers[shape], answer):
            name = whole.reader.name
            compared += name in (SILENT | PLAIN | NO_RESULT if nulls else SILENT | PLAIN)
            for at, part in whole.parts:
                assert not (isinstance(part, Rows) and part.bad), f"{at}: {part.bad[:1]}"
                compared += stands_as_sent(reach(answer, at), part, name) or isinstance(part, Rows)
    assert compared


BOUNDED = settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
CHANGES = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.one_of(st.sampled_from([DROPPED, ADDED]), st.sampled_from(JUNK))),
    min_size=1,
    max_size=5,
)


class LocatedResult(NamedTuple):
    """A reader of a response, with the JSON path of each part of its result."""

    reader: Reader
    parts: list[tuple[Path, Any]]

    def holds_for(self, spoilt: Any, answer: Any, result: Any) -> int:
        """Assert that the undamaged parts of a damaged response were parsed as before.

        `spoilt` is the damaged response, `answer` the original and `result` what was read from `spoilt`. Returns how
        many parts were compared.
        """
        got, compared = list(parts(result)), 0
        if len(got) != len(self.parts):
            return 0
        for part, (at, before) in zip(got, self.parts, strict=True):
            try:
                raw = reach(spoilt, at)
            except (KeyError, IndexError, TypeError):
                continue
            compared += 1
            agrees(raw, reach(answer, at), part, before, self.reader.name)
        return compared


def understood(runner: asyncio.Runner, names: list[str], answer: Any) -> Iterator[LocatedResult]:
    """Yield the methods that can read a response; other methods have other forms."""
    for name in names:
        reader = Reader(name)
        with suppress(e.InvalidResponse):
            whole = runner.run(reader.read(answer))
            yield LocatedResult(reader, list(roots(whole, answer)))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("shape", shape_names())
def test_damaged_response_is_read_field_by_field(shape: str, readers: dict[str, list[str]]) -> None:
    answer = sample(shape)
    spots = list(places(answer))
    with asyncio.Runner() as runner:
        known = list(understood(runner, readers[shape], answer))
        compared = dict.fromkeys((whole.reader.name for whole in known), 0)

        @BOUNDED
        @given(CHANGES)
        def check(changes: list[tuple[int, Any]]) -> None:
            spoilt = copy.deepcopy(answer)
            for where, junk in changes:
                spoilt = spoil(spoilt, spots[where % len(spots)], junk)
            for whole in known:
                with suppress(e.MogplexError):
                    result = runner.run(whole.reader.read(spoilt))
                    compared[whole.reader.name] += whole.holds_for(spoilt, answer, result)

        check()
    assert known
    for name, count in compared.items():
        assert count or name in SILENT | PLAIN, f"nothing of {name} was ever compared"
