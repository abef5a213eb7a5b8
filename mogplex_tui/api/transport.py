"""Send one HTTP request and map the response to a result or an error.

A transport serves one context: it adds the credentials and takes a slot of the request budget
before it sends. It does not retry after failures, and it caches nothing.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mogplex_tui.api import errors, http_clients
from mogplex_tui.api._httpx import httpx
from mogplex_tui.api.budget import Blocked, Budget, Priority, RequestOutcome, Slot
from mogplex_tui.api.clock import Clock
from mogplex_tui.api.connection_state import ConnectionMonitor
from mogplex_tui.api.content_encoding import BodyError
from mogplex_tui.api.failure_throttle import RequestLimiter
from mogplex_tui.api.request_checks import json_text
from mogplex_tui.api.response import JsonResponse
from mogplex_tui.api.response_errors import (
    ACCOUNT,
    CredentialKind,
    ResponseInfo,
    classify,
    is_anonymous_response,
    parse_success,
)
from mogplex_tui.api.route_access import V1, AccessMap, Family, family_of
from mogplex_tui.api.safe_text import shown_path
from mogplex_tui.api.target import Target, origin_of
from mogplex_tui.api.team_scope import TEAM_HEADER, reads_team

if TYPE_CHECKING:
    from mogplex_tui.config.credential_store import Grant

_log = logging.getLogger("mogplex.http")

# Seconds for which the check of one suspicious 401 holds for other requests.
_CHECK_VALID_SECONDS = 5.0

_NOT_COUNTED = (errors.Redirected, errors.Absent, errors.NotSignedIn, errors.SuspectedThrottle)


@dataclass(frozen=True)
class Request:
    """One request before it is sent.

    `resource` describes the requested data in error messages. `body` is sent as JSON; `content` is
    sent unchanged with the type `content_type` (an upload). `extra_wait` is how many seconds longer
    than usual the response may take to begin. `credential` is the kind of credential to send; if
    it is None, `Transport.credential_for` chooses. `is_change` is True if the request changes
    something; its method may be GET all the same.
    """

    method: str
    path: str
    resource: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = ""
    extra_wait: float = 0.0
    credential: CredentialKind | None = None
    is_change: bool = False


class _SendWithToken(Exception):
    """Raised to open a stream again with the token, because the cookie was refused."""


class Transport:
    """Sends the requests of one context and raises failures as errors of `api.errors`.

    Requests to v1 routes carry the token. Requests to other routes carry the session cookie, or the
    token if there is no cookie or the service has refused it. No request carries both. A request
    with a limited token takes a slot of the budget before it is sent and settles the slot afterwards.
    Each outcome is reported to the access map, to the connection monitor and to the limiter.

    Contract: auth.md §4.
    """

    def __init__(
        self,
        target: Target,
        *,
        clock: Clock,
        budget: Budget,
        access: AccessMap,
        http: httpx.AsyncBaseTransport | None = None,
        limiter: RequestLimiter | None = None,
    ) -> None:
        self.target = target
        self.clock = clock
        self.budget = budget
        self.access = access
        self.connection = ConnectionMonitor(clock)
        self._limiter = limiter
        self._clients = http_clients.HttpClients(target, http)
        self._request_slots = asyncio.Semaphore(http_clients.MAX_IN_FLIGHT)
        self._large_response_lock = asyncio.Lock()
        self._pacer = http_clients.Pacer()
        self._check_lock = asyncio.Lock()
        self._token_check: tuple[float, errors.MogplexError | None] | None = None
        self._cookie_accepted_at: float | None = None

    async def request(self, request: Request, priority: Priority) -> JsonResponse:
        """Send one request and return the JSON of its response.

        Raises an error of `api.errors` if the request fails.
        """
        info = self._new_info(request)
        started = self.clock.monotonic()
        data = error = None
        try:
            info, data, error = await self._exchange(request, info, priority)
        except errors.MogplexError as failed:
            error = failed
        # Log first: the recheck below sends requests of its own, and their time must not count here.
        self._log(request, info, error, started)
        if await self._token_replaces_cookie(request, info, error, data, priority):
            return await self.request(replace(request, credential=CredentialKind.TOKEN), priority)
        if error is not None:
            error = await self._recheck_refusal(error, info, priority)
        self._learn(request, info, error)
        if error is not None:
            raise error
        return JsonResponse(data, info)

    @asynccontextmanager
    async def stream(
        self,
        request: Request,
        priority: Priority,
        *,
        counts_in_flight: bool = True,
        stream_statuses: frozenset[int] = frozenset(),
    ) -> AsyncIterator[tuple[ResponseInfo, AsyncIterator[bytes]]]:
        """Open a streamed response and yield its metadata and the chunks of its body.

        An error response raises an error of `api.errors` when the context is entered. A lost connection
        raises an error while the chunks are read. `counts_in_flight` says whether the stream takes one
        of the limited places for requests in flight; an endless stream must not take one. A response
        with one of `stream_statuses` is yielded like a successful one if its body is an event stream.
        """
        async with AsyncExitStack() as stack:
            try:
                stream = await stack.enter_async_context(
                    self._open_stream(request, priority, counts_in_flight, stream_statuses)
                )
            except _SendWithToken:
                request = replace(request, credential=CredentialKind.TOKEN)
                stream = await stack.enter_async_context(
                    self._open_stream(request, priority, counts_in_flight, stream_statuses)
                )
            yield stream

    @asynccontextmanager
    async def _open_stream(
        self, request: Request, priority: Priority, counts_in_flight: bool, stream_statuses: frozenset[int]
    ) -> AsyncIterator[tuple[ResponseInfo, AsyncIterator[bytes]]]:
        info = self._new_info(request)
        started = self.clock.monotonic()
        slot = self._acquire_slot(info, priority)
        outcome = RequestOutcome.NOT_COUNTED
        error: errors.MogplexError | None = None
        response: httpx.Response | None = None
        try:
            await self._admit(priority)
            async with self._request_slot(priority, counts_in_flight):
                outcome = RequestOutcome.COUNTED
                try:
                    async with asyncio.timeout(http_clients.STREAM_HEADERS_TIMEOUT + request.extra_wait):
                        response = await self._send(request, info, streams=True)
                    info = info.with_response(response)
                    if not (info.is_events and info.status in stream_statuses):
                        if not response.is_success or info.is_html:
                            async with asyncio.timeout(http_clients.RESPONSE_TIMEOUT):
                                body = await http_clients.read_body(
                                    response, self.target.max_answer, self._pacer
                                )
                            info = replace(info, body=bytes(body))
                        error = classify(info)
                except errors.MogplexError:
                    # Refused by this client before it was sent.
                    outcome = RequestOutcome.NOT_COUNTED
                    raise
                except (httpx.HTTPError, httpx.StreamError, BodyError, TimeoutError) as failed:
                    error = http_clients.network_error(failed, self.target, info)
                    outcome = (
                        RequestOutcome.NOT_COUNTED if isinstance(failed, http_clients.NEVER_SENT) else outcome
                    )
                if slot is not None:
                    self.budget.record_outcome(slot, _outcome_of(error, outcome))
                self._log(request, info, error, started)
                if await self._token_replaces_cookie(request, info, error, None, priority):
                    raise _SendWithToken
                error = await self._recheck_refusal(error, info, priority) if error is not None else None
                self._learn(request, info, error)
                if error is not None:
                    raise error
                assert response is not None  # noqa: S101 -- without a response there is an error
                async with aclosing(self._body_chunks(response, request, info, started)) as chunks:
                    yield info, chunks
        finally:
            if slot is not None:
                self.budget.record_outcome(slot, outcome)
            if response is not None:
                await response.aclose()

    async def token_still_works(self, priority: Priority) -> errors.MogplexError | None:
        """Test the token with one cheap v1 request; return its error, or None if it works.

        The budget never blocks this request, but the limiter may delay it.
        """
        await self._pause(priority)
        probe = Request("GET", f"{V1}/repos", "the check of the token", params={"limit": 1})
        try:
            await self.request(probe, Priority.ACTION)
        except errors.MogplexError as error:
            return error
        return None

    async def aclose(self) -> None:
        """Close all connections; the transport opens new ones when it is used again."""
        await self._clients.aclose()

    def credential_for(self, path: str) -> CredentialKind:
        """Return the kind of credential that requests to this path carry."""
        on_v1 = path == V1 or path.startswith(V1 + "/")
        replaced = self.access.cookie.expired and self.target.token_opens_unversioned_routes
        if not on_v1 and self.target.session_cookie and not replaced:
            return CredentialKind.COOKIE
        return CredentialKind.TOKEN if self.target.token else CredentialKind.NONE

    def spends_budget(self, path: str) -> bool:
        """Return whether a request to this path counts against the token's limit."""
        return self.credential_for(path) is CredentialKind.TOKEN and self.target.token_is_limited

    def _new_info(self, request: Request) -> ResponseInfo:
        return ResponseInfo(
            method=request.method,
            path=request.path,
            status=0,
            resource=request.resource,
            request_id=uuid.uuid4().hex[:12],
            credential=request.credential or self.credential_for(request.path),
            scrub=self.target.scrub,
        )

    def _acquire_slot(self, info: ResponseInfo, priority: Priority) -> Slot | None:
        if info.credential is not CredentialKind.TOKEN or not self.target.token_is_limited:
            return None
        slot = self.budget.acquire(priority)
        if isinstance(slot, Blocked):
            wait = max(0.0, slot.until - self.clock.monotonic())
            raise errors.BudgetBlocked(
                slot.until,
                f"The request budget has no slot for {info.resource} for another {wait:.0f} s",
                resource=info.resource,
                method=info.method,
                path=shown_path(info.path),
                retry_after=wait,
                request_id=info.request_id,
            )
        return slot

    async def _admit(self, priority: Priority) -> None:
        """Wait until the limiter admits a request of this priority, and count it."""
        if self._limiter is not None:
            await self._limiter.wait_and_count(priority)

    async def _pause(self, priority: Priority) -> None:
        """Wait until the limiter admits a request of this priority, but do not count it."""
        if self._limiter is not None:
            await self._limiter.wait(priority)

    def _count(self) -> None:
        """Tell the limiter of a request that it did not admit, such as a token renewal."""
        if self._limiter is not None:
            self._limiter.count()

    def _request_slot(
        self, priority: Priority, counts_in_flight: bool = True
    ) -> AbstractAsyncContextManager[Any]:
        return self._request_slots if counts_in_flight and priority is not Priority.ACTION else nullcontext()

    async def _exchange(
        self, request: Request, info: ResponseInfo, priority: Priority
    ) -> tuple[ResponseInfo, Any, errors.MogplexError | None]:
        """Send a request and read the complete response.

        Returns the metadata of the response, its JSON value and None, or, for an error response, the
        metadata, None and the error. Raises an error if no complete response arrives.
        """
        slot = self._acquire_slot(info, priority)
        # A request that is cancelled while it waits here was not sent.
        outcome = RequestOutcome.NOT_COUNTED
        failure: errors.MogplexError | None = None
        try:
            await self._admit(priority)
            async with (
                self._request_slot(priority),
                asyncio.timeout(http_clients.RESPONSE_TIMEOUT + request.extra_wait),
                AsyncExitStack() as stack,
            ):
                outcome = RequestOutcome.COUNTED
                response = await self._send(request, info, streams=False)
                stack.push_async_callback(response.aclose)
                wait_for_turn = partial(stack.enter_async_context, self._large_response_lock)
                body = await http_clients.read_body(
                    response, self.target.max_answer, self._pacer, before_large=wait_for_turn
                )
                info, data, error = self._parse(info.with_response(response), body)
            outcome = _outcome_of(error, outcome)
        except (httpx.HTTPError, httpx.StreamError, BodyError, TimeoutError) as failed:
            if isinstance(failed, http_clients.NEVER_SENT):
                outcome = RequestOutcome.NOT_COUNTED
            failure = http_clients.network_error(failed, self.target, info)
        except errors.MogplexError:
            # Refused by this client before it was sent.
            outcome = RequestOutcome.NOT_COUNTED
            raise
        finally:
            # Also after a cancel. Whether the service counted the request is unknown then, so it counts.
            if slot is not None:
                self.budget.record_outcome(slot, outcome)
        if failure is not None:
            raise failure
        return info, data, error

    def _parse(
        self, info: ResponseInfo, body: bytearray
    ) -> tuple[ResponseInfo, Any, errors.MogplexError | None]:
        """Return the metadata of a response with its JSON value or its error.

        The metadata includes the body if the status is not a success.
        """
        if not 200 <= info.status < 300:
            info = replace(info, body=bytes(body))
        error = classify(info)
        if error is not None:
            return info, None, error
        try:
            return info, parse_success(info, body, self.target.max_answer), None
        except errors.InvalidResponse as unreadable:
            # Errors are kept as long as they are shown. Their frames would keep the whole body in memory.
            unreadable.__traceback__ = unreadable.__context__ = None
            return info, None, unreadable

    async def _send(self, request: Request, info: ResponseInfo, *, streams: bool) -> httpx.Response:
        if info.credential is CredentialKind.NONE and family_of(request.path) is Family.V1:
            raise errors.NotSignedIn(
                f"There is no token for {request.resource}",
                advice="Give this context an API token; a session cookie does not open the token API",
                resource=request.resource,
                method=request.method,
                path=request.path,
                request_id=info.request_id,
            )
        await self._refuse_read_only(request, info)
        client = self._clients.get(streams=streams)

        def send() -> Awaitable[httpx.Response]:
            return client.send(self._build_request(client, request, info), stream=True)

        renewal = self.target.renewal
        if renewal is None or info.credential is not CredentialKind.TOKEN:
            return await send()
        sent = 0

        async def send_and_count() -> httpx.Response:
            nonlocal sent
            sent += 1
            if sent > 1:
                self._count()
            return await send()

        return await renewal.send(
            send_and_count, self._renew, lambda: self.clock.now().timestamp(), on_v1=info.on_v1
        )

    async def _renew(self, grant: Grant) -> Grant:
        # Imported here: most contexts have no OAuth sign-in.
        from mogplex_tui.api.oauth import refresh

        self._count()
        return await refresh(self._clients, self.target, grant, self.clock.now().timestamp())

    def _build_request(
        self, client: httpx.AsyncClient, request: Request, info: ResponseInfo
    ) -> httpx.Request:
        url = self.target.base_url + quote(request.path, safe="/:@!$&'()*+,;=~-._%")
        if not request.path.startswith("/") or origin_of(url) != self.target.origin:
            raise errors.InsecureTarget(
                "This path leads away from the service",
                advice="Credentials go to the context's own address only",
            )
        headers = {"Accept": "application/json", **request.headers, "X-Request-Id": info.request_id}
        token, cookie = self.target.bearer, self.target.session_cookie
        if info.credential is CredentialKind.TOKEN and token:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        elif info.credential is CredentialKind.COOKIE and cookie:
            headers["Cookie"] = cookie.reveal()
        if self.target.team is not None and reads_team(request.path):
            headers[TEAM_HEADER] = self.target.team
        content = request.content
        if content is not None:
            headers["Content-Type"] = request.content_type
        elif request.body is not None:
            headers["Content-Type"] = "application/json"
        try:
            if content is None and request.body is not None:
                content = json_text(request.body).encode()
            return client.build_request(
                request.method,
                url,
                params=dict(request.params) or None,
                headers=headers,
                content=content,
                timeout=http_clients.timeout_with(request.extra_wait)
                if request.extra_wait
                else client.timeout,
            )
        except ValueError:
            # A lone surrogate, a NaN, or a value that is not JSON.
            raise errors.InvalidInput(
                f"{request.resource} contains characters or values that cannot be sent",
                resource=request.resource,
            ) from None

    async def _body_chunks(
        self, response: httpx.Response, request: Request, info: ResponseInfo, started: float
    ) -> AsyncGenerator[bytes, None]:
        # An event stream may last for days, so only its single events are limited.
        limit = None if info.is_events else self.target.max_answer
        try:
            async with aclosing(http_clients.decoded(response, limit, self._pacer)) as pieces:
                async for piece in pieces:
                    yield piece
        except (httpx.HTTPError, httpx.StreamError, BodyError) as failed:
            error = http_clients.network_error(failed, self.target, info)
            # The status was logged when the stream began; this logs how it ended.
            self._log(request, replace(info, status=0), error, started)
            self._learn(request, info, error)
            raise error from None

    async def _token_replaces_cookie(
        self,
        request: Request,
        info: ResponseInfo,
        error: errors.MogplexError | None,
        data: Any,
        priority: Priority,
    ) -> bool:
        """Return whether to send a request again with the token in place of the cookie.

        The service checks the credential before it does anything else, so this is safe for changes, too.

        Contract: auth.md §3 and §5.
        """
        if info.credential is not CredentialKind.COOKIE:
            return False
        refused = (
            type(error) is errors.NotSignedIn
            or (isinstance(error, errors.LoginRequired) and not info.is_html)
            or (error is None and is_anonymous_response(info, data))
        )
        if request.path == ACCOUNT and (refused or error is None):
            self.access.cookie.learn(accepted=not refused)
        elif refused:
            await self._test_cookie(priority)
        return (
            refused
            and request.credential is None
            and self.access.cookie.expired
            and self.target.token_opens_unversioned_routes
        )

    async def _refuse_read_only(self, request: Request, info: ResponseInfo) -> None:
        """Raise NotAllowed if a read-only token would replace the cookie for a change.

        The unversioned routes do not check scopes, so this client does. To learn whether the token has
        the write scope, it sends a request to start a run without an idempotency key, which the service
        refuses before it does anything.

        Contract: auth.md §5.1, v1.md §7.2.
        """
        replaces_cookie = info.credential is CredentialKind.TOKEN and self.target.session_cookie is not None
        if not replaces_cookie or info.on_v1 or request.method in ("GET", "HEAD"):
            return
        if self.access.can_write is None:
            with suppress(errors.MogplexError):
                probe = Request("POST", f"{V1}/runs", "the write scope", body={})
                await self.request(probe, Priority.ACTION)
        if self.access.can_write is False:
            raise errors.NotAllowed(
                f"The session has ended, and the token must not change {request.resource}",
                advice="This token is read-only; use one with the write scope",
                resource=request.resource,
                method=request.method,
                path=request.path,
                request_id=info.request_id,
            )

    async def _test_cookie(self, priority: Priority) -> None:
        """Test with one request whether the service still accepts the session cookie.

        Called after a route has refused the cookie. The result is stored in the access map.
        """
        async with self._check_lock:
            now, accepted_at = self.clock.monotonic(), self._cookie_accepted_at
            recently = accepted_at is not None and now - accepted_at <= _CHECK_VALID_SECONDS
            if recently or self.access.cookie.expired:
                return
            await self._pause(priority)
            try:
                await self.request(
                    Request("GET", ACCOUNT, "the account", credential=CredentialKind.COOKIE), Priority.ACTION
                )
            except errors.MogplexError:
                # The test was inconclusive: treat the cookie as refused until it is tested again.
                self.access.cookie.learn(accepted=False)
            if not self.access.cookie.expired:
                self._cookie_accepted_at = now

    async def _recheck_refusal(
        self, error: errors.MogplexError, info: ResponseInfo, priority: Priority
    ) -> errors.MogplexError:
        if isinstance(error, errors.Throttled) and error.of_requests:
            self.budget.hold_back(error.retry_after)
        if type(error) is not errors.NotSignedIn or info.credential is not CredentialKind.TOKEN or info.on_v1:
            return error
        # Outside v1, a token over its limit gets a plain 401 (auth.md §5.1). Check the token before reporting it as
        # invalid.
        async with self._check_lock:
            now = self.clock.monotonic()
            if self._token_check is None or now - self._token_check[0] > _CHECK_VALID_SECONDS:
                self._token_check = (now, await self.token_still_works(priority))
            check = self._token_check[1]
        if isinstance(check, errors.NotSignedIn):
            return error
        facts: dict[str, Any] = {
            "resource": error.resource,
            "method": error.method,
            "path": error.path,
            "status": error.status,
            "request_id": error.request_id,
        }
        if check is None and not self.target.token_is_limited:
            return errors.LoginRequired(
                f"No access to {info.resource}: this kind of token opens the token API only", **facts
            )
        return errors.SuspectedThrottle(
            f"The service refused {info.resource}, most likely because the token's request limit is used up",
            retry_after=check.retry_after if check is not None else None,
            **facts,
        )

    def _log(
        self, request: Request, info: ResponseInfo, error: errors.MogplexError | None, started: float
    ) -> None:
        milliseconds = (self.clock.monotonic() - started) * 1000
        result = str(info.status) if info.status else type(error).__name__
        path = shown_path(request.path)
        _log.info("%s %s %s %.0f ms %s", request.method, path, result, milliseconds, info.request_id)

    def _learn(self, request: Request, info: ResponseInfo, error: errors.MogplexError | None) -> None:
        if info.status or isinstance(error, errors.Unreachable):
            self.connection.learn(error)
        if not isinstance(error, errors.BudgetBlocked):
            # A forbidden change does not close its route family, and one change is sent with GET.
            method = "POST" if request.is_change else request.method
            self.access.learn(family_of(request.path), error, method=method)
        if self._limiter is not None:
            self._limiter.learn(request.path, error)


def _outcome_of(error: errors.MogplexError | None, otherwise: RequestOutcome) -> RequestOutcome:
    if isinstance(error, errors.LoginRequired) and error.status != 200:
        return RequestOutcome.NOT_COUNTED
    if isinstance(error, _NOT_COUNTED) or (isinstance(error, errors.Throttled) and error.of_requests):
        return RequestOutcome.NOT_COUNTED
    return otherwise
