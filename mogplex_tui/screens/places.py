"""Going from place to place: the screens of the digits, any kind by its name, one record, one step back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from mogplex_tui.live.collection import Item
from mogplex_tui.screens.tasks import ConsoleTasks

if TYPE_CHECKING:
    from textual.screen import Screen

    from mogplex_tui.live.collection import Collection
    from mogplex_tui.live.scheduler import Feed
    from mogplex_tui.operate.kinds.base import Context, Kind, Link
    from mogplex_tui.operate.kinds.verb import Verb
    from mogplex_tui.operate.model import Values
    from mogplex_tui.operate.waiting import Waiting
    from mogplex_tui.screens.palette import Entry

# Screens of their own shape; every other place is a kind.
OWN = ("runs", "observability")


class ConsolePlaces(ConsoleTasks):
    """The part of the app that knows the way: modes for the places, a stack of steps in each."""

    def __init__(self) -> None:
        super().__init__()
        self._collections: dict[str, Collection] = {}
        self._came_from: list[str] = []
        self._waiting: Waiting | None = None
        # Links whose record is being looked for, each with the screen that it stands on.
        self._following: set[tuple[Screen[Any], Link]] = set()
        # Whether the service is this console's own control plane, which has no pages for a browser.
        self.embedded = False

    def collection(self, kind: Kind) -> Collection:
        """Return the rows of a kind, made when they are first asked for."""
        if kind.name not in self._collections:
            from mogplex_tui.operate.kinds.base import collection_of

            self._collections[kind.name] = collection_of(self.session, kind)
        return self._collections[kind.name]

    def feeds_of(self, kind: Kind) -> Sequence[Feed]:
        """Return what keeps a kind's list fresh: its own feed, and those of the kinds that it tells from."""
        from mogplex_tui.operate.kinds.registry import kinds

        return (
            self.collection(kind).feed,
            *(
                self.runs.feed if name == "runs" else self.collection(kinds()[name]).feed
                for name in kind.beside
            ),
        )

    def watch_questions(self) -> None:
        """Begin to count the questions that wait for a person."""
        from mogplex_tui.operate.kinds.approvals import KIND
        from mogplex_tui.operate.kinds.typed import for_screens
        from mogplex_tui.operate.waiting import Waiting

        self._waiting = Waiting(self.session, self.collection(for_screens(KIND)))
        self._waiting.start()

    @property
    def questions(self) -> int:
        """How many questions wait for a person; 0 where nothing is known of them."""
        return 0 if self._waiting is None else self._waiting.count

    async def go(self, name: str) -> None:
        """Show a place by its name; from a step inside it, its first screen."""
        if self.current_mode == name:
            while len(self.screen_stack) > 1:
                await self.pop_screen()
            return
        if name not in OWN and name not in self._modes:
            from mogplex_tui.screens.kind_screen import screen_of

            self.add_mode(name, screen_of(name))
        self._came_from = [*(place for place in self._came_from[-8:] if place != name), self.current_mode]
        await self.switch_mode(name)

    async def go_narrowed(self, name: str, text: str) -> None:
        """Show a list by its name, narrowed by a filter as if that had been typed there."""
        from mogplex_tui.screens.narrowing import NarrowScreen

        await self.go(name)
        if isinstance(self.screen, NarrowScreen):
            await self.screen.narrow_to(text)

    @property
    def has_way_back(self) -> bool:
        """Whether there is a step to go back to; a question over the screen is none."""
        steps = [screen for screen in self.screen_stack if not screen.is_modal]
        return len(steps) > 1 or bool(self._came_from)

    def back(self, screen: Screen[Any]) -> None:
        """Go back one step: out of a record, or to the place where one was before."""
        if len(self.screen_stack) > 1:
            leave = getattr(screen, "leave", None)
            if leave is not None:
                leave()
            self.pop_screen()
        elif self._came_from:
            self.run_job(self._back_to(self._came_from.pop()))

    async def _back_to(self, place: str) -> None:
        await self.switch_mode(place)

    def open_item(self, kind: Kind, item: Item) -> None:
        """Show one record."""
        from mogplex_tui.screens.detail_screen import detail_of

        self.push_screen(detail_of(kind.name)(item))

    def follow(self, link: Link) -> None:
        """Go where a link leads: to one record, or to a list narrowed by its filter."""
        from mogplex_tui.screens.kind_screen import screen_of

        if link.kind == "runs":
            self._follow_to_runs(link)
        elif link.key is None:
            self.push_screen(screen_of(link.kind)(link.filter, link.span))
        elif (self.screen, link) not in self._following:
            self._following.add((self.screen, link))
            self.run_job(self._follow_to_one(link, link.key, self.screen))

    async def _follow_to_one(self, link: Link, key: str, asked_on: Screen[Any]) -> None:
        from mogplex_tui.api.errors import MogplexError
        from mogplex_tui.operate.kinds.registry import kinds

        kind, item = kinds()[link.kind], None
        why_not = f"{kind.noun.capitalize()} {link.text} is not among what this credential sees."
        try:
            item = await self._found(kind, key)
        except MogplexError as error:
            why_not = str(error)
        finally:
            self._following.discard((asked_on, link))
        if item is None:
            self.notify(why_not, severity="warning", markup=False)
        else:
            said = f"{kind.noun.capitalize()} {link.text} has been read and not opened: you have gone on meanwhile."
            self.show_late(asked_on, partial(self.open_item, kind, item), said)

    async def _found(self, kind: Kind, key: str) -> Item | None:
        from mogplex_tui.api.budget import Priority
        from mogplex_tui.api.errors import NotFound

        collection = self.collection(kind)
        try:
            if key not in collection.set.rows:
                await collection.fetch()
            if key not in collection.set.rows and kind.one is not None and collection.road is not None:
                # A list may hold the newest alone.
                collection.put(await kind.one(self.session.client.at(Priority.TABLE), Item(key, None)))
        except NotFound:
            pass
        return collection.set.rows.get(key)

    def _follow_to_runs(self, link: Link) -> None:
        from mogplex_tui.screens.runs import RunsScreen

        row = next(
            (
                row
                for row in self.runs.set.rows.values()
                if link.key is not None and link.key in (row.key, row.run_id, row.call_id, row.job_id)
            ),
            None,
        )
        if row is not None:
            self.open_run(row)
            return
        self.push_screen(RunsScreen(link.filter or f"id:{link.key}"))

    def places(self) -> Iterable[Entry]:
        """Offer every kind in the palette, by its name and its aliases."""
        from mogplex_tui.operate import actions, words
        from mogplex_tui.operate.kinds.registry import kinds
        from mogplex_tui.screens.palette import Entry

        keys = {name: key for key, _, name in actions.tabs()}
        for kind in kinds().values():
            about, key = f"The list of {words.many(kind.noun)}.", keys.get(kind.name, "")
            go, narrow = partial(self.go, kind.name), partial(self.go_narrowed, kind.name)
            yield Entry((kind.name, *kind.aliases), about, go, place=True, key=key, more=narrow)

    # What is done to records -----------------------------------------------------------------------------------

    def ask_verb(
        self, kind: Kind, verb: Verb, items: list[Item], begun: Callable[[], None] = lambda: None
    ) -> None:
        """Ask what a verb needs to know, or whether it is meant, and then carry it out; `begun` hears that it goes."""
        from mogplex_tui.screens.questions import verb_screen

        able = [item for item in items if verb.why_not(item) is None and item.record is not None]
        if verb.new is not None:
            able, closed = [Item("", None)], self.collection(kind).closed(kind.needs)
            if closed is not None:
                self.notify(closed, severity="warning", markup=False)
                return
        elif not able:
            why = next((verb.why_not(item) for item in items if item.record is not None), None)
            said = why or (
                f"This {kind.noun} could not be read, so nothing can be done to it."
                if items
                else f"There is no {kind.noun} under the cursor that this could be done to."
            )
            self.notify(said, severity="warning", markup=False)
            return
        asked = verb_screen(self.session, kind, verb, able, self._cells_now(), self.protected_name)

        def go(text: str | Values) -> None:
            begun()
            self.run_job(self._carry_out(kind, verb, able, text))

        if asked is None:
            go("")
        else:
            self.push_screen(asked, partial(self._go_if, kind, verb, able, go))

    def _cells_now(self) -> Context:
        from mogplex_tui.operate.kinds.base import Context

        return Context(self.session.clock.now())

    def _go_if(
        self,
        kind: Kind,
        verb: Verb,
        items: list[Item],
        go: Callable[[str | Values], None],
        answer: bool | str | Values | None,
    ) -> None:
        if answer is None or answer is False:
            return
        text: str | Values = "" if isinstance(answer, bool) else answer
        if isinstance(text, str) and verb.parameters:
            from mogplex_tui.operate.model import Values

            text = Values({parameter.name: text for parameter in verb.parameters})
        if not isinstance(answer, bool) and verb.means and self.protected_name:
            from mogplex_tui.operate.verbs import named
            from mogplex_tui.screens.modals.confirm import ConfirmModal
            from mogplex_tui.screens.questions import verb_question

            about = items if verb.new is None else [named(verb, text)]
            asked = ConfirmModal(verb_question(kind, verb, about, self._cells_now()), self.protected_name)
            self.push_screen(asked, lambda sure: go(text) if sure else None)
            return
        go(text)

    async def _carry_out(self, kind: Kind, verb: Verb, items: list[Item], text: str | Values) -> None:
        from mogplex_tui.operate.verbs import carry_out_all

        outcome = await carry_out_all(self.session, self.collection(kind), kind, verb, items, text)
        self.notify(
            outcome.sentence,
            severity="information" if outcome.good else "warning",
            timeout=5 if outcome.good else 12,
            markup=False,
        )
        if outcome.secret is not None:
            from mogplex_tui.screens.modals.reveal import RevealModal

            # Whatever is open by now, it is told this once.
            self.show_in_turn(RevealModal(f"The secret of the new {kind.noun}", outcome.secret, self.copy))

    def copy(self, text: str, what: str) -> None:
        """Put a text on the terminal's clipboard and say so."""
        self.copy_to_clipboard(text)
        self.notify(f"Copied {what}.", timeout=3, markup=False)

    def browse(self, kind: Kind, item: Item | None) -> None:
        """Open a record's page in the browser; where there is no page or no browser, say so.

        A browser for the terminal is none here: it would take the terminal from the console.
        """
        from mogplex_tui.operate.browsers import has_browser

        address = kind.page(item)
        if not address:
            said = "has no page of its own in the browser."
            name = "Nothing" if item is None else f"{kind.noun.capitalize()} {kind.name_of(item)}"
            self.notify(f"{name} {said}", severity="warning", markup=False)
            return
        if address.startswith("/"):
            if self.embedded:
                self.notify("The embedded control plane has no pages.", severity="warning", markup=False)
                return
            address = self.session.target.base_url + address
        if not address.startswith(("https://", "http://")):
            return
        if has_browser():
            self.open_url(address)
            self.notify(f"Opened {address}", timeout=3, markup=False)
        else:
            self.copy_to_clipboard(address)
            self.notify(f"There is no browser with a window here. Copied {address}", timeout=12, markup=False)
