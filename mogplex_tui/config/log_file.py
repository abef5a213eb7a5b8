"""The log file: requests, warnings and the tracebacks of internal errors."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Callable
from logging.handlers import RotatingFileHandler

from mogplex_tui.config.paths import log_file
from mogplex_tui.config.secret import hide_secrets

_crash_log = logging.getLogger("mogplex.crash")


class LogFile(RotatingFileHandler):
    """Log handler that ignores write errors; the base class would print tracebacks."""

    failed = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 -- the base class names both
        """Set `failed`, because a record could not be written."""
        self.failed = True


class _CleanFormatter(logging.Formatter):
    """Formats log records and their tracebacks, and removes secrets from them.

    `clean` is a function that removes text that looks like a secret.
    """

    def __init__(self, clean: Callable[[str], str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._clean = clean

    def format(self, record: logging.LogRecord) -> str:
        return hide_secrets(self._clean(super().format(record)))


def log_to_file(clean: Callable[[str], str]) -> None:
    """Write logs to a file in the platform's log directory, not to the terminal.

    The secrets that this process knows are removed from the logs. `clean` is a function that
    removes other text that looks like a secret.
    """
    root = logging.getLogger("mogplex")
    root.setLevel(logging.INFO)
    if _handler() is not None:
        return
    handler: logging.Handler = logging.NullHandler()
    with contextlib.suppress(OSError):
        log_file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Writing to a pipe would block until somebody reads from it.
        if log_file().is_file() or not log_file().exists():
            handler = LogFile(log_file(), maxBytes=2_000_000, backupCount=1, delay=True)
    handler.setFormatter(_CleanFormatter(clean))
    # asyncio logs the tracebacks of failed tasks that nothing waits for.
    for logger in (root, logging.getLogger("asyncio")):
        logger.propagate = False
        logger.addHandler(handler)


def report_crash(error: BaseException, clean: Callable[[str], str]) -> str:
    """Log the traceback of an internal error, and return a message for the user.

    `clean` is a function that removes text that looks like a secret.
    """
    log_to_file(clean)
    _crash_log.critical("%s", "".join(traceback.format_exception(error)))
    handler = _handler()
    written = handler is not None and not handler.failed
    message = " ".join(hide_secrets(clean(str(error))).split())[:160]
    what = f"{type(error).__name__}: {message}" if message else type(error).__name__
    where = f"Details are in {log_file()}." if written else f"The log {log_file()} cannot be written."
    return f"Internal error of mogplex-tui ({what}). {where}"


def _handler() -> LogFile | None:
    handlers = logging.getLogger("mogplex").handlers
    return next((handler for handler in handlers if isinstance(handler, LogFile)), None)
