"""Logs that are read whole each time become lines that are appended."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mogplex_tui.live.log_tail import LogTail, lines_of


def _texts(tail: LogTail) -> list[str]:
    return [line.text for line in tail.lines]


def test_unchanged_log_changes_no_line() -> None:
    tail = LogTail()
    assert tail.take(lines_of("dev", "one\ntwo\n")).appended == 2
    assert not tail.take(lines_of("dev", "one\ntwo\n"))
    assert _texts(tail) == ["one", "two"]


def test_new_lines_of_any_log_are_appended() -> None:
    tail = LogTail()
    tail.take([*lines_of("install", "added 3"), *lines_of("dev", "ready")])
    added = tail.take([*lines_of("install", "added 3\ndone"), *lines_of("dev", "ready\nGET /")])
    assert (added.appended, added.changed, added.reordered) == (2, [], False)
    assert _texts(tail) == ["added 3", "ready", "done", "GET /"]


def test_partial_line_is_completed_in_place() -> None:
    tail = LogTail()
    tail.take(lines_of("dev", "compi"))
    key = tail.lines[0].key
    added = tail.take(lines_of("dev", "compiled\nready"))
    assert added.changed == [key]
    assert added.appended == 1
    assert _texts(tail) == ["compiled", "ready"]
    line = tail.get(key)
    assert line is not None
    assert line.version == 1


def test_restarted_log_replaces_only_its_own_lines() -> None:
    tail = LogTail()
    tail.take([*lines_of("install", "kept"), *lines_of("dev", "old\nolder")])
    old = tail.lines[-1].key
    added = tail.take([*lines_of("install", "kept"), *lines_of("dev", "fresh")])
    assert added.reordered
    assert _texts(tail) == ["kept", "fresh"]
    assert tail.get(old) is None
    assert tail.take([]).reordered
    assert _texts(tail) == []


def test_lines_drop_escapes_and_overwritten_text() -> None:
    lines = lines_of("dev", "\x1b[32mok\x1b[0m\r\n10 %\r50 %\r100 %\n\x1b]0;title\x07x")
    assert [line.text for line in lines] == ["ok", "100 %", "x"]
    assert lines_of("dev", None) == lines_of("dev", "") == []


def test_credentials_in_logs_are_redacted() -> None:
    (line,) = lines_of("install", "cloning https://x-access-token:s3cr3t@github.com/acme/web")
    assert line.text == "cloning https://x-access-token:[redacted]@github.com/acme/web"


@given(st.lists(st.text(alphabet="ab\n", max_size=8), max_size=6), st.text(alphabet="ab\n", max_size=8))
def test_lines_equal_those_of_the_latest_read(parts: list[str], other: str) -> None:
    tail, text = LogTail(), ""
    for part in [*parts, ""]:
        text += part
        tail.take([*lines_of("dev", text), *lines_of("install", other)])
        assert [line.text for line in tail.lines if line.source == "dev"] == [
            line.text for line in lines_of("dev", text)
        ]
        assert all(tail.index_of(line.key) == place for place, line in enumerate(tail.lines))
