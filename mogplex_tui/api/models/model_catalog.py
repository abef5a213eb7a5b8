"""AI models, their prices and the models that are new.

Prices are US dollars for one token, except in CliPricing.
Contract: identity.md §6, v1.md §3.
"""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator, Field

from mogplex_tui.api.models.base import Flag, Inbound, Int64, Money, Rows, Text, Time, empty_rows, nested

Tags = Annotated[list[str], BeforeValidator(lambda value: [] if value is None else value)]


class Model(Inbound):
    """An AI model in the catalogue.

    `is_enabled` says whether the account has enabled it; None if nobody is signed in.
    """

    id: str
    provider: Text = ""
    name: Text = ""
    context_length: Int64 | None = None
    pricing_input: Money | None = None
    pricing_output: Money | None = None
    capabilities: Tags = Field(default_factory=list)
    is_available: Flag = False
    is_hidden: Flag = False
    is_enabled: bool | None = None
    is_recommended: Flag = False
    recommendation_bucket: str | None = None
    recommendation_rank: Int64 | None = None
    recommendation_reason: str | None = None
    recommended_at: Time | None = None


@dataclass(frozen=True)
class ModelCatalog:
    """The models that the account can use, all known models, and the default model.

    `anonymous` is True if the service did not recognize the account and responded as to an anonymous
    caller. It does this for an invalid token and for a token whose request limit is used up.
    Contract: auth.md §5.1.
    """

    models: Rows[Model] = field(default_factory=Rows)
    catalog: Rows[Model] = field(default_factory=Rows)
    default_model: str | None = None
    anonymous: bool = False


class Pricing(Inbound):
    """The prices of a model in US dollars for one token; None means unknown."""

    input: Money | None = None
    output: Money | None = None


class AvailableModel(Inbound):
    """A model that the owner of the token can use.

    Contract: v1.md §3.
    """

    id: str
    provider: Text = ""
    name: Text = ""
    context_length: Int64 | None = None
    capabilities: Tags = Field(default_factory=list)
    pricing: Pricing = Field(default_factory=Pricing)


class CliCaps(Inbound):
    """The capabilities of a model, in the format for the command line tool."""

    streaming: Flag = False
    tool_use: Flag = False
    reasoning_effort: Flag = False
    parallel_tool_calls: Flag = False


class CliPricing(Inbound):
    """The prices of a model for a million tokens, in `currency`.

    The service does not round these prices.
    """

    input_per_million: Money | None = None
    output_per_million: Money | None = None
    currency: Text = ""


class CliModel(Inbound):
    """A model that the account can use, in the format for the command line tool.

    Contract: identity.md §6.3.
    """

    slug: str
    provider: Text = ""
    display_name: Text = ""
    input_modalities: Tags = Field(default_factory=list)
    caps: CliCaps = Field(default_factory=CliCaps)
    context_window: Int64 | None = None
    pricing: CliPricing | None = None
    description: str | None = None
    max_output_tokens: Int64 | None = None


class NewModel(Inbound):
    """A model that the catalogue received after the user last dismissed new models."""

    id: str
    name: Text = ""
    provider: Text = ""


class NewModels(Inbound):
    """The new models, and whether the service enables new models automatically.

    `degraded` is True if models may be missing, because the service could not read the list of
    models that a team allows. Contract: identity.md §6.8.
    """

    models: Annotated[Rows[NewModel], nested(NewModel)] = empty_rows()
    auto_enable: bool | None = None
    degraded: Flag = False
