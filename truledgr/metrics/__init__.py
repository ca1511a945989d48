"""``/metrics`` for Prometheus: what is counted, and the page that tells it.

A counter stands beside what it counts; here are those of requests, statements and processes, and
what is read when somebody asks. docs/operations/monitoring.md lists them all.

No label holds what a caller sent: each has the few values that the code knows.
"""
