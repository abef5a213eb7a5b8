"""Parsing of fault rules, and the messages about invalid ones."""

from __future__ import annotations

import pytest

from mogplex_tui.cli.parser import run
from mogplex_tui.controlplane.faults.rules import BadRuleError, parse


@pytest.mark.parametrize(
    ("text", "kind", "low", "high", "count", "probability"),
    [
        ("GET /api/v1/mogplex/repos status:503 x3", "status", 503, None, 3, 1.0),
        ("* /api/observability/* latency:2s p=0.1", "latency", 2.0, 2.0, None, 0.1),
        ("get /x latency:100ms-1.5m", "latency", 0.1, 90.0, None, 1.0),
        ("GET /api/realtime/events silent", "silent", None, None, None, 1.0),
        ("GET,POST * 429", "429", 60, None, None, 1.0),
        ("* * 429:none x2 p=.5", "429", None, None, 2, 0.5),
        ("* * skew:-90s", "skew", -90.0, None, None, 1.0),
        ("* * drop:0", "drop", 0, None, None, 1.0),
    ],
)
def test_rule_parses_kind_route_and_count(
    text: str, kind: str, low: float | None, high: float | None, count: int | None, probability: float
) -> None:
    rule = parse(text)
    assert (rule.kind, rule.argument.low, rule.argument.high) == (kind, low, high)
    assert (rule.count, rule.probability) == (count, probability)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("GET /x", "is incomplete; a rule is METHOD PATTERN KIND[:ARG]"),
        ("GTE /x 401", "'GTE' is no method"),
        ("GET x 401", "'x' must begin with / or *"),
        ("GET /x stauts:503", "'stauts' is no kind of fault; it is one of latency, status,"),
        ("GET /x status:99", "status needs a status from 400 to 599, not '99'"),
        ("GET /x status:", "nothing stands after the colon of 'status:'"),
        ("GET /x latency", "latency needs a length of time such as 2s or 100ms-2s, not ''"),
        ("GET /x latency:2s-1s", "latency needs the shorter time first"),
        ("GET /x silent:soon", "silent needs a whole number, not 'soon'"),
        ("GET /x 401:1", "401 takes nothing after a colon, not '1'"),
        ("GET /x 429:soon", "429 needs seconds or 'none'"),
        ("GET /x wrong-types:a,,b", "wrong-types needs names of fields"),
        ("GET /x 401 x0", "'x0' is neither xCOUNT nor p=PROBABILITY"),
        ("GET /x 401 p=2", "'p=2' is neither"),
        ("GET /x 401 x1 x2", "'x2' is neither"),
    ],
)
def test_invalid_rule_names_the_wrong_word(text: str, complaint: str) -> None:
    with pytest.raises(BadRuleError) as caught:
        parse(text)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "method", "path", "query", "meant"),
    [
        ("GET /api/v1/mogplex/repos", "GET", "/api/v1/mogplex/repos", "limit=5", True),
        ("GET /api/v1/mogplex/repos", "HEAD", "/api/v1/mogplex/repos", "", True),
        ("GET /api/v1/mogplex/repos", "POST", "/api/v1/mogplex/repos", "", False),
        ("GET /api/v1/mogplex/repos", "GET", "/api/v1/mogplex/repos/1", "", False),
        ("* /api/observability/*", "POST", "/api/observability/jobs/1/cancel", "", True),
        ("GET /a.c", "GET", "/abc", "", False),
        ("GET /calls?surface=cl*", "GET", "/calls", "page=2&surface=cloud", True),
        ("GET /calls?surface=cl*", "GET", "/calls", "surface=live", False),
    ],
)
def test_a_pattern_means_these_requests(
    pattern: str, method: str, path: str, query: str, meant: bool
) -> None:
    assert parse(f"{pattern} 401").pattern.matches(method, path, query) is meant


@pytest.mark.parametrize("command", ["control-plane", "demo"])
@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--fault", "GET /x stauts:503", "argument --fault: 'stauts' is no kind of fault"),
        ("--rate-limit", "0", "argument --rate-limit: '0' is not a number of requests or 'off'"),
        ("--profile", "other", "argument --profile: invalid choice"),
    ],
)
def test_invalid_option_exits_with_2_and_message(
    command: str, option: str, value: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run([command, option, value])
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
