"""WSGI entry point: ``gunicorn truledgr.wsgi``."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "truledgr.settings")
django.setup(set_prefix=False)

from truledgr.handlers import WSGI  # noqa: E402  (needs the settings)
from truledgr.metrics.processes import start_sampling  # noqa: E402

application = WSGI()
start_sampling()
