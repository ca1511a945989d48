"""Wagtail's own test project, which has a model of every kind that Wagtail knows."""

from wagtail.test.settings import *  # noqa: F403
