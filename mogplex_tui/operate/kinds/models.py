"""Models: capabilities, prices and availability (identity.md §6, v1.md §3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from mogplex_tui.api.errors import NotSignedIn
from mogplex_tui.api.route_access import Family
from mogplex_tui.live.reasons import PartialList, Requirement
from mogplex_tui.live.usage_by_owner import UNKNOWN, DayActivity, DayFigures
from mogplex_tui.operate import column_formats as formats
from mogplex_tui.operate import formatting, toggle_delete_actions
from mogplex_tui.operate.filters import quoted
from mogplex_tui.operate.model import (
    Action,
    Confirmation,
    Creation,
    Fact,
    Join,
    Kind,
    Layout,
    Link,
    Related,
    RowPage,
    Source,
    column,
)
from mogplex_tui.operate.row_pages import page_of

if TYPE_CHECKING:
    from mogplex_tui.api.client import ClientView
    from mogplex_tui.api.models.model_catalog import AvailableModel, Model, ModelCatalog
    from mogplex_tui.live.session import Session


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model of the catalogue; prices are in US dollars per token.

    `day` has the model's usage and cost in the last 24 hours. `is_default` is None if the row's
    source does not say which model is the default.
    """

    id: str
    name: str
    provider: str
    is_enabled: bool | None
    is_usable: bool
    is_available: bool
    is_default: bool | None
    context_length: int | None
    input_price: Decimal | None
    output_price: Decimal | None
    capabilities: tuple[str, ...]
    recommendation: str | None = None
    recommendation_rank: int | None = None
    day: DayFigures = UNKNOWN

    @property
    def cost_24h(self) -> Decimal | str | None:
        """The model's cost in the last 24 hours, or the reason why it is not known."""
        return self.day.cost_missing if self.day.cost is None else self.day.cost


def _row(model: Model, catalog: ModelCatalog, usable: frozenset[str]) -> ModelRow:
    return ModelRow(
        id=model.id,
        name=model.name,
        provider=model.provider,
        is_enabled=model.is_enabled,
        is_usable=model.id in usable,
        is_available=model.is_available,
        is_default=model.id == catalog.default_model,
        context_length=model.context_length,
        input_price=model.pricing_input,
        output_price=model.pricing_output,
        capabilities=tuple(model.capabilities),
        recommendation=model.recommendation_bucket,
        recommendation_rank=model.recommendation_rank,
    )


def _available_row(model: AvailableModel) -> ModelRow:
    # This list has only models that are enabled and paid for (v1.md §3).
    return ModelRow(
        id=model.id,
        name=model.name,
        provider=model.provider,
        is_enabled=True,
        is_usable=True,
        is_available=True,
        is_default=None,
        context_length=model.context_length,
        input_price=model.pricing.input,
        output_price=model.pricing.output,
        capabilities=tuple(model.capabilities),
    )


async def _read_catalog(client: ClientView, _: Session) -> RowPage[ModelRow]:
    catalog = await client.models.list()
    if catalog.anonymous:
        # The service answers a bad or rate-limited token like a visitor (auth.md §5.1); v1 tells the two apart.
        raise NotSignedIn(
            "The service does not accept this credential, and shows the catalogue for visitors alone"
        )
    usable = frozenset(model.id for model in catalog.models)
    return page_of(
        catalog.catalog or catalog.models, lambda model: _row(model, catalog, usable), lambda row: row.id
    )


async def _read_available(client: ClientView, _: Session) -> RowPage[ModelRow]:
    return page_of(await client.models.available(), _available_row, lambda row: row.id)


def _fill(session: Session) -> Callable[[ModelRow], ModelRow]:
    activity = DayActivity(session, lambda run: run.model)
    return lambda row: replace(row, day=activity.of(row.id))


def _price(price: Decimal | None) -> str | None:
    return None if price is None else f"${price * 1_000_000:,.2f} a million"


KIND = Kind[ModelRow](
    name="models",
    title="Models",
    noun="model",
    aliases=("model", "mo"),
    contract="identity.md §6, v1.md §3",
    sources=(
        Source(Family.MODELS, _read_catalog, poll=300, poll_without_realtime=120),
        Source(
            Family.V1,
            _read_available,
            poll=300,
            poll_without_realtime=120,
            notice=PartialList("the models that can be used now", Requirement("all others, and changes,")),
        ),
    ),
    join=Join(_fill, {"runs": Related(columns=("tokens", "cost"))}),
    columns=(
        column(
            "enabled",
            "ENABLED",
            lambda row: row.is_enabled,
            formats.switch(),
            Layout(9),
            field="is_enabled",
        ),
        column(
            "name",
            "MODEL",
            lambda row: row.name,
            formats.text(),
            Layout(22, flex=2, min_width=16),
            is_text=True,
        ),
        column(
            "provider", "PROVIDER", lambda row: row.provider, formats.text("dim"), Layout(12, 2), is_text=True
        ),
        column(
            "default",
            "DEFAULT",
            lambda row: row.is_default,
            formats.flag("default", ""),
            Layout(9, 1),
            field="is_default",
        ),
        column(
            "context",
            "CONTEXT",
            lambda row: row.context_length,
            formats.count(),
            Layout(8, 2),
            field="context_length",
        ),
        column(
            "input",
            "$/M IN",
            lambda row: row.input_price,
            formats.PRICE_PER_MILLION,
            Layout(8, 1),
            field="pricing_input",
        ),
        column(
            "output",
            "$/M OUT",
            lambda row: row.output_price,
            formats.PRICE_PER_MILLION,
            Layout(8, 1),
            field="pricing_output",
        ),
        formats.at_least(
            column(
                "tokens",
                "TOKENS 24H",
                lambda row: row.day.tokens,
                formats.count(),
                Layout(10, 3),
                field="tokens_24h",
            ),
            lambda row: row.day.are_tokens_partial,
        ),
        formats.at_least(
            column(
                "cost",
                "COST 24H",
                lambda row: row.day.cost,
                formats.MONEY,
                Layout(8, 1),
                field="cost_24h",
            ),
            lambda row: row.day.is_cost_partial,
        ),
        column(
            "recommended",
            "RECOMMENDED",
            lambda row: row.recommendation,
            formats.text("dim"),
            Layout(11, 5),
            field="recommendation_bucket",
            is_text=True,
        ),
        column(
            "capabilities",
            "CAPABILITIES",
            lambda row: row.capabilities,
            formats.texts("dim"),
            Layout(24, 4, flex=2, min_width=20),
            field="capabilities",
            is_text=True,
        ),
    ),
    hidden_filters={
        "usable": lambda row: "yes" if row.is_usable else "no",
        "pick": lambda row: row.recommendation,
        "can": lambda row: row.capabilities,
    },
    label=lambda row: row.name or row.id,
    default_sort=lambda row: (formats.sort_key(row.provider), formats.sort_key(row.name)),
    facts=(
        (
            Fact("name", lambda row: row.name),
            Fact("provider", lambda row: row.provider),
            Fact("context", lambda row: row.context_length),
        ),
        (
            Fact("input", lambda row: _price(row.input_price)),
            Fact("output", lambda row: _price(row.output_price)),
        ),
        (
            Fact("default", lambda row: row.is_default),
            Fact("enabled", lambda row: row.is_enabled),
            Fact("usable now", lambda row: row.is_usable),
        ),
        (
            Fact("recommended", lambda row: row.recommendation),
            Fact("rank", lambda row: row.recommendation_rank),
            Fact("capabilities", lambda row: row.capabilities),
        ),
        (
            Fact("runs 24 h", lambda row: row.day.runs),
            Fact("tokens 24 h", lambda row: row.day.tokens),
            Fact("runs without tokens", lambda row: row.day.unmeasured_runs, optional=True),
            Fact("cost 24 h", lambda row: row.cost_24h),
            Fact("counted since", lambda row: row.day.complete_from, optional=True),
        ),
    ),
    links=(
        Link(
            "runs",
            "runs",
            lambda _: "all runs",
            filter=lambda row: f"model:={quoted(formatting.model(row.id))}",
        ),
    ),
    creations=(
        Creation(
            "dismiss-new",
            "",
            "Mark all new models as seen",
            (),
            lambda _: "the list of new models",
            lambda client, _: client.models.dismiss_new(),
            in_progress="dismissing",
            families=(Family.NEW_MODELS,),
            done="The new models are marked as seen.",
            makes_record=False,
        ),
    ),
    actions=(
        *toggle_delete_actions.enable_and_disable(
            ModelRow,
            lambda change, enabled: change.client.models.set_enabled(change.key, enabled),
            lambda row: bool(row.is_enabled),
            Family.MODELS,
            enable_help="Allow agents to use the model",
            disable_help="Stop agents from using the model",
            disable_consequence="Steps using this model will fail until it is enabled again.",
        ),
        Action(
            "default",
            "D",
            "Make the model the default",
            lambda change: change.client.settings.update(default_model=change.key),
            in_progress="making default",
            families=(Family.SETTINGS,),
            done="{} is the default now.",
            unavailable_reason=lambda row: "It is the default already." if row.is_default else None,
            confirmation=Confirmation(
                ["The whole account uses it wherever no model is specified."],
                "Set default",
                is_asked_in_command=False,
            ),
            title="set default",
        ),
    ),
    empty="No models.",
    needs=Requirement("the models", accepts_token=True),
)
