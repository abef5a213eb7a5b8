"""Exports lists, records and runs to files; a background thread writes the files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App

from mogplex_tui.live.run_event_tail import EventLine
from mogplex_tui.live.run_row import RunRow
from mogplex_tui.live.session import Session
from mogplex_tui.operate.kind_rows import ListedRow
from mogplex_tui.operate.model import Kind, Row
from mogplex_tui.screens.header_line import Look
from mogplex_tui.screens.task_runner import TaskRunner

if TYPE_CHECKING:
    from mogplex_tui.operate.exports import Export, ExportFormat, ExportSource
    from mogplex_tui.screens.modals.export import ExportModal


class Exporter:
    """Asks for the format and name of a file and writes the data into it.

    The data is exported as it was when the key was pressed; later changes are not included.
    """

    def __init__(self, app: App[int], session: Session, look: Look, tasks: TaskRunner) -> None:
        self._app, self._session, self._look, self._tasks = app, session, look, tasks

    def ask_rows(self, kind: Kind[Row], entries: Sequence[ListedRow[Row]], notes: Sequence[str]) -> None:
        """Ask for a file name and format, then export the given rows of a list.

        `notes` are sentences in the file that say which rows were exported.
        """
        from mogplex_tui.operate.exports import ListExport

        self._ask(ListExport(kind, entries, notes, self._source()))

    def ask_run(self, row: RunRow, name: str, lines: Sequence[EventLine], notes: Sequence[str]) -> None:
        """Ask for a file name and format, then export a run with its events.

        `notes` are sentences in the file that say which events are missing.
        """
        from mogplex_tui.operate.exports import RunExport

        self._ask(RunExport(row, name, lines, notes, self._source()))

    def save_text(self, subject: str, suffix: str, text: str) -> None:
        """Save a text to a new file in the current directory without asking for its name."""
        from mogplex_tui.operate.export_files import file_stem

        source = self._source()
        stem = file_stem(self._look.context, subject, source.at)
        self._tasks.run(self._save_text(stem, suffix, source.scrubber.text(text)))

    async def _save_text(self, stem: str, suffix: str, text: str) -> None:
        from mogplex_tui.api.daemon_thread import run_in_daemon_thread
        from mogplex_tui.operate.export_files import ExportError, unused_name, write_new_file

        try:
            path = await run_in_daemon_thread(lambda: write_new_file(unused_name(stem, suffix), [text]))
        except ExportError as error:
            self._app.notify(str(error), severity="warning", timeout=12, markup=False)
        else:
            self._app.notify(f"Saved to {path}", timeout=12, markup=False)

    def _source(self) -> ExportSource:
        from mogplex_tui.operate.exports import ExportSource
        from mogplex_tui.operate.serialization import Scrubber

        session = self._session
        target = session.target if session.attached else None
        return ExportSource(
            self._look.context,
            session.service if target is None else target.base_url,
            session.clock.now(),
            Scrubber() if target is None else Scrubber(target.scrub),
        )

    def _ask(self, export: Export[Row]) -> None:
        from mogplex_tui.operate.export_files import file_stem
        from mogplex_tui.screens.modals.export import ExportModal

        def write(dialog: ExportModal, format: ExportFormat, name: str) -> None:
            self._tasks.run(self._write(export, dialog, format, name))

        name = file_stem(self._look.context, export.subject, export.source.at)
        self._app.push_screen(
            ExportModal(f"Export {export.count}", name, export.formats(), export.notes, write)
        )

    async def _write(self, export: Export[Row], dialog: ExportModal, format: ExportFormat, name: str) -> None:
        from mogplex_tui.api.daemon_thread import run_in_daemon_thread
        from mogplex_tui.operate.export_files import ExportError, write_new_file

        try:
            path = await run_in_daemon_thread(partial(write_new_file, name, export.chunks(format)))
        except ExportError as error:
            if self._app.screen is dialog:
                dialog.show_problem(str(error))
            else:
                self._app.notify(str(error), severity="warning", timeout=12, markup=False)
            return
        dialog.dismiss()
        self._app.notify(f"Exported {export.count} to {path}", timeout=12, markup=False)
