"""The API as pages, in development only."""

import pytest
from rest_framework.views import APIView

from core.api.renderers import FastJSONRenderer
from items.api.views import ItemViewSet
from items.tests.factories import ItemFactory
from truledgr.api_browsing import PageRenderer, with_links
from truledgr.api_settings import rest_framework
from truledgr.environment import Environment
from users.tests.factories import UserFactory

ITEMS = "/api/v1/items"


@pytest.fixture
def pages(monkeypatch):
    for view in (APIView, ItemViewSet):
        monkeypatch.setattr(view, "renderer_classes", [FastJSONRenderer, PageRenderer])


@pytest.mark.django_db
def test_a_browser_sees_a_page_and_a_program_sees_json(pages, client):
    person = UserFactory()
    client.force_login(person)
    ItemFactory.create_batch(2, owner=person, name="<script>alert(1)</script>")

    page = client.get(f"{ITEMS}?page_size=1", headers={"Accept": "text/html,*/*;q=0.8"})

    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    text = page.content.decode()
    assert "&lt;script&gt;alert(1)" in text
    assert "alert(1)</script>" not in text
    assert f'<a href="http://testserver{ITEMS}?page_size=1&amp;cursor=' in text
    assert " style=" not in text
    for accept in ("*/*", "application/json"):
        answer = client.get(ITEMS, headers={"Accept": accept})
        assert answer["Content-Type"] == "application/json", accept


def test_only_development_has_them():
    kinds = {
        debug: rest_framework(Environment({}), debug=debug)["DEFAULT_RENDERER_CLASSES"]
        for debug in (True, False)
    }

    assert kinds[True] == [*kinds[False], "truledgr.api_browsing.PageRenderer"]
    assert kinds[False] == ["core.api.renderers.FastJSONRenderer"]


def test_only_addresses_become_links_and_everything_is_escaped():
    assert with_links('"a": "<b>&"') == "&quot;a&quot;: &quot;&lt;b&gt;&amp;&quot;"
    assert with_links('"a": "httpx"') == "&quot;a&quot;: &quot;httpx&quot;"
    assert with_links('"next": "https://a.example/?b=1&c=%22",') == (
        '&quot;next&quot;: &quot;<a href="https://a.example/?b=1&amp;c=%22">'
        "https://a.example/?b=1&amp;c=%22</a>&quot;,"
    )
