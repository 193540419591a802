"""Routes of configs; a slash at the end of the collection is taken too."""

from django.urls import re_path

from configs.views import ConfigViewSet

BASE = r"^(?P<domain_id>[^/]+)/clients/configs"
ITEM = rf"{BASE}/(?P<config_id>[^/]+)"

urlpatterns = [
    re_path(rf"{BASE}/?$", ConfigViewSet.as_view({"get": "list", "post": "create"}), name="config-list"),
    re_path(
        rf"{BASE}/certs/(?P<config_id>[^/]+)$",
        ConfigViewSet.as_view({"patch": "certificates"}),
        name="config-certificates",
    ),
    re_path(
        rf"{ITEM}$",
        ConfigViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "put": "update", "delete": "destroy"},
        ),
        name="config-detail",
    ),
    re_path(rf"{ITEM}/enable$", ConfigViewSet.as_view({"post": "enable"}), name="config-enable"),
    re_path(rf"{ITEM}/disable$", ConfigViewSet.as_view({"post": "disable"}), name="config-disable"),
    re_path(
        r"^(?P<domain_id>[^/]+)/clients/state/(?P<config_id>[^/]+)$",
        ConfigViewSet.as_view({"put": "set_state"}),
        name="config-state",
    ),
]
