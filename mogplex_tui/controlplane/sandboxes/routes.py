"""All sandbox routes: records, lifecycle, commands, files and health.

sandboxes.md.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from ..http.endpoints import Handler, MethodHandler, Service, route
from . import (
    detail_routes,
    exec_routes,
    file_routes,
    file_tree_routes,
    harness_routes,
    launch_routes,
    lifecycle_routes,
    list_routes,
    presence_routes,
    resume_routes,
    terminal_routes,
    v1_sandbox_routes,
)
from .sandbox_endpoint import BodyFirstSandboxEndpoint, SandboxEndpoint


def routes(service: Service) -> list[BaseRoute]:
    """Return all sandbox routes.

    Command locks that an earlier process has left in the database are released.
    """
    exec_routes.forget_locks(service.plane)
    one = "/api/sandbox/{id}"
    paths: dict[str, dict[str, Handler]] = {
        "/api/sandbox": {"GET": list_routes.list_sandboxes, "POST": launch_routes.launch_sandbox},
        one: {"GET": detail_routes.read_sandbox, "DELETE": lifecycle_routes.delete},
        f"{one}/exec": {"POST": exec_routes.execute},
        f"{one}/exec/cancel": {"POST": exec_routes.cancel},
        f"{one}/files": {
            "GET": file_routes.read_file,
            "PUT": file_routes.write_file,
            "POST": file_routes.list_files,
        },
        f"{one}/tree": {
            "GET": file_tree_routes.read_tree,
            "POST": file_tree_routes.create_entry,
            "PATCH": file_tree_routes.move_entries,
            "DELETE": file_tree_routes.delete_entry,
        },
        f"{one}/health": {"GET": detail_routes.read_health},
        f"{one}/reconcile": {"POST": detail_routes.reconcile},
        f"{one}/pause": {"POST": lifecycle_routes.pause},
        f"{one}/resume": {"POST": resume_routes.resume},
        f"{one}/restart": {"POST": resume_routes.restart},
        f"{one}/stop": {"POST": lifecycle_routes.stop},
        f"{one}/presence": {"POST": presence_routes.report},
        f"{one}/harness": {"POST": harness_routes.run_harness},
        f"{one}/terminal/connect": {"GET": terminal_routes.connect, "POST": terminal_routes.connect},
        f"{one}/terminal/session": {"POST": terminal_routes.session},
    }
    sandbox_routes: list[BaseRoute] = [
        route(
            path,
            SandboxEndpoint(
                service, {method: MethodHandler(handler) for method, handler in handlers.items()}
            ),
        )
        for path, handlers in paths.items()
    ]
    return [
        *v1_sandbox_routes.routes(service),
        *sandbox_routes,
        route(
            f"{one}/extend",
            BodyFirstSandboxEndpoint(service, {"POST": MethodHandler(lifecycle_routes.extend)}),
        ),
    ]
