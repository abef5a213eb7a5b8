"""What is done to job runs and to the findings of a review (observability.md §7.4-§7.6)."""

from enum import StrEnum
from typing import Annotated, Any

from mogplex_tui.api.models.base import Flag, Inbound, Int64, Outbound, Text
from mogplex_tui.api.models.checks import one_of, text


class VersionMode(StrEnum):
    """Which version of an automation a retry runs: the one that failed, or the one that is published now."""

    SAME = "same_version"
    LATEST = "latest_published"


class JobRepaired(Inbound):
    """Where a pending job stands after another attempt to start it; `started` tells, not the status code (§7.4)."""

    started: Flag = False
    deferred: Flag = False
    reason: str | None = None
    status: str | None = None
    runtime_provider: str | None = None
    runtime_run_id: str | None = None
    workflow_run_id: str | None = None


class JobRequeued(JobRepaired):
    """The new job run of a failed one; `job_run_id` is None when it was suppressed (§7.5).

    `version_fallback_used` says that the published version no longer fits and the old one runs again.
    """

    queued: Flag = False
    suppressed: Flag = False
    reused: Flag = False
    job_run_id: str | None = None
    version_fallback_used: Flag = False


class JobRequeue(Outbound):
    """How to requeue; without a mode automations take their published version (§7.5)."""

    version_mode: Annotated[
        str, one_of(tuple(VersionMode), "versionMode must be same_version or latest_published")
    ]


class IssueDraft(Outbound):
    """How the issue of a finding is written; without a title or body the service writes its own (§7.6)."""

    title: Annotated[str | None, text("Write a title")] = None
    body: Annotated[str | None, text("Write a body", trimmed=False)] = None
    labels: list[str] | None = None

    def json_body(self) -> dict[str, Any] | None:
        """Return the JSON body, or None when nothing was chosen; the service takes the first ten labels."""
        return self.model_dump(exclude_none=True) or None


class FindingIssue(Inbound):
    """The GitHub issue of a finding; `created` is False when it had one already (§7.6)."""

    created: Flag = False
    issue_number: Int64 | None = None
    issue_url: Text = ""
