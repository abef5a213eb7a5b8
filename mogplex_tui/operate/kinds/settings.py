"""Settings of the account, and whether it can start runs (identity.md §2, §3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from mogplex_tui.api.route_access import Family
from mogplex_tui.config.console_settings import CHANGEABLE
from mogplex_tui.live.reasons import Requirement, Subject
from mogplex_tui.operate import account_readiness, parameter_choices
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate.combined_reads import ListPart, in_parts
from mogplex_tui.operate.model import (
    Action,
    Change,
    Entry,
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    Related,
    RowPage,
    Source,
    column,
    fact,
)
from mogplex_tui.operate.parameters import Choice, Parameter

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.live.session import Session

_MODEL, _THEME = "default_model", "theme"
# The start of the keys of settings of this console, which are kept in its config file.
_CONSOLE = "console."
_THEMES = ("dark", "light", "system")


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting, or one of the things that the account needs to start runs.

    `id` is the service's name of a setting. `is_ready` is None for a setting; for something that
    the account needs, `fix` says what to do if `is_ready` is false.
    """

    id: str
    group: str
    name: str
    value: str
    is_ready: bool | None = None
    fix: str | None = None
    origin: str | None = None
    """Where the value of a setting of this console was set; None for settings of the account."""
    how_to_change: str | None = None
    """How a setting of this console is changed that is not changed on its own row."""

    @property
    def changes_on_enter(self) -> bool:
        """Whether enter asks for a new value; otherwise it opens the record."""
        return console_setting(self.id) in CHANGEABLE

    @property
    def status(self) -> str | None:
        """The word `ready` or `gap`; None for a setting."""
        return None if self.is_ready is None else "ready" if self.is_ready else "gap"

    @property
    def value_and_fix(self) -> str:
        """The value with its origin and what changes it, joined for one column.

        In a table of 80 columns there is no room for separate columns.
        """
        return " · ".join(filter(None, (self.value, self.origin, self.how_to_change, self.fix)))

    @property
    def default_model(self) -> str | None:
        """The model id if this is the setting for the default model, else None."""
        return self.value if self.id == _MODEL else None


async def _read_settings(client: ClientView, _: Session) -> RowPage[SettingRow]:
    settings = await client.settings.get()
    rows = (
        SettingRow(_MODEL, "settings", "default model", settings.default_model),
        SettingRow(_THEME, "settings", "theme of the web pages", settings.theme or ""),
    )
    return RowPage([Entry(row.id, row, {**asdict(row), row.id: row.value or None}) for row in rows])


async def _read_readiness(client: ClientView, session: Session) -> RowPage[SettingRow]:
    user = await client.account.user()
    items = [] if user is None else account_readiness.readiness_items(user, session.target.base_url)
    rows = [
        SettingRow(item.id, item.group, item.name, item.value, item.ready, item.fix or None) for item in items
    ]
    return RowPage([Entry(row.id, row) for row in rows])


def console_setting(key: str) -> str | None:
    """Return the name of the console's setting with a key, None for any other record."""
    return key.removeprefix(_CONSOLE) if key.startswith(_CONSOLE) else None


async def _read_console(_: ClientView, session: Session) -> RowPage[SettingRow]:
    settings = session.console_settings
    rows = [
        SettingRow(
            f"{_CONSOLE}{each.name}",
            "this console",
            each.title,
            each.value,
            origin=each.origin,
            how_to_change=each.how_to_change or None,
        )
        for each in (() if settings is None else settings.all())
    ]
    return RowPage([Entry(row.id, row) for row in rows])


_READ = in_parts(
    "settings",
    ListPart("console", Subject("the settings of this console"), _read_console),
    ListPart("set", Subject("the settings"), _read_settings),
    ListPart("ready", Subject("the readiness", is_plural=False), _read_readiness),
)


def _fill(_: Session) -> Callable[[SettingRow], SettingRow]:
    return lambda row: row


def _choices(session: Session, key: str) -> Sequence[Choice]:
    if key == _THEME:
        return [Choice(theme, theme) for theme in _THEMES]
    return parameter_choices.model_choices(session, key) if key == _MODEL else ()


VALUE = Parameter(
    "value",
    "new value",
    parameter_choices.required_text("Give a value."),
    live_choices=_choices,
    positional=True,
)


async def _edit(change: Change[SettingRow]) -> None:
    value, settings = change.values[VALUE], change.client.settings
    await (settings.update(theme=value) if change.key == _THEME else settings.update(default_model=value))


def _unavailable_reason(row: SettingRow) -> str | None:
    if row.origin is not None:
        return "This setting belongs to the console: open it there in Settings, or edit config.toml."
    return None if row.is_ready is None else "The service reports this; it cannot be set here."


def _list_link(key: str, kind: str, text: str) -> Link[SettingRow]:
    """Return a link to a kind's whole list, shown only for the row with `key`."""
    return Link(
        kind.replace("-", " "), kind, lambda _: text, filter=lambda row: "" if row.id == key else None
    )


KIND = Kind[SettingRow](
    name="settings",
    title="Settings",
    noun="setting",
    aliases=("setting", "set", "account"),
    contract="identity.md §2, §3",
    sources=(Source(Family.SETTINGS, _READ, poll=180, poll_without_realtime=120),),
    # The list of models offers the choices.
    join=Join(_fill, related={"models": Related()}),
    columns=(
        column(
            "group", "GROUP", lambda row: row.group, formats.text("dim"), Layout(12, priority=4), is_text=True
        ),
        column(
            "name",
            "NAME",
            lambda row: row.name,
            formats.text(),
            Layout(24, flex=1, min_width=22),
            is_text=True,
        ),
        column("ready", "READY", lambda row: row.status, formats.state(), Layout(8), is_text=True),
        column(
            "value",
            "VALUE",
            lambda row: row.value_and_fix,
            formats.text(),
            Layout(42, flex=3, min_width=42),
            is_text=True,
        ),
    ),
    hidden_filters={"state": lambda row: row.status},
    label=lambda row: row.name,
    default_sort=lambda row: (formats.sort_key(row.group), formats.sort_key(row.name)),
    facts=(
        (
            Fact("name", lambda row: row.name),
            Fact("value", lambda row: row.value, optional=True),
            fact("ready", lambda row: row.status, formats.state(), optional=True),
            Fact("origin", lambda row: row.origin, optional=True),
            Fact("how to change", lambda row: row.how_to_change, optional=True),
            Fact("fix", lambda row: row.fix, optional=True),
        ),
    ),
    links=(
        Link("model", "models", lambda row: row.value, key=lambda row: row.default_model),
        # Where a value is explained in full, and where a gap is closed.
        _list_link(_MODEL, "models", "all models"),
        _list_link("github", "installations", "all installations"),
        _list_link("coverage", "installations", "all installations"),
        _list_link("platform-ai", "provider-keys", "all provider keys"),
    ),
    actions=(
        Action(
            "edit",
            "e",
            "Change the setting",
            _edit,
            in_progress="saving",
            done="{} is saved.",
            families=(Family.SETTINGS,),
            parameters=(VALUE,),
            initial=lambda row: {VALUE: row.value},
            unavailable_reason=_unavailable_reason,
        ),
    ),
    empty="The service returned no settings.",
    needs=Requirement("settings", accepts_token=True),
)
