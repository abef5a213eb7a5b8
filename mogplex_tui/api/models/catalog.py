"""Models: the account's catalogue and the token API's list (identity.md §6, v1.md §3). Prices are USD per
token.
"""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator, Field

from mogplex_tui.api.models.base import Flag, Inbound, Money, Rows, Text

Tags = Annotated[list[str], BeforeValidator(lambda value: [] if value is None else value)]


class Model(Inbound):
    """A model of the catalogue; `is_enabled` is None where nobody is signed in."""

    id: str
    provider: Text = ""
    name: Text = ""
    context_length: int | None = None
    pricing_input: Money | None = None
    pricing_output: Money | None = None
    capabilities: Tags = Field(default_factory=list)
    is_available: Flag = False
    is_hidden: Flag = False
    is_enabled: bool | None = None
    is_recommended: Flag = False
    recommendation_bucket: str | None = None
    recommendation_rank: int | None = None
    recommendation_reason: str | None = None


@dataclass(frozen=True)
class ModelCatalog:
    """The usable models, every known model, and the default.

    `anonymous` says that the service answered as if nobody were signed in: a bad token, or one over its limit
    (auth.md §5.1).
    """

    models: Rows[Model] = field(default_factory=Rows)
    catalog: Rows[Model] = field(default_factory=Rows)
    default_model: str | None = None
    anonymous: bool = False


class Pricing(Inbound):
    """USD per token, None where unknown."""

    input: Money | None = None
    output: Money | None = None


class AvailableModel(Inbound):
    """A model that the token's owner can use now (v1.md §3)."""

    id: str
    provider: Text = ""
    name: Text = ""
    context_length: int | None = None
    capabilities: Tags = Field(default_factory=list)
    pricing: Pricing = Field(default_factory=Pricing)
