"""The two incremental decoders: server-sent events and a long JSON array."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mogplex_tui.api.jsonstream import ArrayDecoder, MalformedError
from mogplex_tui.api.realtime_messages import Changed, Connected, Ping, backoff, parse_message
from mogplex_tui.api.sse import Comment, Data, SseDecoder

STREAM = ': connected\n\ndata: {"table":"ai_calls","op":"UPDATE"}\n\n: ping\n\ndata: a\ndata: b\n\n'
FRAMES = [Comment("connected"), Data('{"table":"ai_calls","op":"UPDATE"}'), Comment("ping"), Data("a\nb")]


@given(st.lists(st.integers(0, 200), max_size=12), st.sampled_from(["\n", "\r\n", "\r"]))
def test_frames_do_not_care_how_reads_cut_them_or_how_lines_end(cuts: list[int], newline: str) -> None:
    raw = (STREAM + ": end\n").replace("\n", newline).encode()
    decoder = SseDecoder()
    found: list[Comment | Data] = []
    places = sorted({0, len(raw), *(cut % len(raw) for cut in cuts)})
    for start, end in pairwise(places):
        found += decoder.feed(raw[start:end])
    # A CR at the very end may still be half of a line end.
    assert found == (FRAMES if newline == "\r" else [*FRAMES, Comment("end")])


def test_unknown_fields_and_empty_frames_are_ignored() -> None:
    assert SseDecoder().feed(b"event: x\nid: 5\nretry: 10\n\n\n\nnonsense\n\n") == []
    assert SseDecoder().feed(b"data\n\n") == [Data("")]
    assert SseDecoder().feed(b"data:x\ndata:  y\n\n") == [Data("x\n y")]


def test_endless_line_is_skipped() -> None:
    decoder = SseDecoder(max_bytes=10)
    assert decoder.feed(b"data: " + b"x" * 100) == []
    assert decoder.feed(b"\n\n: ping\n") == [Comment("ping")]


def test_a_frame_of_endless_lines_is_dropped_and_counted() -> None:
    decoder = SseDecoder(max_bytes=30)
    assert decoder.feed(b"data: 0123456789\n" * 3) == []
    assert decoder.dropped == 1
    assert decoder.feed(b"data: tail\n\ndata: ok\n\n") == [Data("ok")]
    assert decoder.feed(b"data: 0123456789\n\n" * 3) == [Data("0123456789")] * 3
    assert decoder.dropped == 1


def test_long_line_is_not_copied_on_each_read() -> None:
    decoder, piece = SseDecoder(16_000_000), b"x" * 1000
    decoder.feed(b"data: ")
    rest = decoder._buffer
    for _ in range(5000):
        decoder.feed(piece)
    # The bytes are added to one buffer, which is never made anew while its line goes on.
    assert decoder._buffer is rest and len(rest) == 5_000_006
    assert decoder.feed(b"\n\n") == [Data("x" * 5_000_000)]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (Comment("connected"), Connected()),
        (Comment("ping"), Ping()),
        (Comment("something new"), Ping()),
        (Data('{"table":"ai_calls","op":"UPDATE"}'), Changed("ai_calls", "UPDATE")),
        (Data('{"table":"new_table","op":"TRUNCATE","id":"x"}'), Changed("new_table", "TRUNCATE")),
        (Data('{"table":"ai_calls"}'), Changed("ai_calls", "")),
        (Data('{"op":"UPDATE"}'), None),
        (Data('{"table":5}'), None),
        (Data("not json"), None),
        (Data("[]"), None),
        (Data(""), None),
    ],
)
def test_frames_are_understood_or_passed_over(frame: Comment | Data, message: object) -> None:
    assert parse_message(frame) == message


def test_reconnect_backoff_grows_to_30_seconds() -> None:
    assert [backoff(n, lambda: 1.0) for n in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert backoff(1, lambda: 0.0) == 0.5
    assert backoff(10_000, lambda: 1.0) == 30


def collect(raw: bytes, cuts: list[int], most: int = 500) -> list[Any]:
    decoder = ArrayDecoder("events")
    found: list[Any] = []
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        decoder.feed(raw[start:end])
        while items := decoder.take(most, 1000):
            assert len(items) <= most
            found += items
    decoder.end()
    while items := decoder.take(most, 1000):
        found += items
    return found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(json_values, max_size=8),
    st.dictionaries(st.text().filter(lambda name: name != "events"), json_values, max_size=3),
    st.lists(st.integers(0, 5000), max_size=10),
    st.integers(1, 4),
    st.sampled_from([None, 2]),
)
def test_array_parsing_ignores_chunk_boundaries(
    items: list[Any], others: dict[str, Any], cuts: list[int], most: int, indent: int | None
) -> None:
    before = {f"0{name}": value for name, value in others.items()}
    document = {**before, "events": items, **{f"1{name}": value for name, value in others.items()}}
    raw = json.dumps(document, ensure_ascii=False, indent=indent).encode("utf-8", "surrogatepass")
    assert collect(raw, cuts, most) == json.loads(raw.decode("utf-8", "replace"))["events"]


@pytest.mark.parametrize("number", ["1.0000000000000002e+16", "-12", "1.5E-7", "0.25", "10e2"])
def test_a_number_may_be_cut_anywhere(number: str) -> None:
    raw = f'{{"before":{number},"events":[null,{number}, {number}]}}'.encode()
    for cut in range(1, len(raw)):
        assert collect(raw, [cut], 2) == [None, float(number), float(number)]


@pytest.mark.parametrize("whole", [b'{"events":[{"id":1},{"id":2},{"id":3}]}'])
def test_truncated_array_yields_items_then_error(whole: bytes) -> None:
    for length in range(len(whole)):
        decoder = ArrayDecoder("events")
        found: list[Any] = []
        decoder.feed(whole[:length])
        decoder.end()
        with pytest.raises(MalformedError):
            while items := decoder.take(1, 10):
                found += items
        assert found == [{"id": n + 1} for n in range(len(found))]
        assert len(found) >= whole[:length].count(b"},")


@pytest.mark.parametrize(
    ("raw", "readable"),
    [
        (b"[]", 0),
        (b"null", 0),
        (b'{"other":[]}', 0),
        (b'{"events":{}}', 0),
        (b'{"events":null}', 0),
        (b'{"events":[1}', 0),
        (b'{"events":[1,2;3]}', 1),
        (b'{"events":[{"id":1},nonsense,{"id":2}]}', 1),
        (b'{"events":[' + b"[" * 100_000, 0),
        (b"<html>", 0),
        (b"", 0),
    ],
)
def test_invalid_array_yields_items_then_error(raw: bytes, readable: int) -> None:
    decoder = ArrayDecoder("events")
    found: list[Any] = []
    with pytest.raises(MalformedError):
        decoder.feed(raw)
        while items := decoder.take(5, 100):
            found += items
        decoder.end()
        while items := decoder.take(5, 100):
            found += items
    assert len(found) == readable


def test_endless_item_is_refused() -> None:
    decoder = ArrayDecoder("events", max_item_chars=1000)
    decoder.feed(b'{"events":["')
    assert decoder.take(5, 100) == []
    with pytest.raises(MalformedError, match="too large"):
        decoder.feed(b"x" * 2000)


def test_a_large_item_in_small_reads_is_not_tried_at_every_read(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = ArrayDecoder("events")
    tries = 0
    scan = decoder._scan

    def counting(text: str, at: int) -> tuple[Any, int]:
        nonlocal tries
        tries += 1
        return scan(text, at)

    monkeypatch.setattr(decoder, "_scan", counting)
    raw = json.dumps({"events": [{"id": "x" * 200_000}]}).encode()
    found: list[Any] = []
    for start in range(0, len(raw), 100):
        decoder.feed(raw[start : start + 100])
        found += decoder.take(5, 1000)
    decoder.end()
    found += decoder.take(5, 1000)
    assert len(found) == 1
    assert tries < 60
