"""The runs that were started or opened from here, kept on disk: v1 has no list of runs (v1.md §0)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mogplex_tui.config.file_locks import held
from mogplex_tui.config.state_file import FileTroubles, StateFile

KEPT = 500
# The last answer about a run is kept up to so many characters of JSON; a longer one is read again.
LONGEST_FINAL = 8000
# Seconds to wait for another process that writes the file.
_LOCK_SECONDS = 0.5


class Remembered(NamedTuple):
    """One run that this machine knows of.

    The prompt is kept because the service never returns it. `final` is the service's last answer about the run once it
    has ended for good; the run is not read again.
    """

    run_id: str
    call_id: str | None = None
    repo: str | None = None
    prompt: str | None = None
    final: dict[str, object] | None = None


class History:
    """Remembered runs, newest last. Without a directory nothing is kept beyond the session."""

    def __init__(self, directory: Path | None, troubles: FileTroubles | None = None) -> None:
        path = directory / "runs.json" if directory else None
        self._file = StateFile(path, "the list of started and opened runs", troubles)
        self._runs: dict[str, Remembered] = {}
        self._by_call: dict[str, str] = {}
        for run in self._stored():
            self._keep(run)

    def _stored(self) -> list[Remembered]:
        """Return the readable runs of the file; rename the file if others are damaged."""
        content = self._file.read(lambda found: isinstance(found, list)) or []
        runs = [run for item in content if (run := _remembered(item)) is not None]
        if len(runs) < len(content):
            self._file.set_aside(f"{len(runs)} of its {len(content)} runs could be read and are kept")
            self._file.write([run._asdict() for run in runs])
        return runs

    def __len__(self) -> int:
        return len(self._runs)

    def all(self) -> list[Remembered]:
        """Return every remembered run, newest first."""
        return list(reversed(self._runs.values()))

    def get(self, run_id: str | None) -> Remembered | None:
        """Return a run by its id."""
        return self._runs.get(run_id) if run_id else None

    def by_call(self, call_id: str | None) -> Remembered | None:
        """Return the run that a call belongs to."""
        return self.get(self._by_call.get(call_id)) if call_id else None

    def remember(self, run: Remembered) -> None:
        """Keep a run; what was known of it and is not said again stays."""
        old = self._runs.pop(run.run_id, None)
        if old is not None:
            run = Remembered(
                run.run_id,
                run.call_id or old.call_id,
                run.repo or old.repo,
                run.prompt or old.prompt,
                run.final or old.final,
            )
        self._keep(run)
        self._trim()
        if run != old:
            self._write()

    def keep_final(self, answers: Mapping[str, dict[str, object]]) -> None:
        """Store the final answers about remembered runs, without reordering the runs."""
        differ = False
        for run_id, answer in answers.items():
            known = self._runs.get(run_id)
            if known is not None and known.final != answer and len(json.dumps(answer)) <= LONGEST_FINAL:
                self._runs[run_id] = known._replace(final=answer)
                differ = True
        if differ:
            self._write()

    def _trim(self) -> None:
        while len(self._runs) > KEPT:
            gone = self._runs.pop(next(iter(self._runs)))
            self._by_call.pop(gone.call_id or "", None)

    def _keep(self, run: Remembered) -> None:
        self._runs[run.run_id] = run
        if run.call_id:
            self._by_call[run.call_id] = run.run_id

    def _write(self) -> None:
        """Write the list; what another console or command has added meanwhile stays in it."""
        path = self._file.path
        if path is None:
            return
        try:
            with held(path.with_suffix(".lock"), _LOCK_SECONDS):
                self._merge()
                self._file.write([run._asdict() for run in self._runs.values()])
        except OSError:
            # Without a lock, a run that is remembered at the same instant elsewhere may be lost.
            self._file.write([run._asdict() for run in self._runs.values()])

    def _merge(self) -> None:
        """Take in the runs that only the file knows, as older than the ones known here."""
        added = [run for run in self._stored() if run.run_id not in self._runs]
        if added:
            known, self._runs = self._runs, {}
            for run in [*added, *known.values()]:
                self._keep(run)
            self._trim()


def _remembered(item: object) -> Remembered | None:
    if not isinstance(item, dict) or not isinstance(item.get("run_id"), str):
        return None
    known = {key: item.get(key) for key in ("call_id", "repo", "prompt")}
    final = item.get("final")
    return Remembered(item["run_id"], **_texts(known), final=final if isinstance(final, dict) else None)


def _texts(values: dict[str, object]) -> dict[str, str | None]:
    return {key: value if isinstance(value, str) else None for key, value in values.items()}
