"""Scenario files: allowed fields, and messages about invalid ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mogplex_tui.controlplane.scenarios import load
from mogplex_tui.controlplane.scenarios.fields import ScenarioError
from mogplex_tui.controlplane.scenarios.model import (
    FaultBurst,
    Loop,
    ModelFailures,
    ScenarioEvents,
    ScenarioPast,
    Spend,
)

NAMES = ("calm", "backlog", "empty", "huge", "incident", "outage", "storm")
LOOP = {"automation": "review", "repo": "api", "title": "Again"}


def _written(folder: Path, said: Any, name: str = "own.json") -> Path:
    path = folder / name
    path.write_text(said if isinstance(said, str) else json.dumps(said))
    return path


def test_built_in_scenarios_load_and_have_summary_line() -> None:
    assert load.names() == NAMES
    titles = load.titles()
    assert tuple(titles) == NAMES
    assert all(title and len(title) < 120 and not title.endswith(".") for title in titles.values())
    assert {load.find(name).name for name in NAMES} == set(NAMES)
    assert len({load.find(name).digest for name in NAMES}) == len(NAMES)


def test_calm_scenario_has_only_defaults() -> None:
    calm = load.find(None)
    assert calm == load.find("calm")
    assert (calm.past, calm.now) == (ScenarioPast(), ScenarioEvents())


def test_huge_scenario_is_large_and_empty_one_is_unseeded() -> None:
    assert load.find("huge").past == ScenarioPast(scale="large")
    assert load.find("empty").past == ScenarioPast(seeded=False)
    assert {load.find(name).past.scale for name in NAMES if name != "huge"} == {"small"}


FULL = {
    "title": "everything at once",
    "past": {
        "scale": "medium",
        "failures": [
            {"model": "google/*", "share": 0.5},
            {"harness": "codex", "share": 1, "class": "timeout"},
        ],
        "spend": [{"model": "*", "times": 2}],
        "loop_rounds": 3,
        "parked": 1,
        "questions": 2,
        "broken_sandboxes": 4,
        "failed_calls": 5,
    },
    "now": {
        "pace": 2,
        "arrivals": {"run": 1, "job": 3},
        "failures": [{"harness": "*", "share": 0.1, "class": "rate_limited"}],
        "spend": [{"model": "openai/gpt-5.2", "times": 0.5}],
        "denials": {"chat": 0.25},
        "loop": {**LOOP, "after": 1, "pause": 2, "growth": 1.5, "most": 9},
        "boot_failures": 0.5,
        "boot_error": "no machines",
        "questions_every": 30,
        "answered": False,
        "faults": [{"rule": "GET  /api/*  429:7", "after": 5, "lasts": 10, "every": 60}],
    },
}


def test_every_field_is_read(tmp_path: Path) -> None:
    told = load.read(_written(tmp_path, FULL))
    assert (told.name, told.title) == ("own", "everything at once")
    assert told.past == ScenarioPast(
        scale="medium",
        failures=(ModelFailures("google/*", 0.5, None), ModelFailures("harness:codex", 1, "timeout")),
        spend=(Spend("*", 2),),
        loop_rounds=3,
        parked=1,
        questions=2,
        broken_sandboxes=4,
        failed_calls=5,
    )
    assert told.now == ScenarioEvents(
        pace=2,
        arrivals={"run": 1, "chat": 0, "control": 0, "job": 3},
        failures=(ModelFailures("harness:*", 0.1, "rate_limited"),),
        spend=(Spend("openai/gpt-5.2", 0.5),),
        denials={"external_agent_run": 0, "chat": 0.25, "sandbox_exec": 0},
        loop=Loop("review", "api", "Again", 1, 2, 1.5, 9),
        boot_failures=0.5,
        boot_error="no machines",
        questions_every=30,
        answered=False,
        faults=(FaultBurst("GET /api/* 429:7", 5, 10, 60),),
    )


def test_scenario_round_trips_through_database(tmp_path: Path) -> None:
    for told in (load.read(_written(tmp_path, FULL)), *map(load.find, NAMES)):
        assert load.parse_stored(told.text) == told


def test_toml_scenario_equals_json_scenario(tmp_path: Path) -> None:
    lines = (
        'title = "short"',
        "[past]",
        "questions = 2",
        "[[now.failures]]",
        'model = "zai/glm-5"',
        "share = 0.5",
    )
    failures = [{"model": "zai/glm-5", "share": 0.5}]
    same = {"title": "short", "past": {"questions": 2}, "now": {"failures": failures}}
    toml = load.read(_written(tmp_path, "\n".join(lines), "own.toml"))
    assert toml == load.read(_written(tmp_path, same))


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("{", "line 1, column 2: not JSON: Expecting property name enclosed in double quotes"),
        ('{"title": "a"\n "past": {}}', "line 2, column 2: not JSON: Expecting ',' delimiter"),
        ('{"title": "a", "title": "b"}', "title stands twice in one object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"title": ' + "9" * 5_000, "not JSON: Exceeds the limit"),
        ({"title": "a", "now": {"pace": 10**400}}, "now.pace must be a number from 0 to 20, not 1000"),
        ([], "the file must be an object, not []"),
        ({}, "title is missing"),
        ({"title": "a\nb"}, "title must be a line of text, not 'a\\nb'"),
        ({"title": "a", "past": 3}, "past must be an object, not 3"),
        ({"title": "a", "then": {}}, "then means nothing; known are name, title, past, now"),
        (
            {"title": "a", "past": {"scale": "huge"}},
            "past.scale must be one of small, medium, large, not 'huge'",
        ),
        ({"title": "a", "past": {"seeded": 1}}, "past.seeded must be true or false, not 1"),
        ({"title": "a", "past": {"parked": 9}}, "past.parked must be a whole number from 0 to 3, not 9"),
        ({"title": "a", "past": {"loop_rounds": 2}}, "past.loop_rounds needs a now.loop"),
        ({"title": "a", "past": {"failed_calls": 2}}, "past.failed_calls needs past.failures"),
        (
            {"title": "a", "past": {"seeded": False, "questions": 1}},
            "past.questions means nothing when past.seeded is false",
        ),
        (
            {"title": "a", "past": {"seeded": False}, "now": {"pace": 2}},
            "now.pace means nothing when past.seeded is false",
        ),
        ({"title": "a", "now": {"pace": "fast"}}, "now.pace must be a number from 0 to 20, not 'fast'"),
        ('{"title": "a", "now": {"pace": NaN}}', "now.pace must be a number from 0 to 20, not nan"),
        ({"title": "a", "now": {"pase": 2}}, "now.pase means nothing; known are pace, arrivals,"),
        (
            {"title": "a", "now": {"arrivals": {"chat": 0}}},
            "now.arrivals must have a kind above 0; with a pace of 0 nothing arrives",
        ),
        (
            {"title": "a", "now": {"arrivals": {"chats": 1}}},
            "now.arrivals.chats means nothing; known are run, chat, control, job",
        ),
        ({"title": "a", "now": {"failures": {}}}, "now.failures must be a list, not {}"),
        ({"title": "a", "now": {"failures": [7]}}, "now.failures[0] must be an object, not 7"),
        (
            {"title": "a", "now": {"failures": [{"model": "*", "share": 1}, {"model": "*", "share": 2}]}},
            "now.failures[1].share must be a number from 0 to 1, not 2",
        ),
        ({"title": "a", "now": {"failures": [{"model": "*"}]}}, "now.failures[0].share is missing"),
        (
            {"title": "a", "now": {"failures": [{"model": "gpt", "share": 1}]}},
            "now.failures[0].model must be one of anthropic/claude-opus-5, ",
        ),
        (
            {"title": "a", "now": {"failures": [{"share": 1}]}},
            "now.failures[0].harness is one thing; say a model or a harness",
        ),
        (
            {"title": "a", "now": {"failures": [{"model": "*", "harness": "codex", "share": 1}]}},
            "now.failures[0].model is one thing; say a model or a harness",
        ),
        (
            {"title": "a", "now": {"failures": [{"model": "*", "share": 1, "class": "bad"}]}},
            "now.failures[0].class must be one of timeout, rate_limited, ",
        ),
        ({"title": "a", "now": {"loop": {}}}, "now.loop.automation is missing; it is one of review, triage"),
        (
            {"title": "a", "now": {"loop": {**LOOP, "automation": "nightly"}}},
            "now.loop.automation must be one of review, triage, not 'nightly'",
        ),
        (
            {"title": "a", "now": {"loop": {**LOOP, "repo": "legacy"}}},
            "now.loop.repo must be one of web, api, ",
        ),
        (
            {"title": "a", "now": {"faults": [{"rule": "GET /api/* 418"}]}},
            "now.faults[0].rule cannot be read: '418' is no kind of fault; it is one of latency, ",
        ),
        (
            {"title": "a", "now": {"faults": [{"rule": "GET /api/* 429", "every": 5}]}},
            "now.faults[0].every must be longer than lasts, which must be there",
        ),
    ],
)
def test_invalid_scenario_names_field_and_reason(tmp_path: Path, said: Any, complaint: str) -> None:
    path = _written(tmp_path, said)
    with pytest.raises(ScenarioError) as caught:
        load.find(str(path))
    assert str(caught.value).startswith(f"{path}: {complaint}")


def test_invalid_toml_names_position(tmp_path: Path) -> None:
    for text, complaint in (
        ('title = "a"\npast = ?\n', "not TOML: .*line 2"),
        ("a = " + "[" * 90_000, "nested too"),
    ):
        path = _written(tmp_path, text, "own.toml")
        with pytest.raises(ScenarioError, match=rf"own\.toml: {complaint}"):
            load.find(str(path))


def test_unknown_scenario_lists_the_known_names(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="'clam' is neither a file nor one of calm, backlog, empty, "):
        load.find("clam")
    with pytest.raises(ScenarioError, match="No such file or directory"):
        load.find(str(tmp_path / "gone.json"))
    with pytest.raises(ScenarioError, match="Is a directory"):
        load.find(str(tmp_path))
    binary = tmp_path / "binary.json"
    binary.write_bytes(b'{"title": "\xff"}')
    with pytest.raises(ScenarioError, match="byte 11 is not UTF-8"):
        load.find(str(binary))


def test_rounds_of_a_loop_cost_more_up_to_a_limit() -> None:
    loop = Loop("review", "api", "Do it (again)", 0, 1, 2.0, 10.0)
    assert [loop.times(loop.name(number)) for number in (1, 2, 3, 4, 5, 9_999_999)] == [1, 2, 4, 8, 10, 10]
    assert [loop.round(title) for title in (loop.name(12), "Do it (again)", None, "x (round 3)")] == [
        12, None, None, None,
    ]  # fmt: skip
    assert loop.times("Round only for display") == 1.0
