"""The record view accepts focus and content before its children are mounted."""

from __future__ import annotations

from textual.app import App

from mogplex_tui.operate.record_page import LinkTarget
from mogplex_tui.screens.record_view import RecordView


async def test_page_accepts_focus_and_content_before_mounting() -> None:
    app: App[None] = App()
    async with app.run_test(size=(80, 24)) as pilot:
        view = RecordView(texts_first=True)
        view.on_focus()
        view.on_resize()
        view.show([LinkTarget("job", "Nightly", "jobs", "job_1")], [("Input", "the text")])
        view.on_blur()
        await app.mount(view)
        await pilot.pause()
        drawn = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "Nightly" in drawn
        assert "the text" in drawn
