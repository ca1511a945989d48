"""Which addresses are pages to look at, of all that the access matrix knows."""

from truledgr.tests.matrix.paths import admin_path_of, path_of, query_of
from truledgr.tests.person_with_everything import Person
from truledgr.tests.test_access_matrix import BY_ROUTE, ROWS

# What answers something else than a page, or only to those who come by another way.
NO_PAGES = {
    "(front-page)": "leads elsewhere",
    "admin/analytics/sessions.csv": "a file",
    "admin/auth/permission/explain/choices/": "JSON",
    "admin/autocomplete/": "JSON",
    "admin/core/auditevent/export.csv": "a file",
    "admin/core/auditevent/export.jsonl": "a file",
    "admin/items/item/export.csv": "a file",
    "admin/items/item/export.jsonl": "a file",
    "admin/jsi18n/": "a script",
    "admin/login/": "leads to the sign-in page",
    "admin/password_change/": "leads to the page that changes passwords",
    "accounts/confirm-email/": "while an address waits for its code",
    "accounts/login/": "while nobody is signed in",
    "accounts/login/code/confirm/": "allauth's sign-in by a code, which is off",
    "accounts/signup/": "while nobody is signed in",
    "api/schema/": "JSON",
    "health/live": "JSON",
    "health/ready": "JSON",
    "metrics": "text for Prometheus",
}
# How a superuser is answered where there is a page, in part after proving who they are.
PAGES = {"200", "302"}


def root_with_everything():
    """A superuser who has one of everything, and has just proven who they are."""
    person = Person("root", ip="198.51.100.7", staff=None)
    person.user.is_staff = person.user.is_superuser = True
    person.user.save()
    return person


def addresses(kind, world):
    """The pages of the admin, or those outside of it, that open for a superuser."""
    for operation, answers in ROWS[kind].items():
        method, route = operation.split()
        leads_on = route.endswith("<path:object_id>/")
        if method != "GET" or answers["superuser"] not in PAGES or route in NO_PAGES or leads_on:
            continue
        if kind == "admin" and "<path:object_id>" in route:
            address = admin_path_of(route, world)
        else:
            address = path_of(route, world) if "<" in route else BY_ROUTE[route].path
        yield address + query_of(operation, world)
