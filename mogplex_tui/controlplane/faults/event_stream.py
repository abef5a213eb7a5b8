"""Apply fault rules to an event stream, frame by frame (realtime.md §2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from . import json_mutations
from .rules import Rule

Change = tuple[Rule, Random]


def change_json(body: Any, rule: Rule, random: Random) -> Any:
    """Return a JSON value mutated by a rule, or unchanged if the rule changes no JSON."""
    names, low = rule.argument.names, rule.argument.low
    changes: dict[str, Callable[[Any], Any]] = {
        "wrong-types": lambda value: json_mutations.wrong_types(value, names, random),
        "unknown-values": lambda value: json_mutations.unknown_values(value, names),
        "duplicated": lambda value: json_mutations.rows(value, json_mutations.twice),
        "reordered": lambda value: json_mutations.rows(
            value, lambda items: json_mutations.shuffled(items, random)
        ),
        "skew": lambda value: json_mutations.skewed(value, low or 0.0),
    }
    if rule.kind == "unknown-fields":
        return json_mutations.unknown_fields(body)
    change = changes.get(rule.kind)
    return body if change is None else json_mutations.payload(body, change)


class FrameShaper:
    """Applies fault rules to the frames of one event stream.

    Comments, such as pings, are not changed. `over` becomes True when a rule requires that the
    connection is dropped.
    """

    def __init__(self, changes: list[Change], silenced: Callable[[], bool]) -> None:
        self._changes = changes
        self._silenced = silenced
        self._rest = b""
        self._held: bytes | None = None
        self._changes_sent = 0
        self._sent = 0
        self.over = False

    def feed(self, chunk: bytes) -> bytes:
        """Return the bytes to send for the next bytes of the original stream.

        An incomplete frame at the end is kept until its rest arrives.
        """
        *whole, self._rest = (self._rest + chunk).split(b"\n\n")
        out = b"".join(self._frame(frame) for frame in whole)
        for rule, _ in self._changes:
            if rule.kind != "drop":
                continue
            limit = rule.argument.low
            if limit is None:
                self.over = self.over or self._changes_sent > 0
            elif self._sent + len(out) >= limit:
                out, self.over = out[: max(0, int(limit) - self._sent)], True
        self._sent += len(out)
        return out

    def _frame(self, frame: bytes) -> bytes:
        if frame.startswith(b":"):
            return frame + b"\n\n"
        if self._silenced():
            return b""
        frames = [frame]
        for rule, random in self._changes:
            if rule.kind == "silent" and self._changes_sent >= (rule.argument.low or 0):
                return b""
            if rule.kind == "duplicated":
                frames = json_mutations.twice(frames)
            elif rule.kind == "reordered":
                frames = self._swap(frames)
            else:
                frames = [_data(item, rule, random) for item in frames]
        self._changes_sent += 1
        return b"".join(item + b"\n\n" for item in frames)

    def _swap(self, frames: list[bytes]) -> list[bytes]:
        """Return frames with every two successive frames exchanged.

        The first frame of each pair is kept until the second one arrives.
        """
        if self._held is None:
            self._held = frames[-1]
            return frames[:-1]
        held, self._held = self._held, None
        return [*frames, held]


def _data(frame: bytes, rule: Rule, random: Random) -> bytes:
    if not frame.startswith(b"data: "):
        return frame
    text = frame.removeprefix(b"data: ")
    if rule.kind == "truncated":
        return b"data: " + text[: _kept(len(text), rule.argument.low)]
    try:
        value = json.loads(text)
    except ValueError:
        return frame
    return b"data: " + json.dumps(change_json(value, rule, random), separators=(",", ":")).encode()


def _kept(length: int, limit: float | None) -> int:
    return length // 2 if limit is None else min(length, int(limit))
