"""Connections of this process's server, which gives those no end of its own whose peers stop reading, or are gone.

The server hands over requests without their sockets. Linux lists a process's sockets; elsewhere nothing is found, and
nothing is ended.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_DESCRIPTORS: Final = Path("/proc/self/fd")


#: When the kernel asks a silent peer whether it is still there, how often, and how many times in vain.
_ASK_AFTER_SECONDS, _ASK_AGAIN_SECONDS, _ASK_TIMES = 30, 10, 3


def end_those_who_do_not_read(seconds: float) -> int:
    """Have the kernel end connections whose peer takes nothing of an answer for so long; for those accepted later.

    Those as well whose peer is no longer there: a body that it began would be waited for for ever.
    Return how many sockets listen: none before the server has begun to.
    """
    found = 0
    for listener in _sockets():
        with suppress(OSError):
            if _is_listening(listener):
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _ASK_AFTER_SECONDS)
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _ASK_AGAIN_SECONDS)
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _ASK_TIMES)
                found += 1
    return found


def _sockets() -> Iterator[socket.socket]:
    with suppress(OSError):
        for entry in list(_DESCRIPTORS.iterdir()):
            with suppress(OSError):
                if not str(entry.readlink()).startswith("socket:"):
                    continue
                # A duplicate, so that closing it closes nobody's connection.
                with socket.socket(fileno=os.dup(int(entry.name))) as one:
                    if one.family in {socket.AF_INET, socket.AF_INET6} and one.type == socket.SOCK_STREAM:
                        yield one


def _is_listening(one: socket.socket) -> bool:
    return bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
