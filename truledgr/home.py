from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_safe


@require_safe
def home(request: HttpRequest) -> HttpResponseRedirect:
    """Staff start in the admin, everybody else at the API's pages."""
    is_staff = request.user.is_authenticated and request.user.is_staff
    return redirect("admin:index" if is_staff else "api-docs")
