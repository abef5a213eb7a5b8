"""The address and the credentials of a context.

Contract: auth.md §1 to §4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from mogplex_tui.api.errors import InsecureTarget, InvalidTarget
from mogplex_tui.api.request_checks import is_uuid
from mogplex_tui.api.safe_text import visible
from mogplex_tui.config.secret import Secret

if TYPE_CHECKING:
    from mogplex_tui.api.token_renewal import Renewal

MAX_ANSWER = 64 * 1024 * 1024
TOKEN_PREFIX = "mog_"  # noqa: S105 -- the public prefix of a personal access token, not a secret


@dataclass(frozen=True)
class Target:
    """A service, the credentials for it and a limit on its responses.

    `team` is the id of the active team (None: the personal scope). `token` is the first token;
    `renewal` may replace it with newer ones. `max_answer` limits, in bytes, the decoded size of a
    response and, roughly, the memory of its values. The base URL is checked and its trailing slash
    removed.

    Raises InvalidTarget for an unusable URL, credential or team, and InsecureTarget for plain http
    to a host other than loopback.
    """

    name: str
    base_url: str
    token: Secret | None = None
    session_cookie: Secret | None = None
    team: str | None = None
    renewal: Renewal | None = field(default=None, repr=False, compare=False)
    max_answer: int = MAX_ANSWER

    def __post_init__(self) -> None:
        url = _checked_url(self.base_url)
        object.__setattr__(self, "base_url", f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}")
        for name, kind in (("token", "token"), ("session_cookie", "session cookie")):
            object.__setattr__(self, name, _checked_secret(getattr(self, name), kind))
        if self.team is not None and not is_uuid(self.team):
            # The service silently takes any other text for the personal scope (auth.md §10).
            raise InvalidTarget(
                f"{visible(self.team, 60)} is not the id of a team",
                advice="A team's id is a UUID of 36 characters",
            )
        if self.session_cookie and "=" not in self.session_cookie.reveal():
            raise InvalidTarget(
                "The session cookie has no name",
                advice="Copy the whole Cookie header: name=value; name=value",
            )

    @property
    def origin(self) -> tuple[str, str, int]:
        """The scheme, host and port of the service; credentials are sent nowhere else."""
        return origin_of(self.base_url)

    @property
    def host(self) -> str:
        """The host of the base URL, with the port if the URL contains one."""
        return urlsplit(self.base_url).netloc

    @property
    def is_loopback(self) -> bool:
        """Whether the service runs on this machine."""
        return _is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def token_is_limited(self) -> bool:
        """Whether requests with the token count against a request limit.

        OAuth tokens have no limit. Contract: auth.md §6.
        """
        return bool(self.token and self.token.reveal().startswith(TOKEN_PREFIX))

    @property
    def token_opens_unversioned_routes(self) -> bool:
        """Whether routes outside v1 may accept the token.

        Those routes never accept an OAuth token. Contract: auth.md §1.
        """
        return self.token_is_limited

    @property
    def bearer(self) -> Secret | None:
        """The token to send at present: the first token, or the one that has replaced it."""
        return self.token if self.renewal is None else self.renewal.token

    def scrub(self, text: str) -> str:
        """Return a text with the credentials of this target replaced by dots."""
        if self.renewal is not None:
            for known in self.renewal.secrets:
                text = text.replace(known.reveal(), "••••")
        for secret in (self.token, self.session_cookie):
            if not secret:
                continue
            text = text.replace(secret.reveal(), "••••")
            if secret is self.session_cookie:
                for pair in secret.reveal().split(";"):
                    value = pair.partition("=")[2].strip()
                    text = text.replace(value, "••••") if len(value) >= 8 else text
        return text


def origin_of(url: str) -> tuple[str, str, int]:
    """Return the scheme, lower-case host and effective port of an absolute URL."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or (443 if scheme == "https" else 80)


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_url(text: str) -> SplitResult:
    example = "Write it like https://mogplex.com or http://127.0.0.1:8787"
    try:
        url = urlsplit(text.strip())
        host, _port = url.hostname or "", url.port
    except ValueError as error:
        raise InvalidTarget(
            f"The base URL cannot be read ({visible(str(error), 80)})", advice=example
        ) from None
    if any(ord(char) <= 0x20 or ord(char) == 0x7F for char in text.strip()):
        raise InvalidTarget("The base URL contains a space or a control character", advice=example)
    if url.scheme.lower() not in ("http", "https") or not host:
        raise InvalidTarget("The base URL is not an http or https address", advice=example)
    if url.username or url.password:
        raise InvalidTarget("The base URL contains a user name or password", advice="Use a token instead")
    if url.query or url.fragment:
        raise InvalidTarget("The base URL has a query or fragment", advice=example)
    if host.lower() == "www.mogplex.com":
        raise InvalidTarget(
            "www.mogplex.com sends every request to mogplex.com, and credentials are never sent along",
            advice="Use https://mogplex.com as the base URL",
        )
    if url.scheme.lower() == "http" and not _is_loopback(host):
        raise InsecureTarget(
            f"Plain http to {visible(host, 80)} would send the credentials readable by anybody on the way"
        )
    return url._replace(scheme=url.scheme.lower())


def _checked_secret(secret: Secret | str | None, kind: str) -> Secret | None:
    if not secret:
        return None
    text = Secret(secret).reveal().strip()
    if not text:
        return None
    # A header cannot carry other characters, and httpx would quote the secret in its error message.
    if not all(0x20 <= ord(char) < 0x7F for char in text):
        raise InvalidTarget(
            f"The {kind} contains characters that no {kind} has", advice=f"Copy the {kind} again"
        )
    return Secret(text)
