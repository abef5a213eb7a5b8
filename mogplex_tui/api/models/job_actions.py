"""Requests and results of actions on jobs and on the findings of a review.

Contract: observability.md §7.4 to §7.6.
"""

from enum import StrEnum
from typing import Annotated, Any

from mogplex_tui.api.models.base import Flag, Inbound, Int64, Outbound, Text
from mogplex_tui.api.models.field_validators import one_of, text


class VersionMode(StrEnum):
    """The version of an automation that a retry runs: the failed or the published one."""

    SAME = "same_version"
    LATEST = "latest_published"


class JobRepaired(Inbound):
    """The state of a pending job after an attempt to start it.

    `started` says whether it started, not the status code. Contract: observability.md §7.4.
    """

    started: Flag = False
    deferred: Flag = False
    reason: str | None = None
    status: str | None = None
    runtime_provider: str | None = None
    runtime_run_id: str | None = None
    workflow_run_id: str | None = None


class JobRequeued(JobRepaired):
    """The new job of a failed one. `job_run_id` is None if it was skipped.

    `version_fallback_used` is True if the published version does not fit and the failed version runs again. Contract:
    observability.md §7.5.
    """

    queued: Flag = False
    suppressed: Flag = False
    reused: Flag = False
    job_run_id: str | None = None
    version_fallback_used: Flag = False


class JobRequeue(Outbound):
    """Request to run a job again. Without a mode, the published version runs.

    Contract: observability.md §7.5.
    """

    version_mode: Annotated[
        str, one_of(tuple(VersionMode), "versionMode must be same_version or latest_published")
    ]


class IssueDraft(Outbound):
    """The text of an issue. Without title or body, the service writes them.

    Contract: observability.md §7.6.
    """

    title: Annotated[str | None, text("Write a title")] = None
    body: Annotated[str | None, text("Write a body", trimmed=False)] = None
    labels: list[str] | None = None

    def json_body(self) -> dict[str, Any] | None:
        """Return the JSON body, or None if no field was set.

        The service uses the first ten labels.
        """
        return self.model_dump(exclude_none=True) or None


class FindingIssue(Inbound):
    """The GitHub issue of a finding. `created` is False if it existed already.

    Contract: observability.md §7.6.
    """

    created: Flag = False
    issue_number: Int64 | None = None
    issue_url: Text = ""
