"""The paths of enrollments; each is taken with and without a slash at its end."""

from django.urls import re_path

from enrollments.previews.views import PreviewViewSet
from enrollments.views import EnrollmentViewSet

_ENROLLMENT = r"^(?P<domain_id>[^/]+)/clients/bootstrap/enrollments/(?P<config_id>[^/]+)"

urlpatterns = [
    re_path(rf"{_ENROLLMENT}/profile/?$", EnrollmentViewSet.as_view({"patch": "assign"}), name="enrollment-profile"),
    re_path(
        rf"{_ENROLLMENT}/bindings/?$",
        EnrollmentViewSet.as_view({"put": "bind", "get": "bindings"}),
        name="enrollment-bindings",
    ),
    re_path(
        rf"{_ENROLLMENT}/bindings/refresh/?$",
        EnrollmentViewSet.as_view({"post": "refresh"}),
        name="enrollment-bindings-refresh",
    ),
    re_path(
        r"^(?P<domain_id>[^/]+)/clients/bootstrap/profiles/(?P<profile_id>[^/]+)/render-preview$",
        PreviewViewSet.as_view({"post": "preview"}),
        name="profile-preview",
    ),
]
