"""How often one address may begin a sign-in through a provider: each makes us ask the provider."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from authentication.limits import FloodError
from authentication.sign_ins import record_refusal
from core.context import client_ip_of
from core.rates import network_of, parse_rates, take


def count_start(request: HttpRequest) -> None:
    """Count one; raise ``FloodError``, which is answered with 429, for one too many."""
    address = network_of(client_ip_of(request))
    for rate in parse_rates(settings.ACCOUNT_RATE_LIMITS["provider"]):
        if (taken := take(f"provider:{address}", rate)).is_over:
            refusal = FloodError(taken)
            record_refusal(refusal)
            raise refusal
