"""The commands in the documents: which there are, which can be tried, what they should print.

A fenced block ``bash`` is tried unless an HTML comment stands before it that says why not::

    <!-- not run: needs systemd -->

A block ``text`` right after one is what it prints; ``…`` stands for anything. The blocks of a page
are one script, so that variables last.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
FENCE = re.compile(
    r"^(?:(?P<gap>[ ]*)<!-- not run: (?P<reason>.*?) -->\n\s*)?"
    r"^(?P<indent>[ ]*)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    text: str
    reason: str = ""  # why it is not run
    printed: str = ""

    @property
    def name(self):
        return f"{self.page}:{self.line}"


def pages():
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "schematools/README.md"]
    return [*found, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_in(text, page=""):
    """The blocks of bash in a page of Markdown, in order."""
    found = []
    end = 0  # of the last block of bash: what it prints may follow
    for fence in FENCE.finditer(text):
        content = without_indent(fence["text"], len(fence["indent"]))
        if fence["language"] == "bash":
            line = text.count("\n", 0, fence.start("language")) + 1
            found.append(Block(page, line, content, fence["reason"] or ""))
        elif fence["language"] == "text" and end and not text[end : fence.start()].strip():
            found[-1] = replace(found[-1], printed=content)
        end = fence.end() if fence["language"] == "bash" else 0
    return found


def without_indent(text, indent):
    return "".join(line[indent:] for line in text.splitlines(keepends=True))


def all_blocks():
    return [
        block
        for path in pages()
        for block in blocks_in(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
    ]


def is_as_printed(printed, output):
    """Whether ``output`` is what the page shows."""
    pattern = ".*?".join(re.escape(part) for part in printed.strip().split("…"))
    return re.fullmatch(pattern, output.strip(), re.DOTALL) is not None
