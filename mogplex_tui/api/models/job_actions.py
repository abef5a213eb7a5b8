"""Requests and results of actions on jobs and on the findings of a review.

Contract: observability.md §7.4 to §7.6.
"""

from enum import StrEnum
from typing import Annotated, Any

from mogplex_tui.api.models.base import Flag, Inbound, Int64, Outbound, Text
from mogplex_tui.api.models.field_validators import one_of, text


class VersionMode(StrEnum):
    """The versions of an automation that a retry can run.

    SAME is the version that failed, LATEST the published version.
    """

    SAME = "same_version"
    LATEST = "latest_published"


class JobRepaired(Inbound):
    """The result of another attempt to start a pending job.

    `started` says whether the job has started; the HTTP status is the same in both cases.
    Contract: observability.md §7.4.
    """

    started: Flag = False
    deferred: Flag = False
    reason: str | None = None
    status: str | None = None
    runtime_provider: str | None = None
    runtime_run_id: str | None = None
    workflow_run_id: str | None = None


class JobRequeued(JobRepaired):
    """The result of running a failed job again as a new job.

    `job_run_id` is the id of the new job, or None if the service skipped the work.
    `version_fallback_used` is True if the new job runs the version that failed, because the
    published version does not fit the job. Contract: observability.md §7.5.
    """

    queued: Flag = False
    suppressed: Flag = False
    reused: Flag = False
    job_run_id: str | None = None
    version_fallback_used: Flag = False


class JobRequeue(Outbound):
    """The request to run a failed job again with a given version of its automation.

    If the request is sent without this body, the service uses the published version.
    Contract: observability.md §7.5.
    """

    version_mode: Annotated[
        str, one_of(tuple(VersionMode), "versionMode must be same_version or latest_published")
    ]


class IssueDraft(Outbound):
    """The GitHub issue to create for a finding.

    If `title` or `body` is None, the service writes it. Contract: observability.md §7.6.
    """

    title: Annotated[str | None, text("Write a title")] = None
    body: Annotated[str | None, text("Write a body", trimmed=False)] = None
    labels: list[str] | None = None

    def json_body(self) -> dict[str, Any] | None:
        """Return the JSON body, or None if all fields are None.

        The service uses only the first ten labels.
        """
        return self.model_dump(exclude_none=True) or None


class FindingIssue(Inbound):
    """The GitHub issue of a finding.

    `created` is False if the issue existed before the request. Contract: observability.md §7.6.
    """

    created: Flag = False
    issue_number: Int64 | None = None
    issue_url: Text = ""
