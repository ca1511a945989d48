from rest_framework.routers import SimpleRouter

from groups.api.views import GroupViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("groups", GroupViewSet)

urlpatterns = router.urls
