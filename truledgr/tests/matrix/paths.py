"""Which object of the world an address names, and what is sent there."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin

# The first that matches: a pattern of the route up to its last parameter, and the object.
NAMED = (
    (r"items/<uuid:\w+>/restore", "deleted_item"),
    (r"items/<uuid:\w+>", "item"),
    (r"groups/<uuid:\w+>/restore", "deleted_group"),
    (r"groups/<uuid:\w+>/unarchive", "archived_group"),
    (r"groups/<uuid:\w+>", "group"),
    (r"members/<uuid:\w+>/(approve|decline)", "asking"),
    (r"members/<uuid:\w+>/unban", "banned"),
    (r"members/<uuid:\w+>", "target"),
    (r"invitations/<uuid:\w+>", "invitation"),
    (r"roles/<uuid:\w+>/restore", "deleted_role"),
    (r"roles/<uuid:\w+>", "role"),
    (r"role-assignments/<int:\w+>", "assignment"),
    (r"audit/<int:\w+>", "event"),
)
# One of the actions with a page of its own, by model.
ACTIONS = {
    "user": "send_reset_link",
    "group": "archive",
    "membership": "remove",
    "invitation": "withdraw",
}
NOBODYS = "01890000-0000-7000-8000-000000000000"


def path_of(route: str, world: Any) -> str:
    """The address of the world's object; of nobody's, where the route is about the caller."""
    path = route
    for pattern, name in NAMED:
        found = re.search(pattern, path)
        if found and "/me/" not in route:
            key = str(getattr(world, name).pk)
            path = path[: found.start()] + re.sub("<[^>]+>", key, found[0]) + path[found.end() :]
    path = path.replace("<str:permission>", "items.view_item")
    path = re.sub(r"<uuid:\w+>", NOBODYS, path)
    return "/" + re.sub(r"<\w+:\w+>", "1", path)


def admin_path_of(route: str, world: Any) -> str:
    """Of ``admin/app/model/<path:object_id>/…``, the page of the world's row of that model."""
    app, model = route.split("/")[1:3]
    for one, row in world.rows.items():
        if (one._meta.app_label, one._meta.model_name) == (app, model):
            path = route.replace("<path:object_id>", str(row.pk))
            path = path.replace("<slug:name>", ACTIONS.get(model, "")).replace(
                "<int:to_version>", "1"
            )
            return "/" + path
    assert not any(
        (one._meta.app_label, one._meta.model_name) == (app, model)
        for one in admin.site._registry
        if "<path:object_id>" in route
    ), f"{route}: make a row of this model in World"
    return "/" + route


def body_of(operation: str, world: Any) -> Any:
    """A body that would do, so that nothing but the caller is at fault; text is CSV."""
    bodies: dict[str, Any] = {
        "POST items": {"name": "New", "group": str(world.group.pk)},
        "PATCH items/<uuid:pk>": {"name": "Renamed"},
        "POST items/<uuid:pk>/move": {"owner": "me"},
        "POST items/<uuid:pk>/revert": {"version": 1},
        "POST items/bulk": {
            "operations": [{"op": "update", "id": str(world.item.pk), "name": "Again"}]
        },
        "POST items/import": "name\nNew\n",
        "POST groups": {"name": "Another crew"},
        "PATCH groups/<uuid:pk>": {"description": "Changed"},
        "POST groups/<uuid:pk>/transfer": {"to": str(world.target.pk)},
        "POST members": {"user": str(world.users["stranger"].pk)},
        "PATCH members": {"reason": "Because"},
        "POST members/ban": {"reason": "Because of it"},
        "POST invitations": {"email": "new@example.org"},
        "POST invitations/accept": {"token": "unknown"},
        "POST invitations/decline": {"token": "unknown"},
        "POST roles": {"name": "New role"},
        "PATCH roles/<uuid:pk>": {"description": "Changed"},
        "POST roles/<uuid:pk>/clone": {"name": "A copy"},
        "POST roles/<uuid:pk>/permissions": {"permission": "items.change_item"},
        "POST role-assignments": {
            "user": str(world.target.pk),
            "role": str(world.other_role.pk),
        },
        "PATCH role-assignments": {"reason": "Because"},
        "PATCH api/auth/{client}/v1/account/passkeys/{id}": {"name": "Mine"},
        "PATCH api/auth/{client}/v1/account/second-factors/{id}": {"name": "Mine"},
        "POST api/auth/{client}/v1/account/second-factors/{id}": {"code": "123456"},
    }
    method, _space, route = operation.partition(" ")
    route = route.removeprefix("api/v1/")
    short = re.sub(r"groups/<uuid:\w+>/(members|invitations)(/<uuid:\w+>)?", r"\1", route)
    short = re.sub(r"(role-assignments)/<int:\w+>", r"\1", short)
    return bodies.get(f"{method} {route}", bodies.get(f"{method} {short}", {}))


def query_of(operation: str, world: Any) -> str:
    queries = {
        "GET api/schema/": "?format=json",
        "GET permissions/explain": "?permission=items.view_item",
        "GET permissions/who-can": "?permission=items.view_item",
        "GET roles/<uuid:pk>/compare": f"?with={world.other_role.pk}",
    }
    method, _space, route = operation.partition(" ")
    return queries.get(f"{method} {route.removeprefix('api/v1/')}", "")
