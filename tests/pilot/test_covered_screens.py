"""A screen pauses its feeds while another one covers it."""

from __future__ import annotations

from tests.controlplane.row_factory import RowFactory
from tests.pilot.console import ConsoleFactory


async def test_list_is_read_only_while_it_is_visible(console: ConsoleFactory, world: RowFactory) -> None:
    repo = world.repo("acme/api")
    world.call(repo_id=repo, model="acme/first", status="success")
    async with console() as ui:
        await ui.sees("first")
        feed = ui.app.runs.feed
        # Below a dialog it is still seen.
        await ui.press("question_mark")
        await ui.until(lambda: len(ui.app.screen_stack) == 2, "the help")
        await ui.pilot.pause()
        assert feed.subscriber_count == 1
        await ui.press("escape")
        # Observability sums the runs up: it reads them in place of the list.
        for place, wanted in (("8", 0), ("6", 1), ("1", 1), ("8", 0)):
            await ui.press(place)
            await ui.until(lambda: feed.subscriber_count == wanted, f"{wanted} subscriptions to the runs")
        # What came meanwhile is there as soon as one comes back.
        world.call(repo_id=repo, model="acme/second", status="success")
        await ui.press("1")
        await ui.sees("second")


async def test_hidden_tail_stops_reading_until_shown_again(
    console: ConsoleFactory, world: RowFactory
) -> None:
    call = world.call(repo_id=world.repo("acme/api"), model="acme/first", status="streaming", type="agent")
    world.event(call, message="one")
    async with console() as ui:
        await ui.sees("first")
        await ui.press("enter")
        await ui.sees("one", "following")
        tail = ui.app.screen.run_feed.feed
        await ui.press("6")
        await ui.until(lambda: tail.subscriber_count == 0, "no subscription to the tail")
        world.event(call, message="two")
        await ui.press("1")
        await ui.sees("one", "two")
        await ui.press("escape")
        await ui.until(lambda: tail.subscriber_count == 0, "no subscription to the tail")
        assert ui.app.runs.feed.subscriber_count == 1
