"""Routes of profiles; a slash at the end of the collection is taken too."""

from django.urls import re_path

from profiles.views import ProfileUploadViewSet, ProfileViewSet

BASE = r"^(?P<domain_id>[^/]+)/clients/bootstrap/profiles"

urlpatterns = [
    re_path(rf"{BASE}/?$", ProfileViewSet.as_view({"get": "list", "post": "create"}), name="profile-list"),
    re_path(rf"{BASE}/upload$", ProfileUploadViewSet.as_view({"post": "upload"}), name="profile-upload"),
    re_path(
        rf"{BASE}/(?P<profile_id>[^/]+)$",
        ProfileViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="profile-detail",
    ),
    re_path(rf"{BASE}/(?P<profile_id>[^/]+)/slots$", ProfileViewSet.as_view({"get": "slots"}), name="profile-slots"),
]
