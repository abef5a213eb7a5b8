"""Serve a bare route that reads one run: `python -m benchmarks.plane.floor [DB]`."""

from __future__ import annotations

import json
import socket
import sqlite3
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def main() -> None:
    """Serve with the settings of the plane until the process is ended.

    Without a database no run is read.
    """
    connection = sqlite3.connect(sys.argv[1] if len(sys.argv) > 1 else ":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row

    async def read(request: Request) -> JSONResponse:
        row = connection.execute(
            "SELECT id, ai_call_id, repo_id, harness, status, base_branch, working_branch, created_at, error"
            " FROM external_agent_runs WHERE id = ?",
            (request.path_params["id"],),
        ).fetchone()
        return JSONResponse({"ok": True, "data": dict(row)})

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    print(json.dumps({"base_url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    config = uvicorn.Config(
        Starlette(routes=[Route("/runs/{id}", read)]),
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=75,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
