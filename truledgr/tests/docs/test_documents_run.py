"""Every command in the documents works as it is written."""

from collections import defaultdict

import pytest
from django.db import connection

from truledgr.tests.docs.blocks import all_blocks
from truledgr.tests.docs.demo import running_demo


# The longest test of all begins with the first.
pytestmark = pytest.mark.xdist_group("documents")


@pytest.fixture
def demo(request, tmp_path):
    # Not in the signature: that would have it run on each engine.
    request.getfixturevalue("django_db_setup")
    name = connection.settings_dict["NAME"]
    with running_demo(tmp_path, name if connection.vendor == "sqlite" else None) as found:
        yield found


def test_the_commands_of_every_page_run(demo):
    by_page = defaultdict(list)
    for block in all_blocks():
        if not block.reason:
            by_page[block.page].append(block)
    problems = []
    for page, blocks in by_page.items():
        problems += demo.run(page, blocks)
        demo.reset()

    assert not problems, "\n\n".join(problems)
