"""The admin's pages "Database schema" and "Migrations", for staff with the permission for each."""

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import json_script
from django.utils.safestring import SafeString

from schematools.config import load_config
from schematools.errors import CannotRunError
from schematools.history import BROKEN_GRAPH, broken_graph, load_migrations
from schematools.html_page import SCRIPTS, STYLE
from schematools.json_document import document
from schematools.live import read_sizes
from schematools.model import Schema
from schematools.models import DatabaseSchema, MigrationStatus
from schematools.project import read_project
from schematools.status import read_status

Model = DatabaseSchema | MigrationStatus

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class PageAdmin(ModelAdmin):
    """One page to look at; there is nothing to add, change or delete."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm(f"schematools.view_{self.opts.model_name}"))

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        return [path("", self.admin_site.admin_view(self.changelist_view), name=name)]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the page as it is right now."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        context = {
            **self.admin_site.each_context(request),
            "title": str(self.opts.verbose_name).capitalize(),
            "opts": self.opts,
            **self.contents(),
            **(extra_context or {}),
        }
        template = f"admin/schematools/{self.opts.model_name}/change_list.html"
        return TemplateResponse(request, template, context)

    def contents(self) -> dict[str, Any]:
        """Return what the page's template shows."""
        raise NotImplementedError


@admin.register(DatabaseSchema)
class DatabaseSchemaAdmin(PageAdmin):
    """The schema of the models, with the sizes of the tables."""

    def contents(self) -> dict[str, Any]:
        return {"style": STYLE, "scripts": SCRIPTS, **self._data()}

    def _data(self) -> dict[str, Any]:
        """Return the page's data, or why there is none."""
        try:
            schema, data = read_document()
        except (CannotRunError, ImproperlyConfigured) as error:
            return {"problem": str(error)}
        sizes = read_sizes(connections[DEFAULT_DB_ALIAS], [table.name for table in schema.tables])
        live = {name: asdict(size) for name, size in sizes.items()}
        return {"data": data, "live": json_script(live, "schematools-live")}


@admin.register(MigrationStatus)
class MigrationStatusAdmin(PageAdmin):
    """How far the database's migrations are, and what was applied when."""

    def contents(self) -> dict[str, Any]:
        try:
            return {"status": read_status(load_migrations(DEFAULT_DB_ALIAS), DEFAULT_DB_ALIAS)}
        except BROKEN_GRAPH as error:
            return {"problem": broken_graph(error).sentence}


@cache
def read_document() -> tuple[Schema, SafeString]:
    """Return the models' schema and its document for the page; models do not change in a process.

    Raise what ``load_config`` and ``read_project`` raise; that is not remembered.
    """
    config = load_config()
    schema = read_project(config)
    return schema, json_script(document(schema, title=config.title), "schematools-data")
