"""Routes for devices. An id is one path segment, so that nothing but an id can stand there."""

from django.urls import path

from devices.views import bootstrap_by_external_id, bootstrap_by_external_key, bootstrap_secure

urlpatterns = [
    path("clients/bootstrap/<str:external_id>", bootstrap_by_external_id, name="device-bootstrap"),
    path("clients/bootstrap", bootstrap_by_external_key, name="device-bootstrap-by-key-bare"),
    path("clients/bootstrap/", bootstrap_by_external_key, name="device-bootstrap-by-key"),
    path("clients/bootstrap/secure/<str:external_id>", bootstrap_secure, name="device-bootstrap-secure"),
]
