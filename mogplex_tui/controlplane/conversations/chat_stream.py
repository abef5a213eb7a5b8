"""Stream the reply of one chat, and record its progress and end in its call.

library.md §13.3, v1.md §8.3.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from ..calls import call_writes
from ..calls.pricing import Tokens
from ..core.plane import Plane
from ..db.ids import Ids
from . import chat_writes
from .chat_reply import Reply, ToolUse

log = logging.getLogger("mogplex.controlplane")

_PIECE = re.compile(r"\S+\s*|\s+")
_PIECE_SECONDS = 0.04
_THINKING_SECONDS = 0.5
_BARE = ("start", "finish")


class ChatCall(NamedTuple):
    """The data of one chat call: model, length of the conversation, and reply.

    `characters` is the number of characters of all messages. `fault` is the text of an error that is
    sent in place of the reply.
    """

    model: str
    characters: int
    reply: Reply
    fault: str | None = None


class _EndedError(Exception):
    """Raised when another request has ended the call."""


class ChatAnswer:
    """The answer to one chat call, sent piece by piece.

    Iterate over `lines` once, and call `cancel_if_live` afterwards, even if the client has disconnected.
    """

    def __init__(self, plane: Plane, ids: Ids, call_id: str, call: ChatCall) -> None:
        self._plane = plane
        self._ids = ids
        self._call_id = call_id
        self._call = call
        self._used: list[dict[str, Any]] = []
        self._ended = asyncio.Event()
        plane.callbacks.on_cancel.append(self._cancelled)

    def _cancelled(self, call_id: str) -> None:
        if call_id == self._call_id:
            self._ended.set()

    def cancel_if_live(self) -> None:
        """Cancel the call if it has not ended; to be called when the stream is closed.

        The call has not ended if the client disconnected before the end of the reply.
        """
        with contextlib.suppress(ValueError):
            self._plane.callbacks.on_cancel.remove(self._cancelled)
        with self._plane.db.transaction(ids=self._ids) as tx:
            chat_writes.abort_call(tx, self._call_id, self._plane.clock.now_us(), len(self._used))

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the event stream, ending with the `[DONE]` line."""
        metadata = {"messageMetadata": {"ai_call_id": self._call_id}}
        async for event in self._events():
            bare = event["type"] in _BARE
            yield _line(event | metadata if bare else event)
            if not bare:
                yield _line({"type": "message-metadata", **metadata})
        yield b"data: [DONE]\n\n"

    async def _events(self) -> AsyncIterator[dict[str, Any]]:
        yield {"type": "start"}
        try:
            async for event in self._answer():
                yield event
        except _EndedError:
            yield {"type": "abort", "reason": "The run was cancelled"}
        except Exception:
            log.exception("chat %s", self._call_id)
            self._fail("The chat failed inside the plane")
            yield {"type": "error", "errorText": "The chat failed inside the plane"}

    async def _answer(self) -> AsyncIterator[dict[str, Any]]:
        call = self._call
        if call.fault is not None:
            self._fail(call.fault)
            yield {"type": "error", "errorText": call.fault}
            return
        self._begin()
        if call.reply.tools:
            yield {"type": "start-step"}
            async for event in self._send_text("t1", call.reply.opening):
                yield event
            for use in call.reply.tools:
                async for event in self._tool_events(use):
                    yield event
            yield {"type": "finish-step"}
        yield {"type": "start-step"}
        async for event in self._send_text("t2", call.reply.closing):
            yield event
        yield {"type": "finish-step"}
        self._finish()
        yield {"type": "finish", "finishReason": "stop"}

    async def _send_text(self, name: str, text: str) -> AsyncIterator[dict[str, Any]]:
        await self._wait(_THINKING_SECONDS)
        yield {"type": "text-start", "id": name}
        for piece in _PIECE.findall(text):
            await self._wait(_PIECE_SECONDS)
            yield {"type": "text-delta", "id": name, "delta": piece}
        yield {"type": "text-end", "id": name}

    async def _tool_events(self, use: ToolUse) -> AsyncIterator[dict[str, Any]]:
        """Yield the events of one tool use, and record its start and end in the call."""
        call = {"toolCallId": self._ids.opaque("call_", 16), "toolName": use.name}
        yield {"type": "tool-input-start", **call}
        yield {
            "type": "tool-input-delta",
            "toolCallId": call["toolCallId"],
            "inputTextDelta": json.dumps(use.given, ensure_ascii=False),
        }
        given, output = use.previews()
        shared = {
            "tool_call_id": call["toolCallId"],
            "input": use.given,
            "input_preview": given,
            "step_number": 1,
        }
        self._append_event("tool_started", f"Tool started: {use.name}", shared, use.name)
        yield {"type": "tool-input-available", **call, "input": use.given}
        await self._wait(use.seconds)
        duration = round(use.seconds * 1000)
        done = {"output": use.output, "output_preview": output, "duration_ms": duration}
        self._used.append({"name": use.name, "input": use.given, "input_preview": given, **done})
        self._append_event(
            "tool_finished", f"Tool finished: {use.name}", {**shared, **done, "success": True}, use.name
        )
        yield {"type": "tool-output-available", "toolCallId": call["toolCallId"], "output": use.output}

    async def _wait(self, seconds: float) -> None:
        """Wait for `seconds`, divided by the plane's speed.

        Raises _EndedError as soon as the call has ended.
        """
        speed = self._plane.settings.speed
        if speed > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds / speed):
                    await self._ended.wait()
        if self._ended.is_set():
            raise _EndedError

    def _begin(self) -> None:
        plane = self._plane
        with plane.db.transaction(ids=self._ids) as tx:
            began = call_writes.begin_streaming(
                tx, self._call_id, None, plane.clock.now_us(), message="Chat run streaming"
            )
        if not began:
            raise _EndedError

    def _append_event(self, kind: str, message: str, payload: dict[str, Any], tool: str) -> None:
        plane = self._plane
        with plane.db.transaction(ids=self._ids) as tx:
            alive = tx.one(
                "SELECT 1 FROM ai_calls WHERE id = ? AND status = 'streaming' AND control_state = 'active'",
                (self._call_id,),
            )
            if alive is None:
                raise _EndedError
            call_writes.append_event(
                tx,
                call_id=self._call_id,
                type=kind,
                message=message,
                payload=payload,
                tool_name=tool,
                at=plane.clock.now_us(),
            )

    def _tokens(self) -> Tokens:
        """Estimate the tokens that the call used, at four characters per token.

        The input is the conversation plus the previews of the tool uses, the output is the reply.
        """
        reply = self._call.reply
        read = self._call.characters + sum(
            len(used["input_preview"]) + len(used["output_preview"]) for used in self._used
        )
        return Tokens(max(1, read // 4), max(1, (len(reply.opening) + len(reply.closing)) // 4))

    def _close(
        self, status: str, message: str, reason: str, error: str | None, tokens: Tokens | None
    ) -> bool:
        spent = (tokens.input or 0) + (tokens.output or 0) if tokens else 0
        payload = {
            "finish_reason": reason,
            "tool_calls_count": len(self._used),
            "total_tokens": spent,
            "error": error,
        }
        plane = self._plane
        with plane.db.transaction(ids=self._ids) as tx:
            return call_writes.finish_call(
                tx,
                self._call_id,
                status,
                plane.clock.now_us(),
                error=error,
                tokens=tokens,
                tool_calls=self._used,
                message=message,
                payload=payload,
            )

    def _finish(self) -> None:
        if not self._close("success", "Chat run finished", "stop", None, self._tokens()):
            raise _EndedError

    def _fail(self, error: str) -> None:
        self._close("failed", "Chat run failed", "error", error, None)


def _line(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
