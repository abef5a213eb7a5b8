"""Random tool uses of an agent in a repository, as events and as a list."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from ..db.batch_insert import encode
from ..sample_data.loader import Script, work
from .call_plan import Step
from .rng import between, pick, token, whole

_PREVIEW = 200


def preview(value: Any) -> str:
    """Return a value as text of at most 200 characters, as the service stores it.

    observability.md §9.
    """
    text = value if isinstance(value, str) else encode(value)
    return text[:_PREVIEW]


@dataclass
class Toolbox:
    """A collector of the random tool uses of one call.

    `steps` are the events, and `calls` the entries of the call's column `tool_calls`. If
    `without_tool_events` is True, there are only a few entries, and one step without a type takes the
    whole time.
    """

    rng: Random
    script: Script
    focus: tuple[str, ...]
    term: str
    pace: float = 1.0
    without_tool_events: bool = False
    steps: list[Step] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    uses: int = 0
    seconds: float = 0.0

    def use(self, name: str, given: dict[str, Any], result: str, seconds: float, ok: bool = True) -> None:
        """Record one tool use as a start event and a finish event (v1.md §8.5).

        The start event follows after a random pause, the finish event `seconds` later.
        """
        pause = between(self.rng, 0.4, 4.0) * self.pace
        duration = max(1, int(seconds * self.pace * 1000))
        self.uses += 1
        self.seconds += pause + duration / 1000
        entry: dict[str, Any] = {
            "name": name,
            "input": given,
            "input_preview": preview(given),
            "duration_ms": duration,
        }
        entry |= {"output": result, "output_preview": preview(result)}
        self.calls.append(entry)
        if self.without_tool_events:
            return
        shared = {
            "tool_call_id": token(self.rng, "call_", 14),
            "input": given,
            "input_preview": entry["input_preview"],
            "step_number": self.uses,
        }
        self.steps.append(Step(pause, "tool_started", f"Tool started: {name}", shared, name))
        done: dict[str, Any] = {**shared, "duration_ms": duration, "success": ok}
        if ok:
            done |= {"output": result, "output_preview": entry["output_preview"]}
        else:
            done["error"] = result
        word = "finished" if ok else "failed"
        self.steps.append(Step(duration / 1000, "tool_finished", f"Tool {word}: {name}", done, name))

    def timeline(self) -> tuple[Step, ...]:
        """Return the events of all tool uses.

        With `without_tool_events` the result is one step without a type, which takes the whole time.
        """
        return (Step(self.seconds, "", "", {}),) if self.without_tool_events else tuple(self.steps)

    def skim(self, uses: int) -> None:
        """Record three tool uses, and the time that `uses` tool uses take."""
        self.plan()
        self.look()
        self.edit()
        rest = max(0, uses - self.uses)
        self.uses += rest
        self.seconds += rest * between(self.rng, 2.0, 4.5)

    def plan(self) -> None:
        """Record the use of a tool that stores the agent's plan."""
        text = pick(self.rng, work("plans"))
        steps = [part.strip() for part in text.split(",")]
        self.use("updatePlan", {"steps": steps}, f"{len(steps)} steps", 0.08)

    def search(self) -> None:
        """Record a search for a term of the task or of the repository."""
        term = self.term if self.term and self.rng.random() < 0.6 else pick(self.rng, self.script.terms)
        files = self.rng.sample(self.script.paths, k=min(3, len(self.script.paths)))
        lines = [f"{path}:{whole(self.rng, 4, 260)}: …{term}…" for path in files]
        result = f"{len(files)} matches\n" + "\n".join(lines)
        self.use("searchFiles", {"query": term, "path": "."}, result, between(self.rng, 0.1, 0.9))

    def path(self) -> str:
        """Return a random file of the repository, usually one that belongs to the task."""
        if self.focus and self.rng.random() < 0.65:
            return pick(self.rng, self.focus)
        return pick(self.rng, self.script.paths)

    def read(self) -> None:
        """Record that the agent reads a part of a file."""
        first = pick(self.rng, (1, 1, 40, 120))
        last = first + whole(self.rng, 30, 180)
        given = {"path": self.path(), "startLine": first, "endLine": last}
        if self.rng.random() < 0.03:
            self.use("readFile", given, f"ENOENT: no such file, open '{given['path']}'", 0.05, ok=False)
            return
        self.use("readFile", given, f"{last - first + 1} lines", between(self.rng, 0.03, 0.3))

    def edit(self) -> None:
        """Record that the agent changes a file."""
        added, removed = whole(self.rng, 2, 48), whole(self.rng, 0, 22)
        given = {"path": self.path(), "edits": whole(self.rng, 1, 5)}
        if self.rng.random() < 0.05:
            self.use("editFile", given, "the text to replace occurs twice, give more context", 0.1, ok=False)
            return
        self.use("editFile", given, f"+{added} -{removed}", between(self.rng, 0.1, 0.7))

    def test(self, ok: bool) -> None:
        """Record a test run; `ok` says whether the tests pass."""
        given = {"command": self.script.test}
        seconds = between(self.rng, 2.0, 11.0)
        if ok:
            self.use("runTests", given, f"{self.script.tests} passed in {seconds:.1f}s", seconds)
            return
        failed = whole(self.rng, 1, 3)
        text = f"{failed} failed, {self.script.tests - failed} passed\n{pick(self.rng, work('failures'))}"
        self.use("runTests", given, text, seconds, ok=False)

    def shell(self) -> None:
        """Record that the agent runs a short shell command."""
        command = self.script.lint if self.rng.random() < 0.25 else pick(self.rng, work("shell"))
        self.use("bash", {"command": command}, "exit 0", between(self.rng, 0.2, 3.5))

    def look(self) -> None:
        """Record a random tool use that reads a file, searches, or runs a command."""
        draw = self.rng.random()
        if draw < 0.55:
            self.read()
        elif draw < 0.8:
            self.search()
        else:
            self.shell()
