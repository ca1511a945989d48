"""Nautobot as it comes, an inventory of networks."""

from nautobot.core.settings import *  # noqa: F403

CELERY_BROKER_URL = "memory://"
CONSTANCE_BACKEND = "constance.backends.memory.MemoryBackend"
