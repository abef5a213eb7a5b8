"""The runs that were started or opened from here, kept on disk: v1 has no list of runs (v1.md §0)."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mogplex_tui.config.paths import read_json, write_private

log = logging.getLogger("mogplex.live")

KEPT = 500
# The last answer about a run is kept up to so many characters of JSON; a longer one is read again.
LONGEST_FINAL = 8000


class Remembered(NamedTuple):
    """One run that this machine knows of.

    The prompt is kept because the service never returns it. `final` is the service's last answer about the run once it
    has ended for good; the run is not read again.
    """

    run_id: str
    call_id: str | None = None
    repo: str | None = None
    prompt: str | None = None
    final: dict[str, Any] | None = None


class History:
    """Remembered runs, newest last. Without a directory nothing is kept beyond the session."""

    def __init__(self, directory: Path | None) -> None:
        self._path = directory / "runs.json" if directory else None
        self._runs: dict[str, Remembered] = {}
        self._by_call: dict[str, str] = {}
        # What of the file could not be kept or read, in words; shown once.
        self.trouble: str | None = None
        stored = read_json(self._path, []) if self._path else []
        for item in stored if isinstance(stored, list) else []:
            if isinstance(item, dict) and isinstance(item.get("run_id"), str):
                known = {key: item.get(key) for key in ("call_id", "repo", "prompt")}
                final = item.get("final")
                self._keep(
                    Remembered(
                        item["run_id"], **_texts(known), final=final if isinstance(final, dict) else None
                    )
                )

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
        while len(self._runs) > KEPT:
            gone = self._runs.pop(next(iter(self._runs)))
            self._by_call.pop(gone.call_id or "", None)
        if run != old:
            self._write()

    def keep_final(self, answers: Mapping[str, dict[str, Any]]) -> None:
        """Keep the last answers about remembered runs that have ended for good; their order stays."""
        differ = False
        for run_id, answer in answers.items():
            known = self._runs.get(run_id)
            if known is not None and known.final != answer and len(json.dumps(answer)) <= LONGEST_FINAL:
                self._runs[run_id] = known._replace(final=answer)
                differ = True
        if differ:
            self._write()

    def _keep(self, run: Remembered) -> None:
        self._runs[run.run_id] = run
        if run.call_id:
            self._by_call[run.call_id] = run.run_id

    def _write(self) -> None:
        if self._path is None:
            return
        try:
            write_private(self._path, json.dumps([run._asdict() for run in self._runs.values()]))
        except OSError as error:
            self.trouble = f"The list of runs could not be kept in {self._path}: {error.strerror}."
            log.warning("history not written: %s", error)


def _texts(values: dict[str, Any]) -> dict[str, str | None]:
    return {key: value if isinstance(value, str) else None for key, value in values.items()}
