"""`mogplex-tui`: the console for the current context, or the service that the environment names."""

from __future__ import annotations

import argparse
import logging

from mogplex_tui.cli.common import Stop, hurry, say, settings_of, state_name, target_of
from mogplex_tui.config.paths import log_file, state_dir


def run(arguments: argparse.Namespace) -> int:
    """Show the console until it is left."""
    hurry()
    try:
        settings = settings_of(arguments)
        from mogplex_tui.cli import first_run

        if first_run.needs_asking(settings) and first_run.can_ask():
            code = first_run.offer(arguments, settings)
            if code is not None:
                return code
            settings = settings_of(arguments)
        target = target_of(settings)
    except Stop as stop:
        say(str(stop))
        return stop.code
    from mogplex_tui.app import ConsoleApp

    context = state_name(settings)
    app = ConsoleApp(settings, target=target, directory=state_dir(context), context=context)
    app.after_first_frame.append(log_to_file)
    return app.run() or 0


def log_to_file() -> None:
    """Send the logs to the platform's log directory; the terminal belongs to the console."""
    path = log_file()
    root = logging.getLogger("mogplex")
    root.setLevel(logging.INFO)
    root.propagate = False
    try:
        from logging.handlers import RotatingFileHandler

        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler: logging.Handler = RotatingFileHandler(path, maxBytes=2_000_000, backupCount=1, delay=True)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root.addHandler(handler)
