"""POST /api/chat: a model's reply as a stream of events (library.md §13).

The route does not store the conversation; every request contains all messages.
"""

from __future__ import annotations

import hashlib
from random import Random
from typing import Any, NamedTuple

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ..calls import call_writes
from ..core.plane import Plane
from ..db.database import Row
from ..http import params
from ..http.endpoints import (
    ApiRequest,
    MethodHandler,
    PlainEndpoint,
    RefusedError,
    Service,
    json_response,
    refusal,
    route,
)
from ..identity import model_catalogue
from ..identity.active_team import active_team
from ..identity.team_roles import ActiveTeam, may
from ..workload.scenario_odds import Odds
from . import chat_quota, chat_writes
from .chat_reply import compose
from .chat_stream import ChatAnswer, ChatCall

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
    "X-Vercel-AI-UI-Message-Stream": "v1",
}
_ROLES = ("system", "user", "assistant")
_PREVIEW = 200
_LONG_HISTORY = 240_000


class ChatRequest(NamedTuple):
    """A parsed chat request.

    `texts` are the texts of all messages and `question` is the text of the last user message.
    `content` is the `content` field of that message, or None if the message has none.
    """

    texts: list[str]
    question: str
    content: str | None
    model: str | None
    tools: bool
    conversation_id: str | None
    workspace_session_id: str | None
    repo: Row | None
    sandbox_id: str | None


class ChatStream(StreamingResponse):
    """The response that streams a chat; it cancels the call if the client disconnects."""

    def __init__(self, answer: ChatAnswer) -> None:
        super().__init__(answer.lines(), headers=_HEADERS)
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream; afterwards cancel the call if it has not ended."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._answer.cancel_if_live()


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _text_of(message: Any) -> str:
    """Return the text parts of one message, joined.

    Raises RefusedError 500 for an invalid message.
    """
    parts = message.get("parts") if isinstance(message, dict) else None
    if not isinstance(parts, list) or message.get("role") not in _ROLES:
        raise refusal(500, "Each message needs a role and its parts")
    if not all(isinstance(part, dict) for part in parts):
        raise refusal(500, "Each part of a message has a type")
    return "".join(part["text"] for part in parts if part.get("type") == "text" and _text(part, "text"))


async def _parse_request(request: ApiRequest) -> ChatRequest:
    try:
        body = await params.json_object(request)
    except params.NotJsonError:
        raise refusal(400, "Invalid JSON body") from None
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise refusal(500, "messages must be a list with at least one message")
    texts = [_text_of(message) for message in messages]
    said = [index for index, message in enumerate(messages) if message["role"] == "user"]
    last = said[-1] if said else len(messages) - 1
    find = "SELECT id, {} FROM {} WHERE id = ? AND user_id = ?"
    mine = ((_text(body, "repoId") or "").lower(), request.user_id)
    box = ((_text(body, "sandboxId") or "").lower(), request.user_id)
    sandbox = request.plane.db.one(find.format("repo_id", "sandboxes"), box)
    return ChatRequest(
        texts,
        texts[last],
        _text(messages[last], "content") if said else None,
        _text(body, "model"),
        body.get("enableTools") is not False,
        _text(body, "conversationId"),
        _text(body, "workspaceSessionId"),
        request.plane.db.one(find.format("full_name", "repos"), mine),
        None if sandbox is None else sandbox["id"],
    )


def _model(request: ApiRequest, wanted: str | None, team: ActiveTeam | None) -> str:
    """Return the model of the chat: the requested one, or the caller's default.

    The model need not be enabled in the settings. Raises RefusedError 500 if the role in the team
    forbids the model, or if no key or team setting gives access to it.
    """
    db = request.plane.db
    profile = db.only("SELECT * FROM profiles WHERE id = ?", (request.user_id,))
    model = wanted or model_catalogue.settings_default(db, profile)
    if team is not None and (team.role is None or not may(team.role, "models." + model.replace("/", ".", 1))):
        raise refusal(500, "Model access is not enabled for your role in this team")
    if not model_catalogue.reach(db, profile, team).covers(model):
        raise refusal(500, f"No key or team setting gives access to {model}")
    return model


def _quota_error(denial: chat_quota.Denial) -> RefusedError:
    body = {
        "error": denial.text,
        "code": "chat_rate_limited",
        "retryAfterSeconds": denial.retry_s,
        "limit": {"name": denial.name, "value": denial.value, "windowSeconds": denial.window_s},
    }
    return RefusedError(json_response(body, 429, {"Retry-After": str(denial.retry_s)}))


def _start(request: ApiRequest, chat_request: ChatRequest, model: str, team: ActiveTeam | None) -> str:
    """Insert the chat's call with its first event and return the call's id.

    Raises RefusedError 429 if a chat limit is reached.
    """
    now, call_id = request.plane.clock.now_us(), request.service.ids.uuid()
    repo_id = None if chat_request.repo is None else chat_request.repo["id"]
    metadata: dict[str, Any] = {"source": "chat", "prompt_preview": chat_request.question[:_PREVIEW]}
    if chat_request.repo is not None:
        metadata["repo"] = chat_request.repo["full_name"]
    if chat_request.sandbox_id is not None:
        metadata["sandbox_record_id"] = chat_request.sandbox_id
    if team is not None:
        metadata["product_team_id"] = team.id
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        claim = chat_quota.check_and_record(tx, request.user_id, call_id, repo_id, now)
        if isinstance(claim, str):
            call_writes.insert_call(
                tx,
                id=call_id,
                user_id=request.user_id,
                type="chat",
                model=model,
                started_at=now,
                repo_id=repo_id,
                metadata=metadata,
                conversation_id=chat_request.conversation_id,
                limit_claim_id=claim,
            )
            started = {"model": model, "tool_enabled": chat_request.tools}
            call_writes.append_event(
                tx, call_id=call_id, type="started", message="Chat run started", payload=started, at=now
            )
            if chat_request.conversation_id and sum(map(len, chat_request.texts)) > _LONG_HISTORY:
                digest = hashlib.sha256("\n".join(chat_request.texts[:-12]).encode()).hexdigest()
                chat_writes.record_compaction(tx, call_id, chat_request.texts, digest, now)
    if not isinstance(claim, str):
        raise _quota_error(claim)
    return call_id


def _remember(request: ApiRequest, chat_request: ChatRequest, team: ActiveTeam | None) -> None:
    """Store the user's message as a session memory.

    Nothing is stored if the message has no `content` field, or if the caller's role in the team does
    not allow memories (§13.1).
    """
    if chat_request.content is None or not params.trim(chat_request.content):
        return
    if team is not None and not may(team.role, "tools.memories"):
        return
    keys = {
        "repo_id": None if chat_request.repo is None else chat_request.repo["id"],
        "workspace_session_id": chat_request.workspace_session_id,
        "conversation_id": chat_request.conversation_id,
        "product_team_id": None if team is None else team.id,
        "source": "chat",
        "role": "user",
    }
    metadata = {name: value for name, value in keys.items() if value is not None}
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        chat_writes.remember(
            tx, request.user_id, chat_request.content, metadata, request.plane.clock.now_us()
        )


def _simulated_error(plane: Plane, model: str, call_id: str) -> str | None:
    """Return the text of the error that the scenario simulates for a call, or None."""
    failure = Odds(plane.scenario.now.failures, (), Random(call_id)).failure(model, None)
    return None if failure is None else failure[1]


async def chat(request: ApiRequest) -> Response:
    """Answer a chat with a stream of events.

    If the model fails, the error is sent as an event of the stream.
    """
    chat_request, team = await _parse_request(request), active_team(request)
    model = _model(request, chat_request.model, team)
    plane = request.plane
    known = plane.db.value("SELECT is_available FROM models WHERE id = ?", (model,))
    tools = chat_request.tools and (team is None or may(team.role, "tools.memories"))
    reply = compose(
        plane.db, request.user_id, chat_request.question, chat_request.repo, tools, plane.clock.now_us()
    )
    call_id = _start(request, chat_request, model, team)
    _remember(request, chat_request, team)
    fault = (
        _simulated_error(plane, model, call_id) if known else f"The gateway does not offer the model {model}"
    )
    prompt = ChatCall(model, sum(map(len, chat_request.texts)), reply, fault)
    return ChatStream(ChatAnswer(plane, request.service.ids, call_id, prompt))


def routes(service: Service) -> list[Route]:
    """Return the routes of this module."""
    return [route("/api/chat", PlainEndpoint(service, {"POST": MethodHandler(chat)}))]
