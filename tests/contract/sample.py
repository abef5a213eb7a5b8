"""Sample JSON of an observed schema: every field filled, rows that differ."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.contract.schemas import SHAPES

# In every list: enough that one spoilt row has an untouched neighbour.
ROWS = 2

_MOMENT = re.compile(r"(_at|At|^(from|to|start|end|hour|day|at|expires)|[tT]imestamp|lastActivity)$")
_IDENTITY = re.compile(r"(^id|_id|Id)$")
# Numbers that the service writes as text (errors.md §6, v1.md §5.4).
_AMOUNT = re.compile(r"cost|price|pricing|usd", re.IGNORECASE)

# What has to be one certain word.
_WORDS = {"jsonrpc": "2.0"}


def shape_names() -> list[str]:
    """Return the name of every schema without `.json`."""
    return sorted(path.stem for path in SHAPES.rglob("*.json"))


def route_of(name: str) -> tuple[str, str, bool]:
    """Return method, path, and whether it is the command line tool's form.

    Parameters of the path are unnamed.
    """
    method, _, rest = name.partition("_")
    route = rest.rpartition("_")[0]
    route, _, form = route.partition("~")
    path = "/".join("{}" if part == "-" else part for part in route.split("."))
    return method, f"/{path}", form == "cli"


def sample(name: str, *, nulls: bool = False) -> Any:
    """Return an answer that the schema describes.

    With `nulls` it has null wherever the schema allows it.
    """
    (path,) = SHAPES.rglob(f"{name}.json")
    return _Sampler(nulls).value(json.loads(path.read_text()), "")


def _is_nullable(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type", [])
    return kinds == "null" or "null" in kinds or any(map(_is_nullable, schema.get("anyOf", ())))


class _Sampler:
    def __init__(self, nulls: bool) -> None:
        self._count = 0
        self._nulls = nulls

    def value(self, schema: dict[str, Any], name: str) -> Any:
        if self._nulls and _is_nullable(schema):
            return None
        if "anyOf" in schema:
            options = [option for option in schema["anyOf"] if option.get("type") != "null"]
            return self.value(options[0] if options else schema["anyOf"][0], name)
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else list(kinds)
        kind = next((kind for kind in kinds if kind != "null"), "null")
        self._count += 1
        match kind:
            case "object":
                if "additionalProperties" in schema:
                    return {f"key{n}": self.value(schema["additionalProperties"], name) for n in range(ROWS)}
                return {key: self.value(inner, key) for key, inner in schema.get("properties", {}).items()}
            case "array":
                # A list that was never seen with anything in it stays empty.
                rows = ROWS if "items" in schema else 0
                return [self.value(schema["items"], name) for _ in range(rows)]
            case "string":
                return self._text(name)
            case "integer":
                return self._count
            case "number":
                return self._count + 0.25
            case "boolean":
                return True
        return None

    def _text(self, name: str) -> str:
        if _MOMENT.search(name):
            return f"2026-08-03T15:{self._count // 60 % 60:02d}:{self._count % 60:02d}.638+00:00"
        if _IDENTITY.search(name):
            return f"00000000-0000-4000-8000-{self._count:012d}"
        if _AMOUNT.search(name):
            return f"{self._count}.05"
        return _WORDS.get(name, f"{name or 'text'} {self._count}")
