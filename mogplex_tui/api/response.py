"""A successful answer on its way from the transport into a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mogplex_tui.api.models.base import Rows, parse_rows, why_not
from mogplex_tui.api.response_errors import Reply, invalid

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Answer:
    """The decoded JSON of a success (on v1 the `data`), with the facts for an error if the shape is wrong."""

    data: Any
    reply: Reply

    def at(self, key: str | None) -> Any:
        """Return the value under a key of the answer, or the whole answer for None; raises
        InvalidResponse.
        """
        if key is None:
            return self.data
        if not isinstance(self.data, dict) or key not in self.data:
            raise invalid(self.reply, f"has no {key!r}")
        return self.data[key]

    def one(self, model: type[M], key: str | None = None) -> M:
        """Return the object under `key` (None: the whole answer) as a model; raises InvalidResponse."""
        try:
            return model.model_validate(self.at(key))
        except ValidationError as error:
            raise invalid(self.reply, f"has another shape than expected ({why_not(error)})") from None

    def rows(self, model: type[M], key: str | None = None) -> Rows[M]:
        """Return the list under `key` as rows; a row that does not parse is kept aside, marked."""
        items = self.at(key)
        if not isinstance(items, list):
            raise invalid(self.reply, f"has no list{'' if key is None else f' under {key!r}'}")
        return parse_rows(model, items)

    def first(self, model: type[M]) -> M:
        """Return the first of a bare array as a model; raises InvalidResponse when there is none or it does not fit."""
        if not isinstance(self.data, list) or not self.data:
            raise invalid(self.reply, "has no list")
        return Answer(self.data[0], self.reply).one(model)

    def text(self, key: str) -> str:
        """Return the text under `key`; raises InvalidResponse."""
        value = self.at(key)
        if not isinstance(value, str):
            raise invalid(self.reply, f"has no text under {key!r}")
        return value
