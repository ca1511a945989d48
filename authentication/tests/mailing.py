"""Acting as somebody, in a request or not, and looking at the mail that was sent."""

from contextlib import contextmanager

from allauth.core import context as allauth_context
from django.core import mail
from django.test import RequestFactory

from core.context import ActingContext, Via, entered

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"


@contextmanager
def acting(user=None, *, user_agent=FIREFOX, session_id=None, via=Via.WEB):
    context = ActingContext(
        via=via,
        request_id="a-request",
        client_ip="198.51.100.7",
        user_agent=user_agent,
        actor=lambda: user,
        session_id=lambda: session_id,
    )
    with entered(context):
        yield


@contextmanager
def in_request(**extra):
    request = RequestFactory().get("/", **extra)
    request.session = {}
    with allauth_context.request_context(request):
        yield request


def sent():
    """The text and the HTML of the only mail."""
    (message,) = mail.outbox
    return message.body, html_of(message)


def html_of(message):
    ((html, kind),) = message.alternatives
    assert kind == "text/html"
    return html
