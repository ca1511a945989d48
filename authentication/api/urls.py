from rest_framework.routers import SimpleRouter

from authentication.api.password_resets import PasswordResetViewSet
from authentication.api.views import TokenViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("me/tokens", TokenViewSet)
router.register("me/password-resets", PasswordResetViewSet)

urlpatterns = router.urls
