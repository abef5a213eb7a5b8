"""A successful answer on its way from the transport into a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mogplex_tui.api.models.base import Rows, parse_rows, validation_message
from mogplex_tui.api.response_errors import ResponseInfo, invalid_response

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class JsonResponse:
    """The decoded JSON of a success (on v1 the `data`), with the facts for an error if the shape is wrong."""

    data: Any
    info: ResponseInfo

    def at(self, key: str | None) -> Any:
        """Return the value under a key of the answer, or the whole answer for None; raises
        InvalidResponse.
        """
        if key is None:
            return self.data
        if not isinstance(self.data, dict) or key not in self.data:
            raise invalid_response(self.info, f"has no {key!r}")
        return self.data[key]

    def one(self, model: type[M], key: str | None = None) -> M:
        """Return the object under `key` (None: the whole answer) as a model; raises InvalidResponse."""
        try:
            return model.model_validate(self.at(key))
        except ValidationError as error:
            raise invalid_response(
                self.info, f"has another shape than expected ({validation_message(error)})"
            ) from None

    def rows(self, model: type[M], key: str | None = None) -> Rows[M]:
        """Return the list under `key` as rows; a row that does not parse is kept aside, marked."""
        items = self.at(key)
        if not isinstance(items, list):
            raise invalid_response(self.info, f"has no list{'' if key is None else f' under {key!r}'}")
        return parse_rows(model, items)

    def first(self, model: type[M]) -> M:
        """Return the first of a bare array as a model; raises InvalidResponse when there is none or it does not fit."""
        if not isinstance(self.data, list) or not self.data:
            raise invalid_response(self.info, "has no list")
        return JsonResponse(self.data[0], self.info).one(model)

    def text(self, key: str) -> str:
        """Return the text under `key`; raises InvalidResponse."""
        value = self.at(key)
        if not isinstance(value, str):
            raise invalid_response(self.info, f"has no text under {key!r}")
        return value
