"""Parameters of actions, their choices, and the values that the user gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class Choice(NamedTuple):
    """A value that a parameter can have, and the label that is shown for it."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Parameter(Generic[V_co]):
    """A value that an action needs: a field of its form, an option of its command.

    `help` is a noun phrase without a full stop. `parse` converts a text to the value; it raises
    ValueError with a sentence. The value is one of `choices`, or one of `live_choices`, which are
    computed from the session and the record's key. If the parameter has no choices, the user types
    the value.

    A `positional` parameter has no option name in the command. If `accepts_stdin` is true, the
    command reads the value from stdin for the argument `-`. `choices_are_names` says that the live
    choices are names of repositories or agents; the command reads these names only for such
    parameters. `past_flags` are options of earlier versions, each with the text that it stands for.
    The console does not ask for an `only_in_command` parameter, which must have a default. `label`
    is the name in a form, by default `name`. `when_empty` says what an empty text stands for.
    """

    name: str
    help: str
    parse: Callable[[str], V_co]
    default: str = ""
    choices: tuple[str, ...] = ()
    live_choices: Callable[[Session, str], Sequence[Choice]] | None = None
    positional: bool = False
    accepts_stdin: bool = False
    past_flags: Mapping[str, str] = field(default_factory=dict, hash=False)
    only_in_command: bool = False
    choices_are_names: bool = False
    label: str = ""
    when_empty: str = ""

    @property
    def is_required(self) -> bool:
        """Whether the user must give a value, because the default is not valid."""
        try:
            self.parse(self.default)
        except ValueError:
            return True
        return False

    def choices_of(self, session: Session, key: str) -> Sequence[Choice]:
        """Return the choices for a record; empty if the user types the value."""
        if self.live_choices is not None:
            return self.live_choices(session, key)
        return [Choice(value, value) for value in self.choices]

    def problem(self, text: str) -> str | None:
        """Return why a text is not valid, None if it is valid."""
        try:
            self.parse(text)
        except ValueError as error:
            return str(error)
        return None


_LONG = 80


def _digest(text: str) -> str:
    # Imported here because it takes time before the first frame.
    from hashlib import sha256

    return f"sha256:{sha256(text.encode()).hexdigest()[:16]}"


class Values:
    """The texts that the user gave for an action's parameters.

    `values[parameter]` is the parsed value. `idempotency_key` is empty if the request has no
    key.
    """

    def __init__(self, texts: Mapping[str, str], idempotency_key: str = "") -> None:
        self._texts, self.idempotency_key = dict(texts), idempotency_key

    def __getitem__(self, parameter: Parameter[V]) -> V:
        return parameter.parse(self.text(parameter))

    def __str__(self) -> str:
        """Return the texts for the ledger; a text over 80 characters becomes a digest."""
        return " ".join(
            text if len(text) <= _LONG else _digest(text) for text in self._texts.values() if text
        )

    @property
    def texts(self) -> Mapping[str, str]:
        """The texts that were given, by parameter name."""
        return self._texts

    def text(self, parameter: Parameter[object]) -> str:
        """Return the text that was given for a parameter, or its default."""
        return self._texts.get(parameter.name, parameter.default)

    def problems(self, parameters: Sequence[Parameter[object]]) -> dict[str, str]:
        """Return the reason for each parameter whose text is not valid, by name."""
        problems = {parameter.name: parameter.problem(self.text(parameter)) for parameter in parameters}
        return {name: problem for name, problem in problems.items() if problem is not None}
