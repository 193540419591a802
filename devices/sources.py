"""Where a device's call comes from; what is known of it lies below, where the admin's login asks the same."""

from bootstrap_project.observability.sources import limited_source, source_of

__all__ = ["limited_source", "source_of"]
