"""Evaluate the paths, conditions, templates and transforms of a job run.

routing.md §5.5.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_METADATA = ("head_ref", "base_ref", "sender_login", "labels", "label_name", "tag_name")
_PLACE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


@dataclass
class State:
    """The data that a job run's expressions can refer to.

    `variables` are the variables that nodes have set so far, `outputs` the texts that agents have
    written so far.
    """

    metadata: Mapping[str, Any]
    repo_full_name: str
    default_branch: str
    variables: dict[str, Any] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)

    def resolve(self, path: str) -> Any:
        """Return the value at a dotted path, or None if there is no such value."""
        path = path.strip()
        if path in _METADATA:
            return self.metadata.get(path)
        root, _, rest = path.partition(".")
        if root == "metadata":
            return _walk(self.metadata, rest)
        if root == "state":
            return _walk(self.variables, rest)
        if root == "repo":
            known = {"full_name": self.repo_full_name, "default_branch": self.default_branch}
            return known.get(rest)
        return "\n\n".join(self.outputs) if path == "previous_outputs" else None

    def render(self, template: str) -> str:
        """Return a template with every `{{path}}` replaced by its value as text."""
        return _PLACE.sub(lambda match: as_text(self.resolve(match[1])), template)


def _walk(value: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal():
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value


def as_text(value: Any) -> str:
    """Return a value as text: "" for None, a string unchanged, anything else as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _contains(left: Any, right: str) -> bool:
    if isinstance(left, list):
        return any(as_text(item) == right for item in left)
    return right.lower() in as_text(left).lower()


def _compare(left: Any, right: str, greater: bool) -> bool:
    a, b = _number(left), _number(right)
    if a is None or b is None:
        return False
    return a > b if greater else a < b


def _is_in_list(left: Any, right: str) -> bool:
    options = {part.strip().lower() for part in right.split(",")}
    return as_text(left).lower() in options


def evaluate_rule(state: State, rule: Mapping[str, Any]) -> bool:
    """Return whether one rule of a condition node is true.

    A rule with an unknown operator is false.
    """
    left, right = state.resolve(str(rule.get("field") or "")), as_text(rule.get("value"))
    results = {
        "exists": lambda: left is not None,
        "is_empty": lambda: _empty(left),
        "is_not_empty": lambda: not _empty(left),
        "equals": lambda: as_text(left) == right,
        "not_equals": lambda: as_text(left) != right,
        "contains": lambda: _contains(left, right),
        "not_contains": lambda: not _contains(left, right),
        "starts_with": lambda: as_text(left).lower().startswith(right.lower()),
        "ends_with": lambda: as_text(left).lower().endswith(right.lower()),
        "greater_than": lambda: _compare(left, right, True),
        "less_than": lambda: _compare(left, right, False),
        "in": lambda: _is_in_list(left, right),
        "not_in": lambda: not _is_in_list(left, right),
    }
    test = results.get(str(rule.get("operator")))
    return test is not None and test()


def evaluate_condition(state: State, data: Mapping[str, Any]) -> bool:
    """Return whether a condition node's rules are true: any in mode `any`, else all."""
    results = [evaluate_rule(state, rule) for rule in data.get("rules") or []]
    return any(results) if data.get("mode") == "any" else all(results)


def assign(state: State, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that a set_variable node sets, by name."""
    set_: dict[str, Any] = {}
    for entry in data.get("assignments") or []:
        set_[str(entry.get("key"))] = state.render(str(entry.get("template") or ""))
    return set_


def transform(state: State, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that a transform node sets, by name.

    An assignment may use the variables that earlier assignments of the node set.
    """
    known = State(
        state.metadata, state.repo_full_name, state.default_branch, dict(state.variables), state.outputs
    )
    set_: dict[str, Any] = {}
    for entry in data.get("assignments") or []:
        key, source = str(entry.get("key")), str(entry.get("source") or "")
        value = known.render(source) if "{{" in source else known.resolve(source)
        argument = known.render(as_text(entry.get("argument")))
        set_[key] = known.variables[key] = _apply_transform(str(entry.get("operation")), value, argument)
    return set_


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [line for line in as_text(value).splitlines() if line]


def _apply_transform(operation: str, value: Any, argument: str) -> Any:
    if operation == "string_contains":
        return argument.lower() in as_text(value).lower()
    if operation == "string_split":
        return [part.strip() for part in as_text(value).split(argument or ",")]
    if operation == "array_join":
        return (argument or ", ").join(as_text(item) for item in _items(value))
    if operation == "array_length":
        return len(_items(value))
    if operation == "array_includes":
        return any(as_text(item) == argument for item in _items(value))
    if operation == "files_match_glob":
        return any(fnmatch.fnmatchcase(as_text(item), argument) for item in _items(value))
    if operation == "cast_boolean":
        return as_text(value).strip().lower() in ("true", "1", "yes", "on")
    if operation == "cast_number":
        number = _number(value)
        return int(number) if number is not None and number.is_integer() else number
    return value
