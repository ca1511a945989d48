import pytest

from schematools.embed import refresh
from schematools.errors import CannotRunError

CONTENTS = {"totals": "15 tables", "modules": "| a |"}


def test_blocks_are_replaced_and_all_else_is_kept():
    source = (
        "# Title\n\n<!-- schematools:totals -->\nold\n<!-- /schematools:totals -->\n"
        "  <!--schematools:modules-->\n<!-- /schematools:modules -->\nend\n"
    )

    assert refresh(source, CONTENTS) == (
        "# Title\n\n<!-- schematools:totals -->\n\n15 tables\n\n<!-- /schematools:totals -->\n"
        "  <!--schematools:modules-->\n\n| a |\n\n<!-- /schematools:modules -->\nend\n"
    )


def test_refreshing_twice_changes_nothing():
    once = refresh("<!-- schematools:totals -->\n<!-- /schematools:totals -->", CONTENTS)

    assert refresh(once, CONTENTS) == once


@pytest.mark.parametrize("fence", ["```", "~~~~", "  ```md"])
def test_a_block_in_a_fence_is_an_example(fence):
    closing = fence.replace("md", "")
    source = f"{fence}\n<!-- schematools:totals -->\n``\n{closing}\ntext\n"

    assert refresh(source, CONTENTS) == source


def test_a_block_after_a_fence_is_replaced():
    source = "```\ncode\n```\n<!-- schematools:totals -->\n<!-- /schematools:totals -->\n"

    assert "15 tables" in refresh(source, CONTENTS)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("<!-- schematools:total -->\n", "no block named 'total'. Did you mean 'totals'"),
        ("<!-- schematools:totals -->\ntext\n", "'totals' is not closed"),
        (
            "<!-- schematools:totals -->\n<!-- schematools:modules -->\n",
            "'totals' is not closed",
        ),
        (
            "<!-- schematools:totals -->\n<!-- /schematools:modules -->\n",
            "'totals' is not closed",
        ),
    ],
)
def test_a_block_that_cannot_be_filled_is_refused(source, message):
    with pytest.raises(CannotRunError, match=message):
        refresh(source, CONTENTS)
