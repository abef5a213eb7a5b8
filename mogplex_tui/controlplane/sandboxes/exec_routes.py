"""Routes that run a command in a sandbox, one at a time, as JSON or as a stream.

sandboxes.md §4.8, §4.9.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..core.event_channel import Channel
from ..core.plane import Plane
from ..core.sandbox_processes import INTERRUPTED, Process, real_seconds
from ..db.database import Row
from ..http.bodies import body_of
from ..http.endpoints import ApiRequest, json_response, refusal
from .event_streams import EventStream
from .quotas import admit_exec
from .sandbox_endpoint import BASH, own_sandbox, require_capability, require_created, text_of, wake_machine
from .unsupported_commands import harness_of, immediate, words
from .vm import sandbox_lookup
from .vm.disk import Disk, OutsideError, clean
from .vm.program_environment import Machine, Run
from .vm.shell import run_line, run_words

_MODE = {"x-mogplex-exec-mode": "immediate"}


async def execute(request: ApiRequest) -> Response:
    """Run one command in a sandbox while holding the sandbox's command lock.

    The output is streamed if the request accepts text/event-stream, and is otherwise returned as
    JSON when the command has ended.
    """
    require_capability(request, BASH)
    body = await body_of(request)
    command = text_of(body, "command").strip()
    if not command:
        raise refusal(400, "command required")
    row = own_sandbox(request)
    require_created(row)
    token = admit_exec(request, row)
    try:
        return await _start_command(request, row, token, command, body)
    except BaseException:
        # Whatever stops the start must not leave the lock behind.
        release(request, row["id"], token)
        raise


async def _start_command(
    request: ApiRequest, row: Row, token: str, command: str, body: dict[str, Any]
) -> Response:
    given = body.get("args")
    args = [str(word) for word in given] if isinstance(given, list) else None
    simple = words(command, args)
    cli = harness_of(simple)
    if cli is not None and simple[1:] and not has_ai(request):
        raise refusal(401, f"No AI credentials are available for {cli}")
    wake_machine(request, row)
    disk = Disk.read(request.plane.db, row["id"], sandbox_lookup.repository(row))
    cwd = _cwd(row, text_of(body, "cwd"), disk)
    immediate_result = immediate(simple, cwd, disk)
    if immediate_result is not None:
        release(request, row["id"], token)
        done = {
            "exitCode": immediate_result.code,
            "stdout": "",
            "stderr": immediate_result.stderr,
            "cwd": immediate_result.cwd or ".",
        }
        return json_response(done, headers=_MODE)
    machine = Machine(
        disk, sandbox_lookup.repository(row), row["working_branch"], cwd, request.plane.clock.now_us()
    )
    run = run_line(machine, command) if args is None else run_words(machine, [command, *args])
    process = Process(row["id"], request.service.ids.opaque("cmd_"))
    channel = Channel()
    request.plane.sandbox_tasks.add_process(process)
    work = _work(request, row["id"], token, process, machine, run, channel, cwd or ".")
    request.plane.sandbox_tasks.spawn(work, f"command {process.command_id}")
    if "text/event-stream" in request.http.headers.get("accept", ""):
        return EventStream(channel, headers={"X-Exec-Cmd-Id": process.command_id}, left=process.abandon)
    return await _collect_output(channel)


def _cwd(row: Row, text: str, disk: Disk) -> str:
    try:
        path = clean(text, "") if text else row["root_directory"] or ""
    except OutsideError:
        raise refusal(500, f"Working directory {text} is outside of the sandbox") from None
    if not disk.is_dir(path):
        raise refusal(500, f"Working directory {path} does not exist")
    return path


def has_ai(request: ApiRequest) -> bool:
    """Return whether the caller may use the platform's models or has a provider key."""
    return bool(
        request.plane.db.value(
            "SELECT allow_platform_ai OR EXISTS (SELECT 1 FROM provider_keys k WHERE k.user_id = p.id)"
            " FROM profiles p WHERE p.id = ?",
            (request.user_id,),
        )
    )


async def _work(
    request: ApiRequest,
    record_id: str,
    token: str,
    process: Process,
    machine: Machine,
    run: Run,
    channel: Channel,
    cwd: str,
) -> None:
    """Run a command to its end, then save its changes and release the lock.

    The changes are also saved and the lock is also released if the command fails or is cancelled.
    """
    try:
        channel.put({"type": "run", "cmdId": process.command_id})
        code = await stream_output(request, process, run, channel)
        if process.abandoned:
            channel.put({"type": "cancelled"})
        else:
            channel.put({"type": "done", "exitCode": code, "cwd": cwd})
    except Exception as error:
        channel.put({"type": "error", "data": f"The command could not be run: {error}"})
        raise
    finally:
        request.plane.sandbox_tasks.remove_process(process)
        run.close()
        save_disk(request, record_id, machine.disk)
        release(request, record_id, token)
        channel.end()


async def stream_output(request: ApiRequest, process: Process, run: Run, channel: Channel) -> int:
    """Send a program's output to the channel; return the program's exit code.

    The pauses between outputs are divided by the plane's speed.
    """
    speed = request.plane.settings.speed
    while True:
        try:
            step = next(run)
        except StopIteration as stop:
            return int(stop.value)
        if not await process.sleep(real_seconds(step.seconds, speed)):
            return INTERRUPTED if process.code is None else process.code
        if step.text:
            channel.put({"type": "log", "stream": step.stream, "data": step.text})


def save_disk(request: ApiRequest, record_id: str, disk: Disk) -> None:
    """Save a command's changes to the sandbox's disk, unless the sandbox has stopped."""
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        row = tx.one("SELECT status FROM sandboxes WHERE id = ?", (record_id,))
        if row is not None and row["status"] != "stopped":
            disk.save(tx, record_id)


def release(request: ApiRequest, record_id: str, token: str) -> None:
    """Release a sandbox's command lock if `token` is the token of that lock."""
    with request.plane.db.transaction(ids=request.service.ids) as tx:
        given = tx.execute(
            "UPDATE sandboxes SET exec_lock_token = NULL, exec_lock_started_at = NULL, last_active_at = ?"
            " WHERE id = ? AND exec_lock_token = ?",
            (request.plane.clock.now_us(), record_id, token),
        )
        if given.rowcount:
            tx.record_change("sandboxes", "UPDATE", request.user_id, record_id)


def forget_locks(plane: Plane) -> None:
    """Release all command locks.

    This is called when the server starts, because the locks in the database belong to commands that
    ended with an earlier process.
    """
    with plane.db.transaction() as tx:
        tx.execute(
            "UPDATE sandboxes SET exec_lock_token = NULL, exec_lock_started_at = NULL"
            " WHERE exec_lock_token IS NOT NULL"
        )


async def _collect_output(channel: Channel) -> Response:
    texts = {"stdout": "", "stderr": ""}
    end: dict[str, Any] = {}
    while (event := await channel.next()) is not None:
        if event["type"] == "log":
            texts[event["stream"]] += event["data"]
        else:
            end = dict(event)
    if end.get("type") != "done":
        raise refusal(500, str(end.get("data") or "The command was cancelled"))
    return json_response({"exitCode": end["exitCode"], **texts, "cwd": end["cwd"]}, headers=_MODE)


async def cancel(request: ApiRequest) -> Response:
    """Send SIGINT to a running command of a sandbox.

    The response is a 500 if the command is not running in this sandbox.
    """
    require_capability(request, BASH)
    command_id = text_of(await body_of(request), "cmdId").strip()
    if not command_id:
        raise refusal(400, "cmdId required")
    row = own_sandbox(request)
    require_created(row)
    process = request.plane.sandbox_tasks.process(command_id)
    if process is None or process.record_id != row["id"]:
        raise refusal(500, f"Command {command_id} is not running in this sandbox")
    process.signal(INTERRUPTED)
    return json_response({"ok": True})
