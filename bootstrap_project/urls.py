"""The route table: devices first, then operations, programs and people."""

from __future__ import annotations

from django.contrib import admin
from django.http import Http404
from django.urls import URLPattern, URLResolver, include, path, re_path

from bootstrap_project.api.docs import ApiDocsView, JsonDescriptionView, YamlDescriptionView, made_once
from bootstrap_project.api.errors import not_found
from bootstrap_project.observability.health import health, live
from bootstrap_project.observability.metrics_view import metrics_view

handler400 = "bootstrap_project.api.errors.bad_request"
handler403 = "bootstrap_project.api.errors.forbidden"
handler404 = "bootstrap_project.api.errors.not_found"
handler500 = "bootstrap_project.api.errors.internal_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("devices.urls")),
    re_path(r"^health/?$", health, name="health"),
    re_path(r"^health/live/?$", live, name="live"),
    re_path(r"^metrics/?$", metrics_view, name="metrics"),
    path("admin/", admin.site.urls),
    # What is no file there is nothing: no domain's either, which would be served without a place.
    re_path(r"^static(?:/|$)", not_found, {"exception": Http404()}, name="no-such-file"),
    path("api/openapi.json", made_once(JsonDescriptionView.as_view()), name="openapi"),
    path("api/openapi.yaml", made_once(YamlDescriptionView.as_view()), name="openapi-yaml"),
    path("api/", ApiDocsView.as_view(url_name="openapi"), name="api-docs"),
    path("", include("enrollments.urls")),
    path("", include("configs.urls")),
    path("", include("devices.attempts.urls")),
    path("", include("profiles.urls")),
]
