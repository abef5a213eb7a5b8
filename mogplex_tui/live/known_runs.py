"""Runs that were started or opened on this machine, stored on disk.

v1 has no list of runs (v1.md §0).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mogplex_tui.config.file_locks import locked
from mogplex_tui.config.state_file import FileErrorReporter, StateFile

MAX_RUNS = 500
# Characters of JSON up to which the last answer about a run is stored; a longer one is read again.
LONGEST_FINAL = 8000
# Seconds to wait for another process that is writing the file.
_LOCK_SECONDS = 0.5


class KnownRun(NamedTuple):
    """A run that was started or opened on this machine.

    The prompt is stored because the service never returns it. `final` is the service's last
    response about a run that can no longer change and is therefore not read again.
    """

    run_id: str
    call_id: str | None = None
    repo: str | None = None
    prompt: str | None = None
    final: dict[str, object] | None = None


class KnownRuns:
    """The runs that were started or opened on this machine, newest last.

    They are stored in a file if the session has a directory.
    """

    def __init__(self, directory: Path | None, errors: FileErrorReporter | None = None) -> None:
        path = directory / "runs.json" if directory else None
        self._file = StateFile(path, "the list of started and opened runs", errors)
        self._runs: dict[str, KnownRun] = {}
        self._by_call: dict[str, str] = {}
        for run in self._stored():
            self._keep(run)

    def _stored(self) -> list[KnownRun]:
        """Return the runs stored in the file, without unreadable ones.

        A file with unreadable content is renamed.
        """
        content = self._file.read(lambda found: isinstance(found, list)) or []
        runs = [run for item in content if (run := _remembered(item)) is not None]
        if len(runs) < len(content):
            self._file.rename_damaged(f"{len(runs)} of its {len(content)} runs could be read and are kept")
            self._file.write([run._asdict() for run in runs])
        return runs

    def __len__(self) -> int:
        return len(self._runs)

    def all(self) -> list[KnownRun]:
        """Return all known runs, newest first."""
        return list(reversed(self._runs.values()))

    def get(self, run_id: str | None) -> KnownRun | None:
        """Return the run with an id, or None."""
        return self._runs.get(run_id) if run_id else None

    def by_call(self, call_id: str | None) -> KnownRun | None:
        """Return the run that an AI call belongs to, or None."""
        return self.get(self._by_call.get(call_id)) if call_id else None

    def remember(self, run: KnownRun) -> None:
        """Add a run as the newest; fields that are None keep their stored values."""
        old = self._runs.pop(run.run_id, None)
        if old is not None:
            run = KnownRun(
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

    def store_final(self, answers: Mapping[str, dict[str, object]]) -> None:
        """Store the final responses about known runs, without changing the runs' order."""
        differ = False
        for run_id, answer in answers.items():
            known = self._runs.get(run_id)
            if known is not None and known.final != answer and len(json.dumps(answer)) <= LONGEST_FINAL:
                self._runs[run_id] = known._replace(final=answer)
                differ = True
        if differ:
            self._write()

    def _trim(self) -> None:
        while len(self._runs) > MAX_RUNS:
            gone = self._runs.pop(next(iter(self._runs)))
            self._by_call.pop(gone.call_id or "", None)

    def _keep(self, run: KnownRun) -> None:
        self._runs[run.run_id] = run
        if run.call_id:
            self._by_call[run.call_id] = run.run_id

    def _write(self) -> None:
        """Write the file, keeping runs that another process has added to it."""
        path = self._file.path
        if path is None:
            return
        try:
            with locked(path.with_suffix(".lock"), _LOCK_SECONDS):
                self._merge()
                self._file.write([run._asdict() for run in self._runs.values()])
        except OSError:
            # Without a lock, a run that another process adds at the same time may be lost.
            self._file.write([run._asdict() for run in self._runs.values()])

    def _merge(self) -> None:
        """Add the runs that are only in the file, as the oldest."""
        added = [run for run in self._stored() if run.run_id not in self._runs]
        if added:
            known, self._runs = self._runs, {}
            for run in [*added, *known.values()]:
                self._keep(run)
            self._trim()


def _remembered(item: object) -> KnownRun | None:
    if not isinstance(item, dict) or not isinstance(item.get("run_id"), str):
        return None
    known = {key: item.get(key) for key in ("call_id", "repo", "prompt")}
    final = item.get("final")
    return KnownRun(item["run_id"], **_texts(known), final=final if isinstance(final, dict) else None)


def _texts(values: dict[str, object]) -> dict[str, str | None]:
    return {key: value if isinstance(value, str) else None for key, value in values.items()}
