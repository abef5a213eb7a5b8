"""`mogplex-tui control-plane --webhook KIND`: send a GitHub event to a plane.

The delivery is signed like one from GitHub. The embedded control plane that receives it starts
the matching automations.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mogplex_tui.cli.exit_codes import Exit

KINDS = (
    "pull_request",
    "push",
    "issues",
    "issue_comment",
    "pull_request_review_comment",
    "check_run",
    "workflow_run",
    "workflow_success",
    "label",
    "tag",
    "deployment_status",
)
_TIMEOUT_S = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options with which the command delivers an event and runs no plane."""
    group = parser.add_argument_group(
        "send one signed GitHub event to a running control plane instead of serving",
        "give the URL of the plane with --base-url or MOGPLEX_BASE_URL, and its webhook secret with --db FILE"
        " or MOGPLEX_WEBHOOK_SECRET",
    )
    group.add_argument(
        "--webhook", choices=KINDS, default=None, metavar="KIND", help="event to send: " + ", ".join(KINDS)
    )
    group.add_argument(
        "--repo", default="acme/api", metavar="OWNER/NAME", help="repository (default: acme/api)"
    )
    group.add_argument("--branch", default="main", help="default branch of the repository (default: main)")
    group.add_argument("--text", default=None, help="title, comment, check, label or tag (default: random)")
    group.add_argument(
        "--number", type=int, default=None, help="number of the pull request or issue (default: random)"
    )
    group.add_argument(
        "--delivery",
        default=None,
        metavar="ID",
        help="delivery ID; give an earlier one to redeliver an event",
    )
    group.add_argument(
        "--base-url", default=argparse.SUPPRESS, metavar="URL", help="base URL of the control plane"
    )


def send(args: argparse.Namespace) -> int:
    """Deliver an event, print the response as JSON and return the exit code.

    The code is 0 only if the plane accepted the event.
    """
    base = getattr(args, "base_url", None) or os.environ.get("MOGPLEX_BASE_URL")
    if not base:
        return _usage_error("give the URL of the control plane with --base-url or MOGPLEX_BASE_URL")
    try:
        address = urlsplit(base)
        is_valid = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        return _usage_error(f"{base} is not the URL of a control plane")
    secret = _secret(args.db)
    if secret is None:
        return _usage_error(
            "give the control plane's database with --db, or its webhook secret with MOGPLEX_WEBHOOK_SECRET"
        )
    event, body = _delivery(args)
    random_id = f"{random.SystemRandom().getrandbits(128):032x}"
    try:
        status, text = _post(base, event, body, secret, args.delivery or random_id)
    except OSError as error:
        sys.stderr.write(f"control-plane: nothing answers at {base}: {error}\n")
        return Exit.UNREACHABLE
    if status != 200:
        sys.stderr.write(f"control-plane: the plane answered {status}: {text}\n")
        return Exit.NOT_SIGNED_IN if status == 401 else Exit.FAILED
    sys.stdout.write(text + "\n")
    _describe_response(json.loads(text), event, args.repo)
    return Exit.OK


def _usage_error(sentence: str) -> int:
    sys.stderr.write(f"control-plane: {sentence}\n")
    return Exit.USAGE


def _secret(db: Path | None) -> str | None:
    if db is not None:
        from mogplex_tui.controlplane.identity.initial_account import kept_webhook_secret

        return kept_webhook_secret(db)
    return os.environ.get("MOGPLEX_WEBHOOK_SECRET")


def _delivery(args: argparse.Namespace) -> tuple[str, bytes]:
    from mogplex_tui.controlplane.workload.github_payloads import KINDS as KNOWN
    from mogplex_tui.controlplane.workload.github_payloads import DeliveryRepository, DeliveryTexts, build

    repository = DeliveryRepository(args.repo, args.branch)
    subject = DeliveryTexts(args.text, args.number)
    # The same delivery ID gives the same payload, with the commit that identifies a pull request's jobs.
    rng = random.Random(args.delivery)  # noqa: S311 (it makes up titles, no secrets)
    payload = build(rng, args.webhook, repository, subject)
    return KNOWN[args.webhook][0], json.dumps(payload).encode()


def _post(base: str, event: str, body: bytes, secret: str, delivery: str) -> tuple[int, str]:
    import hashlib
    import hmac
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    address = urlsplit(base)
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=_TIMEOUT_S)
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
    try:
        connection.request("POST", f"{address.path.rstrip('/')}/api/webhooks/github", body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
    except HTTPException as error:
        raise OSError(str(error) or type(error).__name__) from error
    finally:
        connection.close()


def _describe_response(response: dict[str, Any], event: str, repo: str) -> None:
    """Print a sentence on stderr that explains the response to an event."""
    resumed = (response.get("flow_waits") or {}).get("resumed", 0)
    if response.get("queued"):
        sentence = f"{response['queued']} job run(s) queued, {response.get('started', 0)} started"
    elif response.get("suppressed"):
        sentence = f"prevented: {', '.join(response['reason_counts'])}"
    else:
        sentence = f"no trigger for {event} in {repo}"
    if resumed:
        sentence += f"; {resumed} parked job run(s) resumed"
    sys.stderr.write(f"control-plane: {sentence}\n")
