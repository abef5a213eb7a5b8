"""The report of failed runs: records, totals and filters (observability.md §8.3)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ..core.plane import Plane
from ..db.clock import iso_db
from ..db.database import Row
from .dispatch_queries import Agents, control_events, source_kind

NEWEST = 10_000
UNKNOWN = "unknown"
CLASSES = {
    "timeout": "Timeout",
    "rate_limited": "Rate limited",
    "provider_unavailable": "Provider unavailable",
    "dependency_unavailable": "Dependency unavailable",
    "authentication": "Authentication",
    "configuration": "Configuration",
    UNKNOWN: "Other",
}
_BUCKETS = {"under_3m": "< 3m", "under_5m": "3m-4.9m", "5m_plus": "5m+", UNKNOWN: "Unknown"}
_BRANDS = {"openai": "OpenAI", "anthropic": "Anthropic", "google": "Google", "minimax": "MiniMax"}
_REASONS = {
    "AUTOMATION_TIMEOUT": "Timeout",
    "AUTOMATION_RATE_LIMITED": "Rate limited",
    "AUTOMATION_PROVIDER_UNAVAILABLE": "Provider unavailable",
    "AUTOMATION_DEPENDENCY_UNAVAILABLE": "Dependency unavailable",
    "AUTOMATION_AUTHENTICATION_FAILED": "Authentication",
    "AUTOMATION_CONFIGURATION_FAILED": "Configuration",
}
# Filter parameter -> the record's key that it compares.
_FILTERS = ("failure_class", "source_type", "provider", "model")


def _class(value: Any) -> str | None:
    return value if isinstance(value, str) and value in CLASSES else None


def _bucket(timeout_ms: Any) -> str:
    if not isinstance(timeout_ms, int | float) or isinstance(timeout_ms, bool):
        return UNKNOWN
    if timeout_ms < 180_000:
        return "under_3m"
    return "under_5m" if timeout_ms < 300_000 else "5m_plus"


def reason_label(reason: str | None) -> str:
    """Return a readable label for a reason code, or `—` for None.

    If no label is defined for the code, the words of the code are capitalized.
    """
    if reason is None:
        return "—"
    return _REASONS.get(reason) or " ".join(
        word[:1].upper() + word[1:].lower() for word in reason.replace("_", " ").split()
    )


def provider_label(provider: str) -> str:
    """Return the brand name of a model provider, or its id capitalized."""
    return _BRANDS.get(provider) or provider[:1].upper() + provider[1:]


def _diagnostics(metadata: dict[str, Any], failed: bool) -> dict[str, Any]:
    klass = (_class(metadata.get("model_failure_class")) or UNKNOWN) if failed else None
    recovered = _class(metadata.get("model_recovered_from_failure_class"))
    timeout_ms = metadata.get("model_effective_timeout_ms")
    bucket = _bucket(timeout_ms)
    return {
        "failureClass": klass,
        "failureLabel": None if klass is None else CLASSES[klass],
        "failureMessage": metadata.get("model_failure_message"),
        "failureStatusCode": metadata.get("model_failure_status_code"),
        "executionPhase": metadata.get("model_execution_phase"),
        "effectiveTimeoutMs": timeout_ms,
        "timeoutBucket": bucket,
        "timeoutBucketLabel": _BUCKETS[bucket],
        "retryAttempted": metadata.get("model_retry_attempted") is True,
        "retryCount": metadata.get("model_retry_count") or 0,
        "attempts": metadata.get("model_attempts") or 0,
        "recoveredFromFailureClass": recovered,
        "recoveredFromFailureLabel": None if recovered is None else CLASSES[recovered],
        "recoveredFromMessage": metadata.get("model_recovered_from_message"),
    }


def _record(row: Row, agents: Agents) -> dict[str, Any]:
    metadata = json.loads(row["metadata"])
    agent = agents.of(row)
    model = None if agent is None else agent["model"]
    return {
        "id": row["id"],
        "jobRunId": row["job_run_id"],
        "createdAt": iso_db(row["created_at"]),
        "sourceKind": source_kind(row),
        "sourceType": row["source_type"],
        "reason": row["reason"],
        "reasonLabel": reason_label(row["reason"]),
        "outcome": row["outcome"],
        "repo": {"id": row["repo_id"], "fullName": row["full_name"]},
        "agent": {
            **{name: None if agent is None else agent[name] for name in ("id", "name", "slug")},
            "model": model,
            "provider": None if not model else model.partition("/")[0].lower(),
        },
        "diagnostics": _diagnostics(metadata, row["outcome"] == "failed"),
        "metadata": metadata,
    }


def _key(record: dict[str, Any], name: str) -> str | None:
    """Return the value of a failed run's record that the filter `name` compares."""
    if name == "failure_class":
        found: str | None = record["diagnostics"]["failureClass"]
    elif name == "source_type":
        found = record["sourceType"]
    else:
        found = record["agent"][name]
    return found


def _label(name: str, key: str) -> str:
    if name == "failure_class":
        return CLASSES[key]
    if name == "timeout":
        return _BUCKETS[key]
    if name == "provider":
        return provider_label(key)
    return "Unknown" if key == UNKNOWN else key


def _breakdown(name: str, keys: Iterable[str | None]) -> list[dict[str, Any]]:
    counts = Counter(key or UNKNOWN for key in keys)
    found = [{"key": key, "label": _label(name, key), "count": count} for key, count in counts.items()]
    return sorted(found, key=lambda entry: (-entry["count"], entry["label"]))


def _options(name: str, records: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    keys = {key for record in records if (key := _key(record, name))}
    return sorted(
        ({"value": key, "label": _label(name, key)} for key in keys), key=lambda entry: entry["label"]
    )


def _summary(failed: list[dict[str, Any]], recoveries: int) -> dict[str, int]:
    classes = Counter(record["diagnostics"]["failureClass"] for record in failed)
    return {
        "failedTotal": len(failed),
        "successfulRecoveries": recoveries,
        "retriedFailures": sum(record["diagnostics"]["retryAttempted"] for record in failed),
        "timeoutFailures": classes["timeout"],
        "authenticationFailures": classes["authentication"],
        "configurationFailures": classes["configuration"],
        "providerFailures": classes["provider_unavailable"] + classes["rate_limited"],
        "dependencyFailures": classes["dependency_unavailable"],
    }


def report(plane: Plane, user_id: str, query: Callable[[str], str], page: int, limit: int) -> dict[str, Any]:
    """Return one page of failed runs, newest first, with totals over all pages.

    Raises BadInstantError for an invalid time.
    """
    agents = Agents(plane)
    records = [_record(row, agents) for row in control_events(plane, user_id, query, NEWEST)]
    filters = {name: query(name) for name in _FILTERS if query(name)}
    kept = [
        record for record in records if all(_key(record, name) == value for name, value in filters.items())
    ]
    every = [record for record in records if record["outcome"] == "failed"]
    failed = [record for record in kept if record["outcome"] == "failed"]
    # A completed run has no failure class, so that a filter by class excludes them all.
    recoveries = sum(
        record["outcome"] == "completed" and record["diagnostics"]["recoveredFromFailureClass"] is not None
        for record in kept
    )
    first = (page - 1) * limit
    return {
        "summary": _summary(failed, recoveries),
        "breakdowns": {
            "byFailureClass": _breakdown("failure_class", (_key(row, "failure_class") for row in failed)),
            "bySourceType": _breakdown("source_type", (_key(row, "source_type") for row in failed)),
            "byProvider": _breakdown("provider", (_key(row, "provider") for row in failed)),
            "byModel": _breakdown("model", (_key(row, "model") for row in failed)),
            "byTimeoutBucket": _breakdown("timeout", (row["diagnostics"]["timeoutBucket"] for row in failed)),
        },
        "filter_options": {
            "failureClasses": _options("failure_class", every),
            "sourceTypes": _options("source_type", every),
            "providers": _options("provider", every),
            "models": _options("model", every),
        },
        "records": failed[first : first + limit],
        "total": len(failed),
        "page": page,
        "limit": limit,
    }
