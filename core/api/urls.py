from django.urls import path

from core.api.audit import AuditViewSet

urlpatterns = [
    path("audit", AuditViewSet.as_view({"get": "list"}), name="audit-list"),
    path(
        "audit/export.csv",
        AuditViewSet.as_view({"get": "export_csv"}),
        name="audit-export-csv",
    ),
    path(
        "audit/export.jsonl",
        AuditViewSet.as_view({"get": "export_jsonl"}),
        name="audit-export-jsonl",
    ),
    path(
        "audit/<int:pk>",
        AuditViewSet.as_view({"get": "retrieve"}, detail=True),
        name="audit-detail",
    ),
]
