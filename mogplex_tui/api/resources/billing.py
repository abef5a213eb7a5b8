"""Billing and payment pages, of the active team if the context has one."""

from __future__ import annotations

from mogplex_tui.api import errors
from mogplex_tui.api.models.billing import Billing, PaymentPage, Subscription, TopUp, VercelProject
from mogplex_tui.api.resources.base import Resource

_OFF = "Billing is not enabled"


class BillingResource(Resource):
    """Billing, at `/api/billing`, `/api/stripe/*` and `/api/profile/vercel-billing`.

    Contract: identity.md §9 and §10.
    """

    async def get(self) -> Billing:
        """Return plan, status and balance in cents.

        `enabled` is False if the service has no billing.
        """
        return (await self._get("/api/billing", "the billing")).one(Billing)

    async def subscribe(self, subscription: Subscription) -> PaymentPage:
        """Return the page on which to subscribe.

        Raises FeatureOff if the service has no billing, and Conflict if there is a subscription already.
        """
        return await self._page("checkout", "the checkout", subscription.body())

    async def top_up(self, top_up: TopUp) -> PaymentPage:
        """Return the page on which to buy credit.

        The same `attempt_id` leads to the same purchase. Raises FeatureOff if the service has no billing.
        """
        return await self._page("checkout", "the checkout", top_up.body())

    async def portal(self) -> PaymentPage:
        """Return the page with invoices and cards.

        Raises NotFound if nothing was ever bought, and FeatureOff if the service has no billing.
        """
        return await self._page("portal", "the billing portal", None)

    async def clear_vercel_project(self) -> VercelProject:
        """Remove the Vercel project that pays for the account, and return the setting."""
        response = await self._change(
            "PATCH", "/api/profile/vercel-billing", "the Vercel project", body={"projectId": None}
        )
        return response.one(VercelProject)

    async def set_vercel_project(self, project_id: str, team_id: str | None = None) -> VercelProject:
        """Let a Vercel project pay for the account, and return the setting.

        Raises FeatureOff: no service offers it today.
        """
        if not project_id.strip():
            raise errors.InvalidInput("Name a Vercel project")
        body = {"projectId": project_id.strip(), "teamId": team_id}
        response = await self._change("PATCH", "/api/profile/vercel-billing", "the Vercel project", body=body)
        return response.one(VercelProject)

    async def _page(self, name: str, resource: str, body: dict[str, object] | None) -> PaymentPage:
        try:
            response = await self._change("POST", f"/api/stripe/{name}", resource, body=body)
        except errors.Unavailable as error:
            if _OFF not in error.message:
                raise
            # A 503 that no waiting ends: the service was set up without payments.
            raise errors.FeatureOff(
                "The service has no billing",
                resource=error.resource,
                method=error.method,
                path=error.path,
                status=error.status,
                request_id=error.request_id,
            ) from None
        return response.one(PaymentPage)
