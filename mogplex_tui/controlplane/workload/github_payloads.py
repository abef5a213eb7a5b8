"""Realistic GitHub webhook deliveries.

The simulator and the command `control-plane --webhook` use them.
"""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from ..sample_data.loader import prompts, work
from .rng import pick, whole


class DeliveryRepository(NamedTuple):
    """The repository of a webhook delivery.

    If the installation id or the account type is None, the delivery does not contain it.
    """

    full_name: str
    branch: str = "main"
    installation_id: int | None = None
    account_type: str | None = None

    @property
    def url(self) -> str:
        """The URL of the repository's page on GitHub."""
        return f"https://github.com/{self.full_name}"


class DeliveryTexts(NamedTuple):
    """Text, number and author of a webhook delivery; each is random if it is None."""

    text: str | None = None
    number: int | None = None
    author: str | None = None


# Name of a kind -> (x-github-event, one line of help).
KINDS = {
    "pull_request": ("pull_request", "a person opens a pull request"),
    "push": ("push", "commits reach the default branch"),
    "issues": ("issues", "a person opens an issue"),
    "issue_comment": ("issue_comment", "a person calls @mogplex on a pull request"),
    "pull_request_review_comment": ("pull_request_review_comment", "a person comments on a line"),
    "check_run": ("check_run", "a check of a branch fails"),
    "workflow_run": ("workflow_run", "a workflow of a branch fails"),
    "workflow_success": ("workflow_run", "a workflow of a branch succeeds"),
    "label": ("pull_request", "a person puts a label on a pull request"),
    "tag": ("push", "a version tag is pushed"),
    "deployment_status": ("deployment_status", "a preview is ready"),
}
_NOTHING = DeliveryTexts()


def build(
    rng: Random, kind: str, source: DeliveryRepository, texts: DeliveryTexts = _NOTHING
) -> dict[str, Any]:
    """Return the JSON body of a webhook delivery.

    Raises KeyError for an unknown kind.
    """
    author = texts.author or pick(rng, work("authors"))
    body = _BUILDERS[kind](rng, source, texts, author)
    owner = source.full_name.partition("/")[0]
    repository: dict[str, Any] = {
        "full_name": source.full_name,
        "name": source.full_name.partition("/")[2],
        "default_branch": source.branch,
        "html_url": source.url,
        "owner": {"login": owner},
    }
    if source.account_type is not None:
        repository["owner"]["type"] = source.account_type
    if source.installation_id is not None:
        body["installation"] = {"id": source.installation_id}
    return body | {"repository": repository, "sender": {"login": author, "type": "User"}}


def _sha(rng: Random) -> str:
    return f"{rng.getrandbits(160):040x}"


def _number(rng: Random, texts: DeliveryTexts) -> int:
    return texts.number or whole(rng, 210, 1900)


def _pull(
    rng: Random, source: DeliveryRepository, texts: DeliveryTexts, author: str, title: str | None
) -> dict[str, Any]:
    number = _number(rng, texts)
    return {
        "number": number,
        "html_url": f"{source.url}/pull/{number}",
        "title": title or pick(rng, work("prs")),
        "draft": False,
        "user": {"login": author, "type": "User"},
        "head": {
            "ref": pick(rng, prompts()).slug,
            "sha": _sha(rng),
            "repo": {"full_name": source.full_name},
        },
        "base": {"ref": source.branch, "sha": _sha(rng), "repo": {"full_name": source.full_name}},
    }


def _pull_request(
    rng: Random, about: DeliveryRepository, texts: DeliveryTexts, author: str
) -> dict[str, Any]:
    return {"action": "opened", "pull_request": _pull(rng, about, texts, author, texts.text)}


def _label(rng: Random, about: DeliveryRepository, texts: DeliveryTexts, author: str) -> dict[str, Any]:
    pull = _pull(rng, about, texts, author, None)
    return {"action": "labeled", "pull_request": pull, "label": {"name": texts.text or "ready"}}


def _push(rng: Random, about: DeliveryRepository, texts: DeliveryTexts, author: str) -> dict[str, Any]:
    before, after = _sha(rng), _sha(rng)
    message = texts.text or pick(rng, work("prs"))
    commits = [
        {"id": _sha(rng), "message": message, "author": {"username": author}} for _ in range(whole(rng, 1, 6))
    ]
    return {
        "ref": f"refs/heads/{about.branch}",
        "before": before,
        "after": after,
        "compare": f"{about.url}/compare/{before[:12]}...{after[:12]}",
        "deleted": False,
        "commits": commits,
    }


def _tag(rng: Random, about: DeliveryRepository, texts: DeliveryTexts, author: str) -> dict[str, Any]:
    name = texts.text or f"v{whole(rng, 1, 4)}.{whole(rng, 0, 30)}.{whole(rng, 0, 9)}"
    return _push(rng, about, texts, author) | {"ref": f"refs/tags/{name}", "commits": []}


def _issue(
    rng: Random, about: DeliveryRepository, texts: DeliveryTexts, author: str, title: str | None
) -> dict[str, Any]:
    number = _number(rng, texts)
    return {
        "number": number,
        "html_url": f"{about.url}/issues/{number}",
        "title": title or pick(rng, work("issues")),
        "user": {"login": author, "type": "User"},
    }


def _issues(rng: Random, about: DeliveryRepository, texts: DeliveryTexts, author: str) -> dict[str, Any]:
    return {"action": "opened", "issue": _issue(rng, about, texts, author, texts.text)}


def _comment(rng: Random, about: DeliveryRepository, number: int, body: str, author: str) -> dict[str, Any]:
    comment_id = whole(rng, 2_100_000_000, 2_199_999_999)
    return {
        "id": comment_id,
        "body": body,
        "html_url": f"{about.url}/pull/{number}#issuecomment-{comment_id}",
        "user": {"login": author, "type": "User"},
    }


def _issue_comment(
    rng: Random, about: DeliveryRepository, texts: DeliveryTexts, author: str
) -> dict[str, Any]:
    issue = _issue(rng, about, texts, author, pick(rng, work("prs")))
    issue |= {"pull_request": {"url": f"{about.url}/pull/{issue['number']}"}}
    body = texts.text or pick(rng, work("comments"))
    return {
        "action": "created",
        "issue": issue,
        "comment": _comment(rng, about, issue["number"], body, author),
    }


def _review_comment(
    rng: Random, about: DeliveryRepository, texts: DeliveryTexts, author: str
) -> dict[str, Any]:
    pull = _pull(rng, about, texts, author, None)
    body = texts.text or pick(rng, work("comments"))
    return {
        "action": "created",
        "pull_request": pull,
        "comment": _comment(rng, about, pull["number"], body, author),
    }


def _check_run(rng: Random, about: DeliveryRepository, texts: DeliveryTexts, _author: str) -> dict[str, Any]:
    run_id = whole(rng, 18_000_000_000, 18_999_999_999)
    run = {
        "id": run_id,
        "name": texts.text or pick(rng, work("workflows")),
        "status": "completed",
        "conclusion": "failure",
        "head_sha": _sha(rng),
        "html_url": f"{about.url}/runs/{run_id}",
        "details_url": f"{about.url}/actions/runs/{run_id}",
        "check_suite": {"head_branch": pick(rng, prompts()).slug},
    }
    return {"action": "completed", "check_run": run}


def _workflow(
    rng: Random, about: DeliveryRepository, texts: DeliveryTexts, conclusion: str
) -> dict[str, Any]:
    run_id = whole(rng, 18_000_000_000, 18_999_999_999)
    run = {
        "id": run_id,
        "name": texts.text or pick(rng, work("workflows")),
        "status": "completed",
        "conclusion": conclusion,
        "head_sha": _sha(rng),
        "head_branch": pick(rng, prompts()).slug,
        "html_url": f"{about.url}/actions/runs/{run_id}",
    }
    return {"action": "completed", "workflow_run": run}


def _workflow_run(
    rng: Random, about: DeliveryRepository, texts: DeliveryTexts, _author: str
) -> dict[str, Any]:
    return _workflow(rng, about, texts, "failure")


def _workflow_success(
    rng: Random, about: DeliveryRepository, texts: DeliveryTexts, _author: str
) -> dict[str, Any]:
    return _workflow(rng, about, texts, "success")


def _deployment_status(
    rng: Random, _about: DeliveryRepository, texts: DeliveryTexts, _author: str
) -> dict[str, Any]:
    environment = texts.text or "Preview"
    return {
        "action": "created",
        "deployment": {"sha": _sha(rng), "environment": environment},
        "deployment_status": {
            "state": "success",
            "environment": environment,
            "environment_url": f"https://preview-{rng.getrandbits(32):08x}.example.app",
        },
    }


_BUILDERS = {
    "pull_request": _pull_request,
    "push": _push,
    "issues": _issues,
    "issue_comment": _issue_comment,
    "pull_request_review_comment": _review_comment,
    "check_run": _check_run,
    "workflow_run": _workflow_run,
    "workflow_success": _workflow_success,
    "label": _label,
    "tag": _tag,
    "deployment_status": _deployment_status,
}
