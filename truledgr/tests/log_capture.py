"""The lines that a server would have written, read as their readers do."""

import io
import json
import logging

import pytest

from truledgr.log_lines import ContextFilter, JSONFormatter, TextFormatter


class Lines:
    """What reached the root logger, in both formats."""

    def __init__(self):
        self.json, self.text = io.StringIO(), io.StringIO()
        self.handlers = []
        for stream, formatter in ((self.json, JSONFormatter()), (self.text, TextFormatter())):
            handler = logging.StreamHandler(stream)
            handler.setFormatter(formatter)
            handler.addFilter(ContextFilter())
            self.handlers.append(handler)

    def of(self, logger):
        return [line for line in self.all() if line["logger"] == logger]

    def all(self):
        return [json.loads(line) for line in self.json.getvalue().splitlines()]

    def everything(self):
        return self.json.getvalue() + self.text.getvalue()


@pytest.fixture
def lines():
    lines, root = Lines(), logging.getLogger()
    for handler in lines.handlers:
        root.addHandler(handler)
    yield lines
    for handler in lines.handlers:
        root.removeHandler(handler)
