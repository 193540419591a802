"""The route of attempts, below the config that they are about."""

from django.urls import re_path

from devices.attempts.views import AttemptViewSet

urlpatterns = [
    re_path(
        r"^(?P<domain_id>[^/]+)/clients/configs/(?P<config_id>[^/]+)/attempts$",
        AttemptViewSet.as_view({"get": "list"}),
        name="config-attempts",
    ),
]
