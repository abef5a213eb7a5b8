"""Parse the JSON of a successful response into models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mogplex_tui.api.models.base import Rows, parse_rows, validation_message
from mogplex_tui.api.response_errors import ResponseInfo, invalid_response

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class JsonResponse:
    """The JSON of a successful response and the metadata of the response.

    For a v1 route, `data` is the `data` of the envelope. Each method raises InvalidResponse if the
    JSON does not have the expected shape.
    """

    data: Any
    info: ResponseInfo

    def at(self, key: str | None) -> Any:
        """Return the value under a key, or the complete JSON value if `key` is None."""
        if key is None:
            return self.data
        if not isinstance(self.data, dict) or key not in self.data:
            raise invalid_response(self.info, f"has no {key!r}")
        return self.data[key]

    def one(self, model: type[M], key: str | None = None) -> M:
        """Parse the object under `key` as a model.

        If `key` is None, parse the complete JSON value.
        """
        try:
            return model.model_validate(self.at(key))
        except ValidationError as error:
            raise invalid_response(
                self.info, f"does not have the expected shape ({validation_message(error)})"
            ) from None

    def rows(self, model: type[M], key: str | None = None) -> Rows[M]:
        """Parse the list under `key` as rows of a model.

        If `key` is None, the complete JSON value must be a list. Items that do not fit the model are
        in `Rows.bad`.
        """
        items = self.at(key)
        if not isinstance(items, list):
            raise invalid_response(self.info, f"has no list{'' if key is None else f' under {key!r}'}")
        return parse_rows(model, items)

    def first(self, model: type[M]) -> M:
        """Parse the first item of the response as a model; the response must be a list."""
        if not isinstance(self.data, list) or not self.data:
            raise invalid_response(self.info, "has no list")
        return JsonResponse(self.data[0], self.info).one(model)

    def text(self, key: str) -> str:
        """Return the string under `key`."""
        value = self.at(key)
        if not isinstance(value, str):
            raise invalid_response(self.info, f"has no text under {key!r}")
        return value
