"""The task queue in the admin: what waits, runs or was given up, and never what it carries."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from django_tasks_db.models import DBTaskResult

from core.admin_base import ReadOnlyAdmin

admin.site.unregister(DBTaskResult)


@admin.register(DBTaskResult)
class TaskAdmin(ReadOnlyAdmin):
    """Arguments hold encrypted mails; they are not even read from the database."""

    list_display = ("task_name", "status", "enqueued_at", "run_after", "finished_at")
    list_filter = ("status",)
    search_help_text = gettext_lazy("An id.")
    search_fields = ("task_path__iexact",)
    ordering = ("-enqueued_at", "-id")
    empty_hint = gettext_lazy(
        "Mails wait here to be sent. What is done is removed after a while, so that none is a good "
        "sign."
    )
    why_no_history = gettext_lazy(
        "A task has no history: its page says when it was queued, begun and finished."
    )
    sortable_by = ()
    fields = (
        "id", "task_name", "status", "queue_name", "enqueued_at", "run_after", "started_at",
        "finished_at", "exception_class_path",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[DBTaskResult[Any, Any]]:
        return super().get_queryset(request).defer("args_kwargs", "return_value", "traceback")

    @admin.display(description=gettext_lazy("task"))
    def task_name(self, row: DBTaskResult[Any, Any]) -> str:
        return str(row.task_path.rpartition(".")[2])
