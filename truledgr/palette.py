"""The command palette of the admin: pages, people, groups, items and actions, by a few letters.

A script asks for JSON while somebody types; without it, the same address is a page to search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.text import capfirst, slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from core.text_search import matching
from groups.models import Group
from items.models import SEARCHED, Item
from users.models import User

MOST = 8  # of each kind
# Rows from the first that could match, in the order of an index: those of one beginning stand
# together there, but for what the collation passes over.
WINDOW = 50
LONGEST = 64
SHORTEST = 2  # letters; one alone would find anybody
Rows = QuerySet[Any]
JSON, HTML = "application/json", "text/html"

# Where everybody of the staff may go: (name, route).
OWN_PAGES = (
    (gettext_lazy("My sessions"), "account_sessions"),
    (gettext_lazy("My devices"), "account_devices"),
    (gettext_lazy("My second factors"), "account_second_factors"),
    (gettext_lazy("My API tokens"), "account_tokens"),
    (gettext_lazy("My timeline"), "account_timeline"),
    (gettext_lazy("My data"), "account_data"),
    (gettext_lazy("Change my e-mail address"), "account_email"),
    (gettext_lazy("Change my password"), "account_change_password"),
    (gettext_lazy("Documentation of the API"), "api-docs"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """Where it leads; ``method`` is "post" for what a form has to send."""

    label: str
    url: str
    hint: str = ""
    method: str = "get"


@dataclass(frozen=True, slots=True)
class Kind:
    title: str
    results: list[Result]


@require_safe
def palette_page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """What matches ``q``; without it, everything that needs no searching."""
    term = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    kinds = [kind for kind in _kinds(request, site, term) if kind.results]
    if request.get_preferred_type([HTML, JSON]) == JSON:
        response: HttpResponse = JsonResponse({"kinds": [asdict(kind) for kind in kinds]})
    else:
        context = {
            **site.each_context(request),
            "title": _("Find"),
            "term": term,
            "kinds": kinds,
        }
        response = TemplateResponse(request, "admin/palette.html", context)
    patch_vary_headers(response, ["Accept"])
    return response


def _kinds(request: HttpRequest, site: AdminSite, term: str) -> Iterator[Kind]:
    apps = site.get_app_list(request)
    yield Kind(_("Pages"), _matching(_pages(apps), term))
    yield Kind(_("Actions"), _matching(_actions(request, apps), term))
    if len(term) < SHORTEST:
        return
    for model, find in FINDERS.items():
        if site.get_model_admin(model).has_view_permission(request):
            yield Kind(capfirst(str(model._meta.verbose_name_plural)), find(term))


# --- What needs no searching ------------------------------------------------------------------


def _pages(apps: Iterable[Any]) -> Iterator[Result]:
    yield Result(_("Start page"), reverse("admin:index"))
    for app in apps:
        for model in app["models"]:
            if model["admin_url"]:
                yield Result(capfirst(str(model["name"])), model["admin_url"], str(app["name"]))
    for title, route in OWN_PAGES:
        yield Result(str(title), reverse(route), _("My account"))


def _actions(request: HttpRequest, apps: Iterable[Any]) -> Iterator[Result]:
    for app in apps:
        for model in app["models"]:
            if model["add_url"]:
                name = str(model["model"]._meta.verbose_name)
                yield Result(_("Add %s") % name, model["add_url"], str(app["name"]))
    for title, permission, route in ACTIONS:
        if request.user.has_perm(permission):
            yield Result(str(title), reverse(route))
    yield Result(_("Sign out"), reverse("admin:logout"), method="post")


ACTIONS = (
    (
        gettext_lazy("End everybody's sessions"),
        "users.change_usersession",
        "admin:users_usersession_end_everybodys",
    ),
    (gettext_lazy("Import items"), "items.add_item", "admin:items_item_import"),
)


def _matching(results: Iterable[Result], term: str) -> list[Result]:
    """Those that hold every word of ``term``, first those that begin with it."""
    words = term.casefold().split()
    found = [
        each
        for each in results
        if all(word in f"{each.label} {each.hint}".casefold() for word in words)
    ]
    if words:
        found.sort(key=lambda each: not each.label.casefold().startswith(words[0]))
    return found[:MOST] if words else found


# --- Rows, by the beginning of a name ---------------------------------------------------------


def near(rows: Rows, column: Any, start: Any) -> Rows:
    """The first rows that could begin so: an index on ``column`` leads to them."""
    found: Rows = rows.alias(key=column).filter(key__gte=start).order_by("key")
    return found[:WINDOW]


def people_near(column: str, term: str) -> Rows:
    return near(User.objects.alive(), Lower(column), Lower(Value(term)))


def groups_near(column: str, term: str) -> Rows:
    return near(Group.objects.alive(), F(column), Value(term))


def _people(term: str) -> list[Result]:
    start = term.lower()
    found = {
        person.pk: person
        for column in ("username", "email")
        for person in people_near(column, term)
        if getattr(person, column).lower().startswith(start)
    }
    return [
        Result(person.username, _page_of(person), person.email)
        for person in list(found.values())[:MOST]
    ]


def _groups(term: str) -> list[Result]:
    """By the name as it is written, or by the slug, whose case does not matter."""
    starts = {"name": term, "slug": slugify(term)}
    found = {
        group.pk: group
        for column, start in starts.items()
        for group in (groups_near(column, start) if start else ())
        if getattr(group, column).startswith(start)
    }
    return [
        Result(group.name, _page_of(group), group.slug) for group in list(found.values())[:MOST]
    ]


def _items(term: str) -> list[Result]:
    rows = matching(Item.objects.alive(), fields=SEARCHED, text=term)
    # Without an order: the newest of many would be looked for one by one.
    found = sorted(rows.order_by()[:MOST], key=lambda item: item.name)
    return [Result(item.name, _page_of(item), item.get_kind_display()) for item in found]


def _page_of(row: Any) -> str:
    opts = row._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])


FINDERS: dict[type[Any], Callable[[str], list[Result]]] = {
    User: _people,
    Group: _groups,
    Item: _items,
}
