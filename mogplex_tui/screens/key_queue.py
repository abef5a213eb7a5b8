"""Delivers typed keys one at a time, each after the previous one has taken effect.

A paste, a macro or a slow connection brings several keys at once. Textual gives each key to
the widget that has the focus when the key arrives, so the letters typed after `/` or `:`
would still go to the list underneath and start its actions. Here the next key waits until a
marker message, posted after the previous key, has passed through the same queues as the key
and has come back to the same widget with the same focus.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeGuard

from textual import events
from textual.app import App
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

# Seconds between checks that the widget with the marker still exists: a marker is lost with its widget.
_CHECK_INTERVAL = 0.05
# Seconds after which a widget that has not handled its key counts as stuck. The waiting keys are dropped.
_STUCK_AFTER = 5.0
# Markers to wait for at most: a widget may keep posting messages to itself.
_MOST_MARKERS = 20


class KeyHandled(Message, verbose=True):
    """A marker posted after a key; the messages that the key caused arrive before it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class KeyQueue:
    """Delivers keys and pastes to an app in the order in which they were typed.

    The app passes events to `put` and every `KeyHandled` message to `marker_returned`.
    """

    def __init__(self, app: App[int], deliver: Callable[[events.Event], Awaitable[None]]) -> None:
        """Create an empty queue; `deliver` is called with each event when its turn comes."""
        self._app, self._deliver = app, deliver
        self._waiting: deque[events.Key | events.Paste] = deque()
        # The widget that has the current key or its marker; None when no key is being handled.
        self._target: Widget | None = None
        # The widget that had the focus when the last marker came back.
        self._last_front: Widget | None = None
        self._marker = 0
        self._last_marker = 0
        self._waited = 0.0
        self._check_timer: Timer | None = None

    @staticmethod
    def accepts(event: events.Event) -> TypeGuard[events.Key | events.Paste]:
        """Return whether an event belongs in the queue: any key except ctrl+q, or a paste.

        Events that one widget has forwarded to another are not queued.
        """
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            return False
        return not (isinstance(event, events.Key) and event.key == "ctrl+q")

    async def put(self, event: events.Key | events.Paste) -> None:
        """Deliver a key or a paste now, or after the earlier ones have been handled."""
        self._waiting.append(event)
        if self._target is None:
            await self._deliver_next()
        elif self._check_timer is None:
            self._waited = 0.0
            self._check_timer = self._app.set_timer(_CHECK_INTERVAL, self._check)

    def drop_waiting(self) -> None:
        """Discard the keys that have not been delivered yet."""
        self._waiting.clear()

    def _front(self) -> Widget:
        return self._app.focused or self._app.screen

    async def _deliver_next(self) -> None:
        self._target, self._last_front, self._waited = self._front(), None, 0.0
        self._last_marker = self._marker + _MOST_MARKERS
        widget = self._target
        await self._deliver(self._waiting.popleft())
        self._post_marker(widget)

    def _post_marker(self, widget: Widget) -> None:
        self._target = widget
        self._marker += 1
        widget.post_message(KeyHandled(self._marker))

    async def marker_returned(self, marker: KeyHandled) -> None:
        """Deliver the next key if the last one has taken effect, else post another marker.

        The first marker shows that the key was handled. Messages caused by the key may cause others,
        which come behind the marker. So the key is done only when a second marker comes back to the
        same focus and the queues are empty.
        """
        if marker.number != self._marker or not self._app.is_running:
            return
        front = self._front()
        busy = self._marker < self._last_marker and any(
            node.message_queue_size for node in front.ancestors_with_self
        )
        if busy or front is not self._last_front:
            self._last_front = front
            self._post_marker(front)
            return
        self._target = None
        if self._waiting:
            await self._deliver_next()

    def _check(self) -> None:
        """Recover if the widget that is handling a key was removed or does not respond.

        If the widget was removed, the marker is posted to the widget that has the focus. If it does
        not respond, the waiting keys are dropped: they were meant for what the widget would have
        opened, and the widget that has the focus now would misinterpret them.
        """
        self._check_timer = None
        if self._target is None or not self._waiting or not self._app.is_running:
            return
        self._waited += _CHECK_INTERVAL
        if self._waited >= _STUCK_AFTER:
            self.drop_waiting()
            self._target = None
            self._app.notify(
                f"The last key took more than {_STUCK_AFTER:.0f} s. The keys typed after it were dropped.",
                severity="warning",
                markup=False,
            )
            return
        if not self._target.is_attached:
            self._post_marker(self._front())
        self._check_timer = self._app.set_timer(_CHECK_INTERVAL, self._check)
