"""What actions of kinds ask for: parameters, their choices, and the values that were given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from mogplex_tui.live.session import Session

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class Choice(NamedTuple):
    """One value that a parameter can have, and its name on the screen."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Parameter(Generic[V_co]):
    """A value that an action asks for: a field of a form in the console, an option of the command.

    `help` is the question, a noun phrase without a full stop. `parse` makes the value of a text and raises ValueError
    with a sentence. The value is one of `choices` or of `live_choices`, which are made from the session and the
    record's key from what lists hold; without any of these it is typed. A `positional` parameter stands in the command
    without a name before it; with `accepts_stdin` the command reads it from stdin where it is given as `-`.
    With `choices_are_names` the live choices are repositories or agents by name, which the command reads for them alone.
    `past_flags` are flags of earlier versions that the command still takes, each with the text it stands for. The
    console does not ask for a parameter that is `only_in_command`, which must have a default. `label` is its name in a
    form where that is not `name`; `when_empty` is what an empty text stands for.
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
        """Whether a value must be given, since the default is none."""
        try:
            self.parse(self.default)
        except ValueError:
            return True
        return False

    def choices_of(self, session: Session, key: str) -> Sequence[Choice]:
        """Return the values that can be chosen for a record now; none where the value is typed."""
        if self.live_choices is not None:
            return self.live_choices(session, key)
        return [Choice(each, each) for each in self.choices]

    def problem(self, text: str) -> str | None:
        """Return what is wrong with a text, None where nothing is."""
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
    """The texts that were given for the parameters of an action, and the values that they stand for.

    `idempotency_key` is empty unless they are sent with one.
    """

    def __init__(self, texts: Mapping[str, str], idempotency_key: str = "") -> None:
        self._texts, self.idempotency_key = dict(texts), idempotency_key

    def __getitem__(self, parameter: Parameter[V]) -> V:
        return parameter.parse(self.text(parameter))

    def __str__(self) -> str:
        """The texts for the ledger: long ones, such as JSON, by their digest."""
        return " ".join(
            text if len(text) <= _LONG else _digest(text) for text in self._texts.values() if text
        )

    @property
    def texts(self) -> Mapping[str, str]:
        """The texts that were given, by the name of the parameter."""
        return self._texts

    def text(self, parameter: Parameter[object]) -> str:
        """Return the text that was given for a parameter, or else its default."""
        return self._texts.get(parameter.name, parameter.default)

    def problems(self, parameters: Sequence[Parameter[object]]) -> dict[str, str]:
        """Return what is wrong with the texts, by the name of the parameter."""
        found = {each.name: each.problem(self.text(each)) for each in parameters}
        return {name: problem for name, problem in found.items() if problem is not None}
