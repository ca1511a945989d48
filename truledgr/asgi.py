"""ASGI entry point, for servers such as uvicorn."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "truledgr.settings")
django.setup(set_prefix=False)

from truledgr.handlers import ASGI  # noqa: E402  (needs the settings)
from truledgr.metrics.processes import start_sampling  # noqa: E402

application = ASGI()
start_sampling()
