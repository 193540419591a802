"""Background work: what takes longer than a request, with progress, a result, a way to cancel it, and resumption.

A task is a function under `@background` (see `tasks`). `services.start` writes a `Run` and queues it, and `manage.py
worker` works on the queue. The queue is Django's Tasks interface with the database as its backend; people see runs.
"""
