"""Billing and payment pages of the account or of the active team."""

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
        """Return the billing plan, its status and the balance in cents.

        `enabled` is False if the service has no billing.
        """
        return (await self._get("/api/billing", "the billing")).one(Billing)

    async def subscribe(self, subscription: Subscription) -> PaymentPage:
        """Return the payment page for a new subscription.

        Raises FeatureOff if the service has no billing, and Conflict if the account already has a
        subscription.
        """
        return await self._page("checkout", "the checkout", subscription.body())

    async def top_up(self, top_up: TopUp) -> PaymentPage:
        """Return the payment page for buying credit.

        Requests with the same `attempt_id` lead to the same purchase, so a request can be repeated
        safely. Raises FeatureOff if the service has no billing.
        """
        return await self._page("checkout", "the checkout", top_up.body())

    async def portal(self) -> PaymentPage:
        """Return the web page on which the user can see invoices and payment cards.

        Raises NotFound if the account has never bought anything, and FeatureOff if the service has no
        billing.
        """
        return await self._page("portal", "the billing portal", None)

    async def clear_vercel_project(self) -> VercelProject:
        """Stop a Vercel project from paying for the account; return the new setting."""
        response = await self._change(
            "PATCH", "/api/profile/vercel-billing", "the Vercel project", body={"projectId": None}
        )
        return response.one(VercelProject)

    async def set_vercel_project(self, project_id: str, team_id: str | None = None) -> VercelProject:
        """Make a Vercel project pay for the account; return the new setting.

        Raises FeatureOff, because no service offers this today.
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
