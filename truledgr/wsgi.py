"""WSGI entry point: ``gunicorn truledgr.wsgi``."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "truledgr.settings")

application = get_wsgi_application()
