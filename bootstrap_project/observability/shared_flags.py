"""Facts about a server that all of its processes know at once."""

from __future__ import annotations

import threading
from typing import Final

from bootstrap_project.shared_flag import SharedFlag

#: The server was told to stop: it is not ready for anything new, though it takes what still comes.
STOPPING: Final = SharedFlag()
#: The database lacks migrations, and that was logged.
LACKS_MIGRATIONS: Final = SharedFlag()
#: Some worker has looked what is missing for its work.
LOOKED_AROUND: Final = SharedFlag()
#: This worker, and no other one, is about to end: each process has its own after the fork.
LEAVING: Final = threading.Event()
