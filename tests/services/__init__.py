"""What tests start: a PostgreSQL, a browser, our own service as a process."""
