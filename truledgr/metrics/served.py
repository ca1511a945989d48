"""Requests that were answered: how many, and how long each took."""

from __future__ import annotations

from http import HTTPMethod

from prometheus_client import Counter, Histogram

OTHER = "other"  # a method that HTTP does not define: callers may send any word

REQUESTS = Counter(
    "truledgr_http_requests",
    "Requests answered, by class of status (2xx, 4xx).",
    ["method", "route", "status"],
)
SECONDS = Histogram(
    "truledgr_http_request_duration_seconds",
    "From the first middleware to the answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)


def observe(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count an answer. ``route`` is the name of the route, as in the log, never a path."""
    known = method if method in HTTPMethod.__members__ else OTHER
    REQUESTS.labels(known, route, f"{status // 100}xx").inc()
    SECONDS.labels(known, route).observe(seconds)
