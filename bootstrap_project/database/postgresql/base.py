"""Django's PostgreSQL, counted for /metrics, and with limits to what requests wait for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import psycopg
from django.db import NotSupportedError, OperationalError
from django.db.backends.postgresql.base import DatabaseWrapper as DjangosWrapper
from django_prometheus.db import connection_errors_total, connections_total
from django_prometheus.db.backends.postgresql import base
from psycopg_pool import PoolTimeout

from bootstrap_project.database.time_limit import ANSWER_SECONDS, TimedConnection, answer_seconds_left

#: What is said where as many requests as there are connections ask the database.
ALL_IN_USE: Final = "all connections of the pool are in use"

# The driver takes less for this.
_MIN_CONNECT_SECONDS: Final = 2


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # It carries no types.
    """Connections that are opened and waited on for no longer than there is time.

    `TIME_LIMITS` of the settings, by name of PostgreSQL's, is said on each new connection: by a statement, since
    poolers refuse such a parameter as a connection starts. One that hands each transaction another connection would
    pass it on to others, so nothing is said where nothing may be prepared for that reason.
    """

    Database = SimpleNamespace(**vars(psycopg) | {"connect": TimedConnection.connect})

    def check_database_version_supported(self) -> None:
        """Look at the server's version; a connection to one that is too old is closed, or it would be used next."""
        try:
            super().check_database_version_supported()
        except NotSupportedError:
            self.close()
            raise

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, or take a connection of the pool."""
        if self.pool is not None:
            return self._take_of_pool(conn_params)
        left = answer_seconds_left() - ANSWER_SECONDS
        if left < conn_params.get("connect_timeout", 0):
            if left < _MIN_CONNECT_SECONDS:
                raise OperationalError("no time is left to connect")
            conn_params = conn_params | {"connect_timeout": int(left)}
        return super().get_new_connection(conn_params)

    def _take_of_pool(self, conn_params: dict[str, Any]) -> Any:
        try:
            # Taking one is no new connection, which is what would be counted on the way there.
            return DjangosWrapper.get_new_connection(self, conn_params)
        except PoolTimeout as error:
            if self.pool.get_stats()["pool_size"] < self.pool.max_size:
                connection_errors_total.labels(self.alias, self.vendor).inc()
                raise
            raise psycopg.OperationalError(ALL_IN_USE) from error

    def _configure_connection(self, connection: Any) -> bool:
        if self.pool is not None:
            connections_total.labels(self.alias, self.vendor).inc()
        has_changed: bool = super()._configure_connection(connection)
        limits = self.settings_dict.get("TIME_LIMITS") or {}
        if not limits or connection.prepare_threshold is None:
            return has_changed
        for name, seconds in limits.items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, f"{round(1000 * seconds)}ms"])
        return True
