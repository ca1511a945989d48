"""Turning words and values into one mail: a subject, a text, the same as HTML."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from authentication.mails.wording import DETAILS, NAMES, Wording

WIDTH = 72  # of a line of text; RFC 5322, section 2.1.1, asks for 78 at most
LONGEST_VALUE = 200
# No mail program makes a link of a dot that is not followed by a letter.
DOT_IN_A_NAME = re.compile(r"\.(?=[^\W\d_])")


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one address, ready to leave.

    ``user_id`` is what a log may say of whom it is for. After ``useless_after`` (seconds since
    1970; 0 is never) what it holds has expired, and it is not sent any more.
    """

    name: str
    to: str
    subject: str
    text: str
    html: str
    user_id: str = ""
    useless_after: float = 0.0

    def message(self) -> EmailMultiAlternatives:
        """What goes to the mail server. Machines are asked not to answer it (RFC 3834)."""
        message = EmailMultiAlternatives(
            self.subject,
            self.text,
            settings.DEFAULT_FROM_EMAIL,
            [self.to],
            headers={"Auto-Submitted": "auto-generated"},
        )
        message.attach_alternative(self.html, "text/html")
        return message


def one_line(value: Any) -> str:
    """``value`` as text that can forge nothing: one line, no control or direction characters."""
    shown = "".join(
        " " if unicodedata.category(character)[0] in "CZ" else character for character in str(value)
    )
    return " ".join(shown.split())[:LONGEST_VALUE]


def no_link(value: Any) -> str:
    """``one_line()`` of a name that a stranger chose, which mail programs make no link of."""
    shown = one_line(value).replace("://", " ").replace("/", " ").replace("@", " ")
    return DOT_IN_A_NAME.sub(" ", shown)


def render(
    wording: Wording,
    *,
    name: str,
    to: str,
    context: Mapping[str, Any],
    language: str,
    report_url: str = "",
    user_id: str = "",
    useless_after: float = 0.0,
) -> Letter:
    """One mail in ``language``; ``report_url`` is where "this was not me" leads."""
    with translation.override(language if translation.check_for_language(language) else None):
        url = str(context.get(wording.url) or "") if wording.url else ""
        values = {
            "language": translation.get_language() or "en",
            "subject": one_line(wording.subject),
            "paragraphs": [str(words) for words in wording.paragraphs],
            "code": one_line(context.get(wording.code) or "") if wording.code else "",
            "button": str(wording.button) if url else "",
            "url": url,
            "details": [
                (str(label), (no_link if key in NAMES else one_line)(context[key]))
                for key, label in DETAILS.items()
                if context.get(key) not in (None, "")
            ],
            "after": [str(words) for words in wording.after],
            "report": str(wording.report) if report_url else "",
            "report_url": report_url,
        }
        return Letter(
            name=name,
            to=to,
            subject=values["subject"],  # type: ignore[arg-type]
            text=wrapped(render_to_string("mail/letter.txt", values)),
            html=render_to_string("mail/letter.html", values),
            user_id=user_id,
            useless_after=useless_after,
        )


def wrapped(text: str) -> str:
    """``text`` with lines of at most ``WIDTH`` characters, save for links, which stay whole."""
    lines: list[str] = []
    for line in text.strip().splitlines():
        lines += textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"
