"""How a run asks the platform: with the service's own credential, over connections of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from bootstrap_project.deadline import deadline
from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.credential import with_service_token
from bootstrap_project.magistrala.factory import get_client
from bootstrap_project.magistrala.pooled import PooledConnections
from bootstrap_project.observability.metrics import observe_magistrala_request
from enrollments.binding.fetch import Fetched, ResourceRef, fetch
from enrollments.refresh.fetch import Fetch


@contextmanager
def service_fetch(workers: int) -> Iterator[Fetch]:
    """Yield what fetches a resource, for at most `workers` threads; the connections are closed behind the block.

    Raises: ImproperlyConfigured for an address that is none.
    """
    magistrala = MagistralaClient(
        get_client().urls,
        connect_timeout=float(settings.MG_CONNECT_TIMEOUT_SECONDS),
        read_timeout=float(settings.MG_READ_TIMEOUT_SECONDS),
        retries=int(settings.MG_RETRIES),
        max_body=int(settings.MG_MAX_ANSWER_BYTES),
        verify=settings.MG_CA_BUNDLE or True,
        session=PooledConnections(workers, max_body=int(settings.MG_MAX_ANSWER_BYTES)),
        observe=observe_magistrala_request,
    )

    def fetch_in_time(ref: ResourceRef) -> Fetched:
        with deadline(settings.PLATFORM_DEADLINE_SECONDS):
            return with_service_token(lambda token: fetch(ref, magistrala=magistrala, token=token))

    try:
        yield fetch_in_time
    finally:
        magistrala.close()
