"""What the columns of a profile may hold."""

from __future__ import annotations

import re
import zoneinfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}")


def validate_timezone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            _("%(name)s is not a time zone of the IANA database."), params={"name": name}
        )


def validate_language_tag(tag: str) -> None:
    if not LANGUAGE_TAG.fullmatch(tag):
        raise ValidationError(_("Not a language tag (BCP 47), such as en or pt-BR."))


def validate_web_address(url: str) -> None:
    if not url.startswith(("https://", "http://")):
        raise ValidationError(_("Not a web address: start it with https://."))
