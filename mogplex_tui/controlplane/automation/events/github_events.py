"""Extract trigger events and job metadata from a GitHub delivery.

routing.md §5.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

BOT = "mogplex[bot]"
# Comments written by the service contain this text, so that it never answers itself.
MARKER = "<!-- mogplex -->"
REVIEW_CHECK = "Mogplex review"
COMMENT_LIMIT = 4_096
LISTENED = frozenset(
    (
        "pull_request",
        "push",
        "issues",
        "check_run",
        "workflow_run",
        "issue_comment",
        "pull_request_review_comment",
        "commit_comment",
    )
)

_MENTION = re.compile(r"(?<![\w/@.-])@mogplex(?:/([A-Za-z0-9][A-Za-z0-9_-]*))?(?![\w/-])", re.IGNORECASE)
_PULL = ("opened", "synchronize", "reopened", "ready_for_review")

Payload = Mapping[str, Any]


class Event(NamedTuple):
    """An event that a flow's start node, an assignment or a trigger can listen to.

    `slug` is the slug of the agent that a mention names; it is None for other events and for a
    mention that names no agent. `author` is the login of the author of the pull request or comment,
    None if unknown.
    """

    type: str
    metadata: dict[str, Any]
    slug: str | None = None
    author: str | None = None
    author_is_bot: bool = False


class Source(NamedTuple):
    """The source of a delivery: repository name, installation id, account type."""

    repo: str | None
    installation_id: int | None
    account_type: str | None


def part(payload: Payload, *path: str) -> dict[str, Any]:
    """Return the object at a path of nested keys, or an empty dict if there is none."""
    found: Any = payload
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def text(value: Any) -> str | None:
    """Return the value if it is a non-empty string, else None."""
    return value if isinstance(value, str) and value else None


def number(value: Any) -> int | None:
    """Return the value if it is an integer, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def source_of(payload: Payload) -> Source:
    """Return the repository, installation and account type that a payload names."""
    repository = part(payload, "repository")
    owner = part(repository, "owner")
    return Source(
        text(repository.get("full_name")),
        number(part(payload, "installation").get("id")),
        text(owner.get("type")),
    )


def is_bot(user: Payload) -> bool:
    """Return whether a GitHub account is a bot."""
    return user.get("type") == "Bot" or str(user.get("login") or "").endswith("[bot]")


def sender_of(payload: Payload) -> dict[str, Any]:
    """Return the account that caused the delivery."""
    return part(payload, "sender")


def events(kind: str, payload: Payload) -> list[Event]:
    """Return the trigger events of a delivery; the list is empty if none applies.

    `kind` is the name of the GitHub event (x-github-event).
    """
    read = _READERS.get(kind)
    found = [] if read is None else read(payload)
    common = {"sender_login": text(sender_of(payload).get("login"))}
    return [event._replace(metadata=_known(common | event.metadata)) for event in found]


def _known(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if value is not None}


def about_pull(pull: Payload) -> dict[str, Any]:
    """Return the metadata of a job about a pull request."""
    return {
        "pr_number": number(pull.get("number")),
        "pr_url": text(pull.get("html_url")),
        "pr_title": text(pull.get("title")),
        "pr_author": text(part(pull, "user").get("login")),
        "head_ref": text(part(pull, "head").get("ref")),
        "head_sha": text(part(pull, "head").get("sha")),
        "head_repo_full_name": text(part(pull, "head", "repo").get("full_name")),
        "base_ref": text(part(pull, "base").get("ref")),
        "base_sha": text(part(pull, "base").get("sha")),
        "base_repo_full_name": text(part(pull, "base", "repo").get("full_name")),
        "is_pr": True,
    }


def about_issue(issue: Payload) -> dict[str, Any]:
    """Return the metadata of a job about an issue.

    If the issue is a pull request, the metadata also has the pull request's keys (`pr_number`,
    `pr_url`, `pr_title`, `pr_author`).
    """
    is_pull = "pull_request" in issue
    metadata = {
        "issue_number": number(issue.get("number")),
        "issue_url": text(issue.get("html_url")),
        "issue_title": text(issue.get("title")),
        "is_pr": is_pull,
    }
    if is_pull:
        metadata |= {
            "pr_number": metadata["issue_number"],
            "pr_url": metadata["issue_url"],
            "pr_title": metadata["issue_title"],
            "pr_author": text(part(issue, "user").get("login")),
        }
    return metadata


def _pull_request(payload: Payload) -> list[Event]:
    pull, action = part(payload, "pull_request"), payload.get("action")
    if action == "labeled":
        return _labeled(payload, about_pull(pull))
    if action not in _PULL:
        return []
    if pull.get("draft") and action != "ready_for_review":
        return []
    if action == "synchronize" and is_bot(sender_of(payload)):
        return []
    author = part(pull, "user")
    return [
        Event("pr_opened", about_pull(pull), author=text(author.get("login")), author_is_bot=is_bot(author))
    ]


def _labeled(payload: Payload, about: dict[str, Any]) -> list[Event]:
    if sender_of(payload).get("login") == BOT:
        return []
    return [Event("labeled", about | {"label_name": text(part(payload, "label").get("name"))})]


def _issues(payload: Payload) -> list[Event]:
    about, action = about_issue(part(payload, "issue")), payload.get("action")
    if action == "labeled":
        return _labeled(payload, about)
    return [Event("issue_opened", about)] if action in ("opened", "reopened") else []


def _push(payload: Payload) -> list[Event]:
    ref = text(payload.get("ref")) or ""
    commits = payload.get("commits")
    metadata = {
        "ref": ref,
        "head_sha": text(payload.get("after")),
        "base_sha": text(payload.get("before")),
        "compare_url": text(payload.get("compare")),
        "commits_count": len(commits) if isinstance(commits, list) else None,
    }
    if ref.startswith("refs/tags/"):
        if payload.get("deleted") or sender_of(payload).get("login") == BOT:
            return []
        return [Event("tag_push", metadata | {"tag_name": ref.removeprefix("refs/tags/")})]
    default = text(part(payload, "repository").get("default_branch")) or "main"
    if ref != f"refs/heads/{default}" or payload.get("deleted"):
        return []
    return [Event("push", metadata | {"head_branch": default})]


def _check_run(payload: Payload) -> list[Event]:
    run = part(payload, "check_run")
    if payload.get("action") != "completed" or run.get("conclusion") != "failure":
        return []
    if run.get("name") == REVIEW_CHECK:
        return []
    about = {
        "check_name": text(run.get("name")),
        "run_id": number(run.get("id")),
        "head_sha": text(run.get("head_sha")),
        "head_branch": text(part(run, "check_suite").get("head_branch")),
        "html_url": text(run.get("html_url")),
        "details_url": text(run.get("details_url")),
    }
    return [Event("ci_failure", about)]


def _workflow_run(payload: Payload) -> list[Event]:
    run = part(payload, "workflow_run")
    if payload.get("action") != "completed" or run.get("conclusion") != "failure":
        return []
    about = {
        "workflow_name": text(run.get("name")),
        "run_id": number(run.get("id")),
        "head_sha": text(run.get("head_sha")),
        "head_branch": text(run.get("head_branch")),
        "html_url": text(run.get("html_url")),
    }
    return [Event("ci_failure", about)]


def _comment(payload: Payload, metadata: dict[str, Any], other: str | None) -> list[Event]:
    """Return the events of a new comment: a mention event per mentioned agent.

    A comment without a mention is an event of type `other`, or no event if `other` is None.
    Comments of bots and of the service itself cause no events.
    """
    comment = part(payload, "comment")
    body, author = text(comment.get("body")) or "", part(comment, "user")
    if payload.get("action") not in ("created", None) or is_bot(author) or MARKER in body:
        return []
    metadata = metadata | {
        "comment_id": number(comment.get("id")),
        "comment_body": body[:COMMENT_LIMIT],
        "comment_url": text(comment.get("html_url")),
        "comment_author": text(author.get("login")),
        "commit_id": text(comment.get("commit_id")),
    }
    # One dispatch per agent, however often it is named.
    slugs = dict.fromkeys(match[1].lower() if match[1] else None for match in _MENTION.finditer(body))
    login = text(author.get("login"))
    if slugs:
        return [Event("mention", dict(metadata), slug, login) for slug in slugs]
    return [] if other is None else [Event(other, metadata, author=login)]


def _issue_comment(payload: Payload) -> list[Event]:
    issue = part(payload, "issue")
    return _comment(payload, about_issue(issue), "pr_comment" if "pull_request" in issue else "issue_comment")


def _review_comment(payload: Payload) -> list[Event]:
    return _comment(payload, about_pull(part(payload, "pull_request")), "pr_comment")


def _commit_comment(payload: Payload) -> list[Event]:
    return _comment(payload, {}, None)


_READERS = {
    "pull_request": _pull_request,
    "issues": _issues,
    "push": _push,
    "check_run": _check_run,
    "workflow_run": _workflow_run,
    "issue_comment": _issue_comment,
    "pull_request_review_comment": _review_comment,
    "commit_comment": _commit_comment,
}
