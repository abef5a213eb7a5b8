"""Stored sessions, OAuth clients, codes and tokens, and questions for consent.

auth.md §8, §9, §11.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Sequence
from typing import NamedTuple

from ...db.clock import DAY_US, SECOND_US
from ...db.database import Row, Tx
from ...http.authentication import digest

CLI = "mogplex-cli"
SESSION_US = 7 * DAY_US
CODE_US = 600 * SECOND_US
ACCESS_US = 3600 * SECOND_US
QUESTION_US = 600 * SECOND_US
CLI_REFRESH_US = 30 * DAY_US
# About a hundred years.
REFRESH_US = 36_500 * DAY_US

_LETTERS = string.ascii_letters
_LETTERS_AND_DIGITS = string.ascii_letters + string.digits


def random_secret(alphabet: str = _LETTERS, length: int = 32) -> str:
    """Return a secret of `length` random characters from `alphabet`."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


def open_session(tx: Tx, user_id: str, now_us: int) -> str:
    """Create a session of one week for a user and return the cookie's value."""
    value = random_secret(_LETTERS_AND_DIGITS)
    tx.insert("sessions", token_hash=digest(value), user_id=user_id, expires_at=now_us + SESSION_US)
    return value


class Registration(NamedTuple):
    """The metadata with which an OAuth client is registered."""

    name: str | None
    redirect_uris: Sequence[str]
    auth_method: str
    grant_types: Sequence[str]
    response_types: Sequence[str]


def register(tx: Tx, client: Registration, now_us: int) -> tuple[str, str | None]:
    """Store an OAuth client and return its id and its secret.

    The secret is None for a public client, which has none.
    """
    client_id = random_secret()
    secret = None if client.auth_method == "none" else random_secret()
    tx.insert(
        "oauth_clients",
        id=client_id,
        name=client.name,
        secret_hash=None if secret is None else digest(secret),
        redirect_uris=json.dumps(list(client.redirect_uris)),
        auth_method=client.auth_method,
        grant_types=json.dumps(list(client.grant_types)),
        response_types=json.dumps(list(client.response_types)),
        created_at=now_us,
    )
    return client_id, secret


class Grant(NamedTuple):
    """The client, user and parameters that an authorization code was issued for."""

    client_id: str
    user_id: str
    redirect_uri: str
    scopes: str
    code_challenge: str
    nonce: str | None


def issue_code(tx: Tx, grant: Grant, now_us: int) -> str:
    """Return a new authorization code, which can be used once within ten minutes."""
    code = random_secret(_LETTERS_AND_DIGITS)
    times = {"expires_at": now_us + CODE_US, "created_at": now_us}
    tx.insert("oauth_codes", code_hash=digest(code), **grant._asdict(), **times)
    return code


def use_up_code(tx: Tx, code: str, now_us: int) -> Grant | None:
    """Delete an authorization code and return the grant it was issued for.

    Returns None if the code is unknown, used or expired.
    """
    row = tx.one("DELETE FROM oauth_codes WHERE code_hash = ? RETURNING *", (digest(code),))
    if row is None or row["expires_at"] < now_us:
        return None
    return Grant(**{name: row[name] for name in Grant._fields})


def issue_tokens(tx: Tx, client_id: str, user_id: str, scopes: str, now_us: int) -> Row:
    """Create an access token and a refresh token, and return the row with both.

    If the client is the command line tool, each of its refresh tokens that is valid for more than 30
    days, the new one included, is limited to 30 days (auth.md §8).
    """
    row_id = tx.new_id()
    tx.insert(
        "oauth_tokens",
        id=row_id,
        access_token=random_secret(),
        refresh_token=random_secret(),
        access_expires_at=now_us + ACCESS_US,
        refresh_expires_at=now_us + REFRESH_US,
        client_id=client_id,
        user_id=user_id,
        scopes=scopes,
        created_at=now_us,
        updated_at=now_us,
    )
    if client_id == CLI:
        latest = now_us + CLI_REFRESH_US
        tx.execute(
            "UPDATE oauth_tokens SET refresh_expires_at = ? WHERE client_id = ? AND refresh_expires_at > ?",
            (latest, CLI, latest),
        )
    row = tx.one("SELECT * FROM oauth_tokens WHERE id = ?", (row_id,))
    if row is None:
        raise LookupError(row_id)
    return row


def store_question(tx: Tx, user_id: str, callback: str, nonce: str, name: str, now_us: int) -> str:
    """Store the question whether a tool may have a token of a user; return its id.

    The form with which the user answers must contain the id.
    """
    question = random_secret()
    tx.execute("DELETE FROM signin_questions WHERE expires_at < ?", (now_us,))
    tx.insert(
        "signin_questions",
        id=question,
        user_id=user_id,
        callback=callback,
        nonce=nonce,
        name=name,
        expires_at=now_us + QUESTION_US,
    )
    return question


def take_question(tx: Tx, user_id: str, question: str, now_us: int) -> Row | None:
    """Delete the question for a user with this id and return the question.

    Returns None if the question is unknown, expired or for another user.
    """
    row = tx.one("DELETE FROM signin_questions WHERE id = ? AND user_id = ? RETURNING *", (question, user_id))
    return None if row is None or row["expires_at"] < now_us else row
