"""Billing, payment pages, and the Vercel project that pays for the account.

Amounts are US cents. Contract: identity.md §9 and §10.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from pydantic import Field, field_validator, model_validator

from mogplex_tui.api.models.base import Count, Flag, Inbound, Outbound, Text

MIN_TOP_UP_CENTS = 1_000
MAX_TOP_UP_CENTS = 100_000


class Tier(StrEnum):
    """The known billing plans; the service may return others."""

    FREE = "free"
    PRO = "pro"
    TEAM = "team"
    BUSINESS = "business"


class BillingStatus(StrEnum):
    """The state of a subscription."""

    ACTIVE = "active"
    PAST_DUE = "past_due"
    FROZEN_TOPUPS = "frozen_topups"


class Balance(Inbound):
    """The remaining credit in cents, which may be negative."""

    included_cents: Count = None
    purchased_cents: Count = None
    total_cents: Count = None


class Billing(Inbound):
    """The plan, the subscription and the credit of the account or the active team.

    If `enabled` is False, the service has no billing, and the other fields are not set.
    """

    enabled: Flag = False
    can_manage_billing: Flag = False
    tier: str | None = None
    status: str | None = None
    has_subscription: Flag = False
    has_stripe_customer: Flag = False
    balance: Balance | None = None


class Subscription(Outbound):
    """The request to subscribe to a plan.

    Any plan name can be sent; the service rejects unknown plans.
    """

    plan: str
    return_path: str | None = None

    @field_validator("plan")
    @classmethod
    def _check_plan(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("Name a plan")
        return value.strip()

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return {"kind": "subscribe", **self.model_dump(by_alias=True, exclude_none=True)}


class TopUp(Outbound):
    """The request to buy credit: a preset amount, or 1,000 to 100,000 cents.

    To repeat a purchase that may have failed, pass the same `attempt_id`.
    """

    preset: str | None = None
    amount_cents: int | None = None
    attempt_id: str = Field(default_factory=lambda: str(uuid4()))
    return_path: str | None = None

    @field_validator("attempt_id")
    @classmethod
    def _check_attempt(cls, value: str) -> str:
        try:
            attempt = UUID(value)
        except ValueError:
            raise ValueError("Invalid checkout attempt") from None
        if attempt.version != 4:
            raise ValueError("Invalid checkout attempt")
        return str(attempt)

    @field_validator("amount_cents")
    @classmethod
    def _check_amount(cls, value: int | None) -> int | None:
        if value is not None and not MIN_TOP_UP_CENTS <= value <= MAX_TOP_UP_CENTS:
            raise ValueError(f"A top-up is {MIN_TOP_UP_CENTS} to {MAX_TOP_UP_CENTS} cents")
        return value

    @model_validator(mode="after")
    def _check_choice(self) -> "TopUp":
        if (self.preset is None) == (self.amount_cents is None):
            raise ValueError("Choose either a preset or an amount")
        return self

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return {"kind": "topup", **self.model_dump(by_alias=True, exclude_none=True)}


class PaymentPage(Inbound):
    """The address of a page of the payment service, to open in a browser."""

    url: str


class VercelProject(Inbound):
    """The Vercel project that pays for the account.

    The ids are None if no project pays.
    """

    project_id: str | None = None
    team_id: str | None = None
    project_name: Text = ""
