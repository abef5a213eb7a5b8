"""Create a GitHub issue from a review finding (observability.md §7.6)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from ..db.database import Row
from ..http import params
from ..http.endpoints import ApiRequest, MethodHandler, PlainEndpoint, Service, json_response, refusal, route

_REFUSED = {
    "dismissed": "Review finding is dismissed",
    "issue_creating": "Issue creation is already in progress",
}
# Metadata may hold what somebody sent: only whole numbers count.
_NUMBERS = " UNION ALL ".join(
    f"SELECT {name} AS number FROM review_findings WHERE repo_id = ?1 UNION ALL"
    f" SELECT json_extract(metadata, '$.{name}') FROM job_runs WHERE json_extract(metadata, '$.repo_id') = ?1"
    f" AND typeof(json_extract(metadata, '$.{name}')) = 'integer'"
    for name in ("issue_number", "pr_number")
)


def _finding(request: ApiRequest) -> Row:
    row = request.plane.db.one(
        "SELECT * FROM review_findings WHERE id = ? AND job_run_id = ? AND user_id = ?",
        (request.path_id("finding_id"), request.path_id("job_id"), request.user_id),
    )
    if row is None:
        raise refusal(404, "Review finding not found")
    return row


async def create_issue(request: ApiRequest) -> Response:
    """Create the GitHub issue of a finding, or return the issue that it already has.

    The plane does not contact GitHub: the issue is only the repository's next number, and `title`,
    `body` and `labels` of the request are not stored.
    """
    await _optional_body(request)
    finding = _finding(request)
    if finding["issue_number"] is not None:
        return _answer(finding["issue_number"], finding["issue_url"], created=False)
    if finding["status"] != "open":
        raise refusal(409, _REFUSED.get(finding["status"], "Review finding is not open for issue creation"))
    if finding["repo_id"] is None:
        raise refusal(409, "Review finding is not linked to a repository")
    repo = request.plane.db.one(
        "SELECT full_name, github_installation_id FROM repos WHERE id = ?", (finding["repo_id"],)
    )
    if repo is None:
        raise refusal(404, "Repository not found")
    if repo["github_installation_id"] is None:
        raise refusal(409, "GitHub access is not available for this repository")
    number = _next_number(request, finding["repo_id"])
    url = f"https://github.com/{repo['full_name']}/issues/{number}"
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        tx.update(
            "review_findings",
            finding["id"],
            status="issue_created",
            issue_number=number,
            issue_url=url,
            updated_at=request.plane.clock.now_us(),
        )
    return _answer(number, url, created=True)


async def _optional_body(request: ApiRequest) -> dict[str, Any]:
    """Return the JSON object in the body, or {} if the body is anything else."""
    try:
        return await params.json_object(request)
    except params.NotJsonError:
        return {}


def _next_number(request: ApiRequest, repo_id: str) -> int:
    """Return the next issue or pull request number of a repository."""
    highest = request.plane.db.value(f"SELECT MAX(number) FROM ({_NUMBERS})", (repo_id,))
    return int(highest or 0) + 1


def _answer(number: int, url: str, *, created: bool) -> Response:
    return json_response({"ok": True, "created": created, "issueNumber": number, "issueUrl": url})


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this module."""
    path = "/api/observability/jobs/{job_id}/review-findings/{finding_id}/issue"
    return [route(path, PlainEndpoint(service, {"POST": MethodHandler(create_issue)}))]
