"""Read and replace the fields of mappings, dataclasses and the client's models."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


def fields_of(record: Any) -> dict[str, Any]:
    """Return the fields of a record by name."""
    if isinstance(record, Mapping):
        return dict(record)
    if isinstance(record, BaseModel):
        return dict(record)
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def changed(record: Any, fields: Mapping[str, Any]) -> Any:
    """Return a record with other values in some fields."""
    if isinstance(record, Mapping):
        return {**record, **fields}
    if isinstance(record, BaseModel):
        return record.model_copy(update=dict(fields))
    return dataclasses.replace(record, **fields)
