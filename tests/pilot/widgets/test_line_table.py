from __future__ import annotations

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.widget import Widget

from .hosts import Rows, TableHost, names, ragged, shown, text_of, until


def host(count: int = 200) -> TableHost:
    return TableHost(Rows(names(count)))


def cursor_lines(app: TableHost) -> list[int]:
    return [y for y, line in enumerate(shown(app.table)) if line.startswith("▌")]


def rows_on_screen(app: TableHost) -> list[str]:
    return [line[2:10] for line in shown(app.table)[1:]]


async def test_keys_move_the_cursor() -> None:
    app = host()
    async with app.run_test(size=(100, 22)) as pilot:
        for keys, row in (
            ("down down j", "run00003"),
            ("up k", "run00001"),
            ("G", "run00199"),
            ("home", "run00000"),
            ("end", "run00199"),
            ("home", "run00000"),
            ("pagedown", "run00019"),
            ("pageup", "run00000"),
            ("ctrl+f", "run00019"),
            ("ctrl+b", "run00000"),
            ("up", "run00000"),
        ):
            await pilot.press(*keys.split())
            assert app.table.cursor_key == row
            (line,) = cursor_lines(app)
            assert row in text_of(app.table, line)


async def test_enter_and_cursor_moves_post_messages() -> None:
    app = host()
    async with app.run_test() as pilot:
        await pilot.press("down", "enter")
        await until(pilot, lambda: ("selected", "run00001") in app.messages)
        assert ("highlighted", "run00000", 0) in app.messages
        assert ("highlighted", "run00001", 1) in app.messages


async def test_key_and_its_effects_cause_one_repaint() -> None:
    app = host()
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.frames and app.frames[-1][1].strip() == "at run00000")
        app.frames.clear()
        for _ in range(5):
            await pilot.press("down")
            await until(pilot, lambda: app.frames)
        await until(pilot, lambda: "run00005" in app.frames[-1][0])
        for at, status in app.frames:
            assert status.strip() == f"at {at[2:10]}"


async def test_cursor_keeps_its_row_when_the_order_changes() -> None:
    app = host(50)
    async with app.run_test(size=(100, 22)) as pilot:
        await pilot.press("down", "down", "down")
        app.rows.names.reverse()
        app.table.refresh_rows(reordered=True)
        assert app.table.cursor_key == "run00003"
        await until(pilot, lambda: [text_of(app.table, y)[2:10] for y in cursor_lines(app)] == ["run00003"])


async def test_rows_inserted_above_do_not_scroll_the_view() -> None:
    app = host()
    async with app.run_test(size=(100, 22)) as pilot:
        await pilot.press("pagedown", "pagedown", "pagedown")
        before, cursor = rows_on_screen(app), cursor_lines(app)
        app.rows.names[:0] = ["new00001", "new00002"]
        app.table.refresh_rows({"new00001", "new00002"})
        await pilot.pause()
        assert rows_on_screen(app) == before
        assert cursor_lines(app) == cursor


async def test_at_the_top_the_view_stays_at_the_top() -> None:
    app = host()
    async with app.run_test(size=(100, 22)) as pilot:
        await pilot.press("down")
        app.rows.names[:0] = ["new00001"]
        app.table.refresh_rows()
        await until(pilot, lambda: rows_on_screen(app)[0] == "new00001")
        assert app.table.cursor_key == "run00001"
        await until(pilot, lambda: cursor_lines(app) == [3])


@pytest.mark.parametrize("chosen", [["down"], ["enter"]], ids=["moved", "opened"])
async def test_view_follows_a_cursor_that_new_rows_push_out(chosen: list[str]) -> None:
    app = host()
    async with app.run_test(size=(100, 22)) as pilot:
        await pilot.press(*chosen)
        its = app.table.cursor_key
        app.rows.names[:0] = [f"new{number:05d}" for number in range(60)]
        app.table.refresh_rows()
        assert app.table.cursor_key == its
        await until(pilot, lambda: [text_of(app.table, y)[2:10] for y in cursor_lines(app)] == [its])


@pytest.mark.parametrize("keys", [[], ["down", "home"]], ids=["no key", "moved and back to the top"])
async def test_unmoved_cursor_stays_on_the_first_row(keys: list[str]) -> None:
    app = host()
    async with app.run_test(size=(100, 22)) as pilot:
        await pilot.press(*keys)
        app.rows.names[:0] = ["new00001"]
        app.table.refresh_rows()
        # On its row as long as that is in sight.
        assert app.table.cursor_key == "run00000"
        app.rows.names[:0] = [f"new{number:05d}" for number in range(60, 2, -1)]
        app.table.refresh_rows()
        await until(pilot, lambda: rows_on_screen(app)[0] == "new00060")
        assert app.table.cursor_key == "new00060"
        assert cursor_lines(app) == [1]
        assert ("highlighted", "new00060", 0) in app.messages


async def test_cursor_moves_to_the_row_that_replaces_a_removed_one() -> None:
    app = host(10)
    async with app.run_test() as pilot:
        await pilot.press("down", "down")
        del app.rows.names[2]
        app.table.refresh_rows()
        await until(pilot, lambda: ("highlighted", "run00003", 2) in app.messages)
        del app.rows.names[1:]
        app.table.refresh_rows()
        await until(pilot, lambda: app.table.cursor_key == "run00000")
        await until(pilot, lambda: cursor_lines(app) == [1])
        app.rows.names.clear()
        app.table.set_message(["No runs yet.", "n starts one."])
        app.table.refresh_rows()
        assert app.table.cursor_key is None
        await until(pilot, lambda: "No runs yet." in "\n".join(shown(app.table)))
        text = "\n".join(shown(app.table))
        assert "n starts one." in text
        assert "run0" not in text


async def test_new_source_keeps_the_cursor_on_a_known_row() -> None:
    app = host(30)
    async with app.run_test() as pilot:
        await pilot.press("down", "down")
        app.table.set_source(Rows(list(reversed(names(30)))))
        assert app.table.cursor_key == "run00002"
        app.table.set_source(Rows(["other"]))
        assert app.table.cursor_key == "other"


async def test_changed_cells_are_drawn_and_only_visible_rows_are_read() -> None:
    app = TableHost(Rows(names(100_000)))
    async with app.run_test(size=(120, 41)) as pilot:
        await pilot.press("down", "pagedown")
        assert len(set(app.rows.asked)) < 100
        assert len(app.rows.asked) < 150
        app.rows.asked.clear()
        app.rows.costs["run00040"] = "$9.99"
        app.table.refresh_rows(names(1000))
        await until(pilot, lambda: "$9.99" in "\n".join(shown(app.table)))
        assert len(app.rows.asked) < 50
        assert all(app.table.move_cursor_to(key) for key in ("run99999", "run50000"))
        assert not app.table.move_cursor_to("nobody")
        assert "run50000" in "\n".join(shown(app.table))


async def test_only_lines_that_look_different_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    app = host()
    async with app.run_test(size=(100, 22)) as pilot:
        await pilot.press("down")
        painted: list[Region] = []
        refresh = app.table.refresh

        def counted(*regions: Region) -> Widget:
            painted.extend(regions)
            return refresh(*regions)

        monkeypatch.setattr(app.table, "refresh", counted)
        app.table.refresh_rows()
        app.table.refresh_rows(names(200), reordered=True)
        app.rows.costs["run00150"] = "$9.99"
        app.table.refresh_rows(["run00150"])
        app.rows.costs["run00004"] = "$9.99"
        app.table.refresh_rows(names(200))
        await until(pilot, lambda: "$9.99" in text_of(app.table, 5))
        assert painted == [Region(0, 5, 100, 1)]


async def test_change_after_a_key_is_painted_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    app = host()
    async with app.run_test(size=(100, 22)):
        painted: list[Region] = []
        refresh = app.table.refresh
        app.table.action_cursor(1)

        def counted(*regions: Region) -> Widget:
            painted.extend(regions)
            return refresh(*regions)

        monkeypatch.setattr(app.table, "refresh", counted)
        app.rows.costs["run00004"] = "$9.99"
        app.table.refresh_rows(["run00004"])
        assert painted == [Region(0, 5, 100, 1)]


@pytest.mark.parametrize(
    ("columns", "titles"),
    [
        (200, ["NAME", "STATE", "WHO", "BRANCH", "MODEL", "COST"]),
        (120, ["NAME", "STATE", "WHO", "BRANCH", "MODEL", "COST"]),
        (80, ["NAME", "STATE", "WHO", "BRANCH", "COST"]),
        (50, ["NAME", "STATE", "BRANCH", "COST"]),
        (40, ["NAME", "STATE", "COST"]),
        (20, ["NAME", "STATE"]),
    ],
    ids=[f"{width} columns" for width in (200, 120, 80, 50, 40, 20)],
)
async def test_columns_drop_by_priority_and_nothing_overlaps(columns: int, titles: list[str]) -> None:
    app = host()
    async with app.run_test(size=(columns, 24)):
        lines = shown(app.table)
        assert lines[0].split()[: len(titles)] == titles or columns == 20
        assert not ragged(app.table)
        if columns >= 40:
            starts = {line.index("$0.10") for line in lines[1:]}
            assert len(starts) == 1
            assert starts.pop() + 5 == lines[0].index("COST") + 4


async def test_resize_leaves_an_unmoved_cursor_on_the_first_row() -> None:
    app = host()
    async with app.run_test(size=(100, 22)) as pilot:
        app.rows.names[:0] = [f"new{number:05d}" for number in range(12)]
        app.table.refresh_rows()
        assert app.table.cursor_key == "run00000"
        await pilot.resize_terminal(100, 10)
        await until(pilot, lambda: app.table.size.height < 10)
        await until(pilot, lambda: app.table.cursor_key == "new00000")
        assert rows_on_screen(app)[0] == "new00000"


async def test_resize_rearranges_columns_and_keeps_the_cursor_in_view() -> None:
    app = host()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*["down"] * 35)
        await pilot.resize_terminal(60, 12)
        await until(pilot, lambda: app.table.size.width == 60 and cursor_lines(app))
        assert not ragged(app.table)
        assert "MODEL" not in text_of(app.table, 0)
        (line,) = cursor_lines(app)
        assert "run00035" in text_of(app.table, line)


async def test_near_end_is_posted_once_for_each_length() -> None:
    app = host(300)
    async with app.run_test(size=(100, 22)) as pilot:
        await pilot.pause()
        assert not [message for message in app.messages if message[0] == "near end"]
        await pilot.press("end", "up", "down")
        await until(pilot, lambda: ("near end", 300) in app.messages)
        app.rows.names.extend(f"more{number:04d}" for number in range(100))
        app.table.refresh_rows()
        await pilot.press("end")
        await until(pilot, lambda: ("near end", 400) in app.messages)
        assert [message[1] for message in app.messages if message[0] == "near end"] == [300, 400]


@pytest.mark.parametrize(
    ("rows", "at_once"),
    [(15, True), (22, False), (50, False)],
    ids=["rows fit", "rows overflow", "rows fill several screens"],
)
async def test_near_end_of_a_full_screen_is_posted_after_scrolling(rows: int, at_once: bool) -> None:
    app = host(rows)
    async with app.run_test(size=(100, 22)) as pilot:
        app.table.refresh_rows()
        await pilot.pause()
        assert (("near end", rows) in app.messages) is at_once
        app.table.wheel(3)
        await pilot.pause()
        assert [message for message in app.messages if message[0] == "near end"] == [("near end", rows)]


async def test_mouse_selects_opens_scrolls_and_drags() -> None:
    app = host(1000)
    async with app.run_test(size=(100, 22)) as pilot:
        await pilot.click(app.table, offset=(8, 5))
        assert app.table.cursor_key == "run00004"
        await pilot.click(app.table, offset=(8, 7), times=2)
        await until(pilot, lambda: ("selected", "run00006") in app.messages)
        await pilot.click(app.table, offset=(14, 0))
        await until(pilot, lambda: ("header", "state") in app.messages)
        for event, first in ((MouseScrollDown, "run00003"), (MouseScrollUp, "run00000")):
            app.table.post_message(event(app.table, 5, 5, 0, 0, 0, False, False, False))
            await until(pilot, lambda: rows_on_screen(app)[0] == first)
        assert app.table.cursor_key == "run00006"
        await pilot.mouse_down(app.table, offset=(99, 1))
        await pilot.hover(app.table, offset=(99, 20))
        await pilot.mouse_up(app.table, offset=(99, 20))
        await until(pilot, lambda: rows_on_screen(app)[-1] == "run00999")


async def test_removed_table_with_pending_message_freezes_nothing() -> None:
    app = host()
    async with app.run_test() as pilot:
        app.table.action_cursor(1)
        await app.table.remove()
        app.frames.clear()
        app.status.set_segments([])
        app.status.refresh()
        await until(pilot, lambda: app._batch_count == 0)
