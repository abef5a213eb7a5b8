"""How a kind declares what can be done to its records. Loaded with the first kind that has verbs; Runs has none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mogplex_tui.api.access import Family
    from mogplex_tui.config.secret import Secret
    from mogplex_tui.live.collection import Item
    from mogplex_tui.live.session import Session
    from mogplex_tui.operate.model import Parameter, Values

Choices = Callable[["Item", "Session"], Sequence[tuple[str, str]]]
"""What can be chosen for a record: pairs of what is sent and what it is called."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a verb asks before it goes: a line of text, one of some choices, or nothing but a yes.

    `value` and `choices` are made from the item; `check` returns what is wrong with a text, None when nothing is.
    """

    label: str
    value: Callable[[Item], str] = lambda _: ""
    choices: Choices | None = None
    check: Callable[[str], str | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be done to a record with one call.

    `call` sends it (the text is what `wish` asked for); `why_not` returns why it makes no sense now; `doing` is the
    word shown until the list was read again; `means` are the lines of the question before it, none asks nothing;
    `warn` returns a line more for a record to which the verb does something else besides;
    `done` is the sentence after it, with the item's label for `{}`; `many` works on every marked row.

    Where a success can be bad news (a start that was deferred, a test that found something), `told` makes of the
    answer whether it is good and the sentence. A `keyed` verb's `call` gets an idempotency key as fourth
    argument, and as fifth whether an earlier call with it had no answer.

    A verb that is `new` makes a record of its `parameters` and needs none; `new` returns the name of that record. Where
    `makes_record` is false it changes the list, and `new` returns what that is called.
    `problem` returns what is wrong with the values together, those of a new record or of the given one.
    `texts` returns a text for each parameter from an item and the texts that were given.
    `secret` takes out of the answer what the service never tells again; it is shown once and kept nowhere. `new_id`
    and `fields` take those of a `Result`.

    `families` are those whose routes it goes by, one of which is enough; none stands for the family of the kind's first
    road. `needing` names in a sentence what is closed with them.
    """

    id: str
    title: str
    key: str
    help: str
    call: Callable[..., Awaitable[Any]]
    why_not: Callable[[Item], str | None] = lambda _: None
    doing: str = "changing"
    means: Sequence[str] = ()
    warn: Callable[[Item], str | None] = lambda _: None
    go: str = ""
    wish: Wish | None = None
    done: str = ""
    many: bool = False
    footer: bool = True
    told: Callable[[Any], tuple[bool, str]] | None = None
    keyed: bool = False
    new: Callable[[Values], str] | None = None
    makes_record: bool = True
    parameters: tuple[Parameter[object], ...] = ()
    texts: Callable[[Item, Mapping[str, str]], dict[str, str]] = lambda _, given: dict(given)
    problem: Callable[[Item, Values], str | None] = lambda _, __: None
    secret: Callable[[Any], Secret | None] | None = None
    new_id: Callable[[Any], str | None] = lambda _: ""
    fields: Callable[[Any], Mapping[str, object]] = lambda _: {}
    families: tuple[Family, ...] = ()
    needing: str = ""

    def by(self, *families: Family, needing: str = "") -> Verb:
        """The verb that goes by other families than the kind's richest list, or that needs words of its own."""
        return replace(self, families=families, needing=needing)

    def only(self, *checks: Callable[[Item], str | None]) -> Verb:
        """The verb for records of which no check says why not; the first that does is heard."""
        return replace(self, why_not=lambda item: next(filter(None, (each(item) for each in checks)), None))

    def asks(self, *means: str, go: str = "") -> Verb:
        """The verb with a question before it: what it means, and the word of the yes."""
        return replace(self, means=means, go=go)

    def warns(self, warn: Callable[[Item], str | None]) -> Verb:
        """The verb with a line more in its question for records of which `warn` returns one."""
        return replace(self, warn=warn)

    def wants(self, label: str, choices: Choices | None = None, **how: Any) -> Verb:
        """The verb with something to type or to choose before it; `how` are the further fields of a `Wish`."""
        return replace(self, wish=Wish(label, choices=choices, **how))

    def says(self, doing: str, done: str) -> Verb:
        """The verb with its word while it is under way, and the sentence after it."""
        return replace(self, doing=doing, done=done)

    def tells(self, doing: str, told: Callable[[Any], tuple[bool, str]]) -> Verb:
        """The verb with its word while it is under way, and what makes the sentence of the answer."""
        return replace(self, doing=doing, told=told)

    def for_many(self) -> Verb:
        """The verb for every marked row."""
        return replace(self, many=True)

    def aside(self) -> Verb:
        """The verb without a place in the footer."""
        return replace(self, footer=False)


@dataclass(frozen=True, slots=True)
class Named:
    """A verb that does not know yet what it sends."""

    id: str
    key: str
    help: str
    title: str

    def sends(self, call: Callable[..., Awaitable[Any]]) -> Verb:
        """The verb that sends a call, made of the client, the item and what was typed or chosen."""
        return Verb(self.id, self.title, self.key, self.help, call)

    def sends_keyed(self, call: Callable[..., Awaitable[Any]]) -> Verb:
        """The verb that sends a call with an idempotency key, its fourth argument."""
        return replace(self.sends(call), keyed=True)


def verb(id: str, key: str, help: str, title: str = "") -> Named:
    """Begin the declaration of a verb; its title is its id unless it has one of its own."""
    return Named(id, key, help, title or id)
