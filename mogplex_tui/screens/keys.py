"""Hands out typed keys one at a time: the next one waits until the last one has taken effect.

A paste, a macro or a slow line brings several keys at once. Textual hands each of them to the focused widget as it
comes in, so that the letters typed after `/` or `:` would still go to the list underneath and start its actions. Here
the next key waits until a marker message, posted after the key, has passed through the same queues and has come back
to the same widget with the same focus.
"""

from __future__ import annotations

from collections import deque

from textual import events, on
from textual.app import App
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

# A marker is lost with the widget that it was posted to: this often, in seconds, the widget is looked for.
_CHECK_INTERVAL = 0.05
# A widget that takes longer than this for one key, in seconds, is stuck. The keys that wait for it are dropped.
_STUCK_AFTER = 5.0
# A widget that never runs out of messages holds a key up for this many markers.
_MOST_MARKERS = 20


def _never_waits(event: events.Event) -> bool:
    """Return whether a key leaves the console at once, whatever is being done."""
    return isinstance(event, events.Key) and event.key == "ctrl+q"


class KeysInTurn(App[int]):
    """An app that hands out keys and pastes in the order in which they were typed."""

    class Passed(Message, verbose=True):
        """Marks the end of a key: whatever the key caused comes before it in the queues."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self) -> None:
        super().__init__()
        self._typed_ahead: deque[events.Key | events.Paste] = deque()
        # The widget that has the present key or the marker behind it; None when no key is on its way.
        self._at: Widget | None = None
        # The widget that had the focus when the last marker came back.
        self._came_to: Widget | None = None
        self._marker = 0
        self._last_marker = 0
        self._waited = 0.0
        self._check_timer: Timer | None = None

    async def on_event(self, event: events.Event) -> None:
        """Let a key or a paste wait for its turn; handle every other event at once."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded or _never_waits(event):
            await super().on_event(event)
            return
        self._typed_ahead.append(event)
        if self._at is None:
            await self._next_key()
        elif self._check_timer is None:
            self._waited = 0.0
            self._check_timer = self.set_timer(_CHECK_INTERVAL, self._check)

    def drop_typed_ahead(self) -> None:
        """Forget the keys that are still waiting."""
        self._typed_ahead.clear()

    def _front(self) -> Widget:
        return self.focused or self.screen

    async def _next_key(self) -> None:
        self._at, self._came_to, self._waited = self._front(), None, 0.0
        self._last_marker = self._marker + _MOST_MARKERS
        widget = self._at
        await super().on_event(self._typed_ahead.popleft())
        self._post_marker(widget)

    def _post_marker(self, widget: Widget) -> None:
        self._at = widget
        self._marker += 1
        widget.post_message(self.Passed(self._marker))

    @on(Passed)
    async def _passed(self, event: Passed) -> None:
        """Post another marker, or hand out the next key when nothing changed since the last one.

        The first marker shows that the key was handled. What the key causes may cause more, which comes behind the
        marker, so the key is done only when a second marker comes back to the same focus and the queues are empty.
        """
        if event.number != self._marker or not self.is_running:
            return
        front = self._front()
        busy = self._marker < self._last_marker and any(
            node.message_queue_size for node in front.ancestors_with_self
        )
        if busy or front is not self._came_to:
            self._came_to = front
            self._post_marker(front)
            return
        self._at = None
        if self._typed_ahead:
            await self._next_key()

    def _check(self) -> None:
        """Go on without the widget that has the key when it is gone, or stuck.

        The keys behind a stuck widget were typed for what it would have opened. The widget in front now would take
        them for something else, so they are dropped.
        """
        self._check_timer = None
        if self._at is None or not self._typed_ahead or not self.is_running:
            return
        self._waited += _CHECK_INTERVAL
        if self._waited >= _STUCK_AFTER:
            self.drop_typed_ahead()
            self._at = None
            self.notify(
                f"The last key took more than {_STUCK_AFTER:.0f} s. The keys typed after it were dropped.",
                severity="warning",
                markup=False,
            )
            return
        if not self._at.is_attached:
            self._post_marker(self._front())
        self._check_timer = self.set_timer(_CHECK_INTERVAL, self._check)
