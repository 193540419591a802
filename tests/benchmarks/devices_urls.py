"""The product's routes, and what a device call is compared with: a constant, and one row as JSON."""

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from bootstrap_project import urls

_ROW = "SELECT id, external_id, name, status FROM configs_config WHERE MD5(external_id) = MD5(%s)"


def constant(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


def row(request: HttpRequest, external_id: str) -> HttpResponse:
    if connection.connection is not None:
        # As on the device's path: without the round trip that asks a kept connection whether it still lives.
        connection.health_check_done = True  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute(_ROW, [external_id])
        found = cursor.fetchone()
    return JsonResponse({"id": str(found[0]), "external_id": found[1], "name": found[2], "status": found[3]})


urlpatterns = [
    # Behind the first routes and before the others, as the devices' own.
    *urls.urlpatterns[:1],
    path("bench/constant", constant),
    path("bench/row/<str:external_id>", row),
    *urls.urlpatterns[1:],
]
