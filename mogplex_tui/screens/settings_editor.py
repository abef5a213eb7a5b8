"""Asks for new values of the console's settings, applies and saves them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.app import App

from mogplex_tui.config.console_settings import ConsoleSetting, ConsoleSettings
from mogplex_tui.screens.task_runner import TaskRunner


class SettingsEditor:
    """Asks for the new value of a setting and saves it in the config file.

    The value takes effect at once, even if the file cannot be written.
    """

    def __init__(self, app: App[int], settings: ConsoleSettings, tasks: TaskRunner) -> None:
        self._app, self._settings, self._tasks = app, settings, tasks

    def ask(self, name: str, refresh: Callable[[], object]) -> bool:
        """Ask for a setting's new value; return False if the console cannot change it.

        `refresh` is called after a change.
        """
        setting = next((each for each in self._settings.all() if each.name == name), None)
        if setting is None or not setting.choices:
            return False
        from mogplex_tui.screens.modals.parameter_prompt import AskModal

        self._app.push_screen(
            AskModal(
                f"Change {setting.title}",
                f"Now {setting.value}, from {setting.origin}.",
                value=setting.value,
                choices=[(word, word) for word in setting.choices],
                consequences=(f"Saved in {self._settings.path}.",),
            ),
            partial(self._answered, setting, refresh),
        )
        return True

    def _answered(self, setting: ConsoleSetting, refresh: Callable[[], object], word: str | None) -> None:
        if word is not None:
            self._tasks.run(self._change(setting, word, refresh))

    async def _change(self, setting: ConsoleSetting, word: str, refresh: Callable[[], object]) -> None:
        from mogplex_tui.api.daemon_thread import run_in_daemon_thread
        from mogplex_tui.config.config_file import ConfigFileError

        try:
            await run_in_daemon_thread(partial(self._settings.save, setting.name, word))
        except ConfigFileError as error:
            self._settings.use(setting.name, word, is_saved=False)
            sentence, is_saved = f"{error} It holds until the console ends.", False
        else:
            replaced = self._settings.use(setting.name, word, is_saved=True)
            sentence, is_saved = f"Saved in {self._settings.path}.", True
            if replaced:
                sentence = f"{sentence} {replaced} has precedence at the next start."
        refresh()
        self._app.notify(
            f"The {setting.title} is {word}. {sentence}",
            severity="information" if is_saved else "warning",
            timeout=8,
            markup=False,
        )
