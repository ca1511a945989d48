from django.urls import path
from rest_framework.routers import SimpleRouter

from items.api.bulk import ItemBulkViewSet
from items.api.history import ItemHistoryViewSet
from items.api.transfer import ItemTransferViewSet
from items.api.views import ItemViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("items", ItemViewSet)

urlpatterns = [
    path(
        "items/export.csv",
        ItemTransferViewSet.as_view({"get": "export_csv"}),
        name="item-export-csv",
    ),
    path(
        "items/export.jsonl",
        ItemTransferViewSet.as_view({"get": "export_jsonl"}),
        name="item-export-jsonl",
    ),
    path("items/import", ItemTransferViewSet.as_view({"post": "import_file"}), name="item-import"),
    path("items/bulk", ItemBulkViewSet.as_view({"post": "create"}), name="item-bulk"),
    path(
        "items/<uuid:pk>/history",
        ItemHistoryViewSet.as_view({"get": "list"}),
        name="item-history",
    ),
    *router.urls,
]
