"""Sandboxes: records, lifecycle, commands, files and health (sandboxes.md)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from ...http.endpoints import Handler, Service, Verb, route
from . import collection, ends, execs, files, harness, launch, looks, presence, terminal, tree, wake
from .door import LateDoor, SandboxDoor


def routes(service: Service) -> list[BaseRoute]:
    """Every route of the family; the locks of an earlier process are forgotten first."""
    execs.forget_locks(service.plane)
    one = "/api/sandbox/{id}"
    paths: dict[str, dict[str, Handler]] = {
        "/api/sandbox": {"GET": collection.list_sandboxes, "POST": launch.launch_sandbox},
        one: {"GET": looks.read_sandbox, "DELETE": ends.delete},
        f"{one}/exec": {"POST": execs.execute},
        f"{one}/exec/cancel": {"POST": execs.cancel},
        f"{one}/files": {"GET": files.read_file, "PUT": files.write_file, "POST": files.list_files},
        f"{one}/tree": {
            "GET": tree.read_tree,
            "POST": tree.create_entry,
            "PATCH": tree.move_entries,
            "DELETE": tree.delete_entry,
        },
        f"{one}/health": {"GET": looks.read_health},
        f"{one}/reconcile": {"POST": looks.reconcile},
        f"{one}/pause": {"POST": ends.pause},
        f"{one}/resume": {"POST": wake.resume},
        f"{one}/restart": {"POST": wake.restart},
        f"{one}/stop": {"POST": ends.stop},
        f"{one}/presence": {"POST": presence.report},
        f"{one}/harness": {"POST": harness.run_harness},
        f"{one}/terminal/connect": {"GET": terminal.connect, "POST": terminal.connect},
        f"{one}/terminal/session": {"POST": terminal.session},
    }
    found: list[BaseRoute] = [
        route(path, SandboxDoor(service, {method: Verb(handler) for method, handler in verbs.items()}))
        for path, verbs in paths.items()
    ]
    return [*found, route(f"{one}/extend", LateDoor(service, {"POST": Verb(ends.extend)}))]
