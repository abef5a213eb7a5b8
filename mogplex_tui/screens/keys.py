"""Keys one after the other: the next one waits until whatever the last one opened has the focus.

A paste, a macro or a slow line brings several keys at once. Textual hands each of them to what has the focus as it
comes in, so that the letters behind `/` or `:` would still go to the list underneath, as verbs. Here a key has its
turn once the one before it has gone all its way: a message follows it through the same queues, again and again until
it comes back to the same place with the same focus.
"""

from __future__ import annotations

from collections import deque

from textual import events, on
from textual.app import App
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

# A message is lost with the widget that had it: so often is looked whether that is gone, in seconds.
_LOOK = 0.05
# What takes longer than so many seconds does not hold the keys up.
_PATIENCE = 2.0
# Nor does a place to which so many messages come that there is always one more.
_MOST_LAPS = 20


def _hurries(event: events.Event) -> bool:
    """Leaving waits for nothing."""
    return isinstance(event, events.Key) and event.key == "ctrl+q"


class KeysInTurn(App[int]):
    """The part of the app that hands out keys and what is pasted, in the order in which they were typed."""

    class Passed(Message, verbose=True):
        """A key has gone this way: whatever it caused is in front of this."""

        def __init__(self, lap: int) -> None:
            super().__init__()
            self.lap = lap

    def __init__(self) -> None:
        super().__init__()
        self._typed_ahead: deque[events.Key | events.Paste] = deque()
        # Who has the key whose turn it is, or the message behind it; nobody when the way is free.
        self._at: Widget | None = None
        # Where the message behind the key came back to last.
        self._came_to: Widget | None = None
        self._lap = 0
        self._last_lap = 0
        self._waited = 0.0
        self._looks: Timer | None = None

    async def on_event(self, event: events.Event) -> None:
        """Let a key or a paste wait for its turn; everything else goes its way."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded or _hurries(event):
            await super().on_event(event)
            return
        self._typed_ahead.append(event)
        if self._at is None:
            await self._next_key()
        elif self._looks is None:
            self._waited = 0.0
            self._looks = self.set_timer(_LOOK, self._look)

    def drop_typed_ahead(self) -> None:
        """Forget the keys that are still waiting."""
        self._typed_ahead.clear()

    def _front(self) -> Widget:
        return self.focused or self.screen

    async def _next_key(self) -> None:
        self._at, self._came_to = self._front(), None
        self._last_lap = self._lap + _MOST_LAPS
        place = self._at
        await super().on_event(self._typed_ahead.popleft())
        self._send_behind(place)

    def _send_behind(self, place: Widget) -> None:
        """Send a message the way of the keys."""
        self._at = place
        self._lap += 1
        place.post_message(self.Passed(self._lap))

    @on(Passed)
    async def _passed(self, event: Passed) -> None:
        """The first lap shows that the key was heard; what that caused is over when another one ends where it began.

        What a key causes may cause something in turn, which comes behind the message and has yet to be taken.
        """
        if event.lap != self._lap or not self.is_running:
            return
        place = self._front()
        more = self._lap < self._last_lap and any(
            node.message_queue_size for node in place.ancestors_with_self
        )
        if more or place is not self._came_to:
            self._came_to = place
            self._send_behind(place)
            return
        self._at = None
        if self._typed_ahead:
            await self._next_key()

    def _look(self) -> None:
        """Go on when what had the key went away with it, or takes too long."""
        self._looks = None
        if self._at is None or not self._typed_ahead or not self.is_running:
            return
        self._waited += _LOOK
        if self._waited >= _PATIENCE or not self._at.is_attached:
            self._waited = 0.0
            self._send_behind(self._front())
        self._looks = self.set_timer(_LOOK, self._look)
