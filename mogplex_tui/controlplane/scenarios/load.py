"""Find and validate scenarios: built-in ones by name, others by the file's path.

A file is TOML if its name ends in .toml, otherwise JSON. model.py describes the fields.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from ..faults.rules import BadRuleError
from ..faults.rules import parse as parse_rule
from ..sample_data.loader import material
from .fields import Fields, ScenarioError, shown
from .model import (
    KINDS,
    ROUTES,
    FaultBurst,
    Loop,
    ModelFailures,
    Scenario,
    ScenarioEvents,
    ScenarioPast,
    Spend,
)

DEFAULT = "calm"
SCALES = ("small", "medium", "large")
HARNESSES = ("claude-code", "codex")
# Events whose title identifies a round of a loop.
_LOOPING = ("pr_opened", "issue_opened")
_HERE = Path(__file__).parent
_DAY = 86_400.0
_MOST_BYTES = 1_000_000


@cache
def names() -> tuple[str, ...]:
    """Return the names of the built-in scenarios, the default first."""
    found = sorted(path.stem for path in _HERE.glob("*.json"))
    return (DEFAULT, *(name for name in found if name != DEFAULT))


def titles() -> dict[str, str]:
    """Return a one-line description of each built-in scenario, by name."""
    return {name: find(name).title for name in names()}


def find(wanted: str | None) -> Scenario:
    """Return the scenario with a name or in a file; None gives the default scenario.

    `wanted` is the name of a built-in scenario or the path of a scenario file. Raises
    ScenarioError.
    """
    wanted = DEFAULT if wanted is None else wanted
    if wanted in names():
        return _built_in(wanted)
    path = Path(wanted)
    if not path.suffix and not path.exists():
        raise ScenarioError(f"{wanted!r} is neither a file nor one of {', '.join(names())}")
    return read(path)


@cache
def _built_in(name: str) -> Scenario:
    return read(_HERE / f"{name}.json")


def read(path: Path) -> Scenario:
    """Read a scenario file. Raises ScenarioError."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror or error}") from None
    if len(raw) > _MOST_BYTES:
        raise ScenarioError(f"{path}: too long for a scenario")
    try:
        return _scenario_of(_parsed(raw, path.suffix.lower() == ".toml"), path.stem)
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from None


def parse_stored(text: str) -> Scenario:
    """Parse the scenario text that is stored in a database (Scenario.text).

    Raises ScenarioError.
    """
    return _scenario_of(_parsed(text.encode(), False), DEFAULT)


def _parsed(raw: bytes, is_toml: bool) -> Any:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"byte {error.start} is not UTF-8") from None
    try:
        return _toml(text) if is_toml else _json(text)
    except RecursionError:
        raise ScenarioError("nested too deeply") from None


def _toml(text: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise ScenarioError(f"not TOML: {error}") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except ScenarioError:
        raise
    except json.JSONDecodeError as error:
        raise ScenarioError(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except ValueError as error:
        raise ScenarioError(f"not JSON: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ScenarioError(f"{name} stands twice in one object")
        found[name] = value
    return found


def _scenario_of(value: Any, name: str) -> Scenario:
    whole = Fields(value)
    name, title = whole.text("name", name), whole.text("title")
    past, now = _past(whole.nested("past")), _now(whole.nested("now"))
    whole.end()
    if past.loop_rounds and now.loop is None:
        raise ScenarioError("past.loop_rounds needs a now.loop")
    if past.failed_calls and not past.failures:
        raise ScenarioError("past.failed_calls needs past.failures")
    if not past.seeded:
        _check_bare(whole)
    # TOML's dates never reach a field.
    text = json.dumps({**value, "name": name}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Scenario(name, title, past, now, text)


def _check_bare(whole: Fields) -> None:
    """Check the fields of a scenario that starts with an empty account.

    Raises ScenarioError if one of them requires seeded data.
    """
    for part, allowed in (("past", ("seeded",)), ("now", ("boot_failures", "boot_error", "faults"))):
        given = whole.nested(part)
        for name in given.names():
            if name not in allowed:
                raise given.wrong(name, "means nothing when past.seeded is false")


def _past(part: Fields) -> ScenarioPast:
    past = ScenarioPast(
        seeded=part.boolean("seeded", True),
        scale=part.choice("scale", SCALES, "small"),
        failures=part.objects("failures", _trouble),
        spend=part.objects("spend", _spend),
        loop_rounds=part.integer("loop_rounds", 50),
        parked=part.integer("parked", 3),
        questions=part.integer("questions", 200),
        broken_sandboxes=part.integer("broken_sandboxes", 100),
        failed_calls=part.integer("failed_calls", 200),
    )
    part.end()
    return past


def _now(part: Fields) -> ScenarioEvents:
    calm = ScenarioEvents()
    now = ScenarioEvents(
        pace=part.number("pace", 0, 20, 1.0),
        arrivals=part.shares("arrivals", KINDS, 1_000, calm.arrivals),
        failures=part.objects("failures", _trouble),
        spend=part.objects("spend", _spend),
        denials=part.shares("denials", ROUTES, 1, {}),
        loop=_loop(part.nested("loop")) if part.has("loop") else None,
        boot_failures=part.number("boot_failures", 0, 1, 0.0),
        boot_error=part.text("boot_error") if part.has("boot_error") else None,
        questions_every=part.maybe("questions_every", 1, _DAY),
        answered=part.boolean("answered", True),
        faults=part.objects("faults", _gust),
    )
    part.know("loop", "boot_error")
    part.end()
    if not sum(now.arrivals.values()):
        raise part.wrong("arrivals", "must have a kind above 0; with a pace of 0 nothing arrives")
    return now


def _subject(entry: Fields) -> str:
    """Read which model or coding CLI an entry is about, as ModelFailures.subject.

    Raises ScenarioError unless the entry names exactly one of them.
    """
    if entry.has("model") == entry.has("harness"):
        raise entry.wrong(
            "model" if entry.has("model") else "harness", "is one thing; say a model or a harness"
        )
    if entry.has("harness"):
        entry.know("model")
        return f"harness:{entry.choice('harness', (*HARNESSES, '*'))}"
    model = entry.text("model")
    entry.know("harness")
    known = [row["id"] for row in material("models")]
    if "*" not in model and model not in known:
        raise entry.wrong("model", f"must be one of {', '.join(known)}, or have a *, not {shown(model)}")
    return model


def _trouble(entry: Fields) -> ModelFailures:
    subject, share = _subject(entry), entry.number("share", 0, 1)
    entry.know("class")
    failure = entry.choice("class", tuple(material("errors"))) if entry.has("class") else None
    return ModelFailures(subject, share, failure)


def _spend(entry: Fields) -> Spend:
    return Spend(_subject(entry), entry.number("times", 0.01, 1_000))


def _loop(entry: Fields) -> Loop:
    flows = {
        row["key"]: row
        for row in material("flows")
        if row["start"]["event"] in _LOOPING and row["status"] == "active" and row["owner"] == "ada"
    }
    automation = entry.choice("automation", tuple(flows))
    repos = [
        row["key"]
        for row in material("account")["repos"]
        if row["installation"] == flows[automation]["installation"] and not row.get("hidden")
    ]
    loop = Loop(
        automation,
        entry.choice("repo", repos),
        entry.text("title"),
        entry.number("after", 0, _DAY, 5.0),
        entry.number("pause", 0.1, _DAY, 5.0),
        entry.number("growth", 1, 10, 1.0),
        entry.number("most", 1, 1_000, 100.0),
    )
    entry.end()
    return loop


def _gust(entry: Fields) -> FaultBurst:
    try:
        rule = parse_rule(entry.text("rule")).text
    except BadRuleError as error:
        raise entry.wrong("rule", f"cannot be read: {error}") from None
    after = entry.number("after", 0, _DAY, 0.0)
    lasts, every = entry.maybe("lasts", 0.1, _DAY), entry.maybe("every", 0.1, _DAY)
    if every is not None and (lasts is None or lasts >= every):
        raise entry.wrong("every", "must be longer than lasts, which must be there")
    return FaultBurst(rule, after, lasts, every)
