"""JSON-RPC messages to the MCP endpoint."""

from __future__ import annotations

from typing import Any

from tests.controlplane.api_paths import V1

MCP = f"{V1}/mcp"
UNKNOWN_RUN = "00000000-0000-4000-8000-000000000000"


def message(method: str, id: Any = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def tool_call(name: str, arguments: Any = None, id: Any = 1) -> dict[str, Any]:
    return message("tools/call", id, name=f"mogplex_{name}", arguments=arguments)
