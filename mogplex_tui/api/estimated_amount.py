"""A decimal type for amounts of money that are estimates.

Contract: observability.md §6.
"""

from __future__ import annotations

from decimal import Decimal


class Estimate(Decimal):
    """An amount of US dollars that is wholly or partly computed from list prices."""
