"""Rate limits, counted per user or per address as the project sees it.

DRF's own read a list from the cache and write it back: of parallel requests, which all read the
same list, any number pass. These count by one atomic increment.
"""

from __future__ import annotations

import logging
from math import ceil
from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle, UserRateThrottle

from core.context import client_ip_of
from core.rates import CountingError, Rate, Taken, network_of, take

if TYPE_CHECKING:  # rest_framework.views imports this module through the settings
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)


class Counted(SimpleRateThrottle):
    """Takes one use of the rate for each request; ``wait()`` says when there is room again.

    The answer tells the rate and what is left of it, in structured fields (RFC 9651) as the draft
    of the IETF for ``RateLimit`` has them: ``q`` uses in ``w`` seconds, ``r`` of them left, and
    ``t`` seconds until there are more. Both are known by then: the counter is not asked again.
    """

    scope: str

    num_requests: int | None
    duration: int | None
    _wait = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        key = self.get_cache_key(request, view) if self.rate else None
        if key is None or self.num_requests is None or self.duration is None:
            return True
        rate = Rate(self.num_requests, self.duration)
        taken = take(key, rate)
        self._wait = taken.wait
        view.headers |= self._headers(rate, taken)  # which DRF puts on every answer, refusals too
        return not taken.is_over

    def _headers(self, rate: Rate, taken: Taken) -> dict[str, str]:
        left = max(0, taken.room - taken.number)
        seconds = max(1, ceil(taken.wait if taken.is_over else taken.left))
        return {
            "RateLimit-Policy": f'"{self.scope}";q={rate.amount};w={rate.seconds}',
            "RateLimit": f'"{self.scope}";r={left};t={seconds}',
        }

    def wait(self) -> float:
        return self._wait


class AddressThrottle(Counted, AnonRateThrottle):
    """Callers who are not signed in, by address or IPv6 network.

    DRF's own believes any ``X-Forwarded-For``. Without the cache nobody gets through: the answer
    is 503.
    """

    def get_ident(self, request: Request) -> str:
        return network_of(client_ip_of(request._request))

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        key: str | None = super().get_cache_key(request, view)
        return key


class UserThrottle(Counted, UserRateThrottle):
    """Callers who are signed in. They go on working, uncounted, while the cache is away."""

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        if not request.user.is_authenticated:
            return None
        key: str | None = super().get_cache_key(request, view)
        return key

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return super().allow_request(request, view)
        except CountingError:
            logger.error("The cache is away: requests of signed-in callers are not counted.")  # noqa: TRY400 (one line for each request is enough)
            return True
