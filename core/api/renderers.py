"""Answers as JSON, by a library that takes a fraction of the time of Python's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

_default = JSONEncoder().default
# Separators of lines, which JavaScript did not take in a text until 2019: DRF escapes them.
_SEPARATORS = {"\u2028".encode(): rb"\u2028", "\u2029".encode(): rb"\u2029"}


class FastJSONRenderer(JSONRenderer):
    """What DRF's own writes, byte for byte but for ``1e-7``, which is ``1e-07`` there."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        context = dict(renderer_context or {})
        if data is None or self.get_indent(accepted_media_type or "", context) is not None:
            rendered: bytes = super().render(data, accepted_media_type, context)
            return rendered
        return dumps(data)


def dumps(data: Any) -> bytes:
    """``data`` as JSON in UTF-8, without white space."""
    try:
        text = orjson.dumps(data, default=_default, option=orjson.OPT_UTC_Z)
    except TypeError:  # a number of more than 64 bits, a key that is no text
        slow: bytes = JSONRenderer().render(data)
        return slow
    for separator, escaped in _SEPARATORS.items():
        text = text.replace(separator, escaped)
    return text
