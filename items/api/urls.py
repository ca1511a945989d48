from rest_framework.routers import SimpleRouter

from items.api.views import ItemViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("items", ItemViewSet)

urlpatterns = router.urls
