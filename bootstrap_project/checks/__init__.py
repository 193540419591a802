"""System checks: what `manage.py check` finds before anyone is hurt by it.

Importing this registers those that ask no other service; the command registers `platform`'s.
"""

from bootstrap_project.checks import configuration, migrations, stored_keys  # noqa: F401
