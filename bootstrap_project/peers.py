"""Connections of this process's server, which gives them no end of its own: peers that stop sending, or reading.

The server hands over requests without their sockets. Linux lists a process's sockets with their peers, and says of each
when it last sent and received something; elsewhere nothing is found, and nothing is ended.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from bootstrap_project.addresses import read_address

_DESCRIPTORS: Final = Path("/proc/self/fd")
# `struct tcp_info` of linux/tcp.h: eight bytes, then words of four, in milliseconds here.
_LAST_DATA_SENT, _LAST_DATA_RECEIVED, _INFO_BYTES = 44, 52, 104


def stop_listening_to(address: str, *, silent_for: float) -> int:
    """End what arrives from `address` on connections that we owe an answer for so many seconds; return their number.

    What they were about to send is lost, what we still send them is not.
    """
    ended = 0
    wanted = read_address(address)
    if wanted is None:
        return 0
    # Ours to the database and to the platform may have the same peer.
    ports = {one.getsockname()[1] for one in _sockets() if _is_listening(one)}
    for connection in _sockets():
        with suppress(OSError, ValueError):
            is_accepted = connection.getsockname()[1] in ports and not _is_listening(connection)
            if (
                is_accepted
                and read_address(str(connection.getpeername()[0])) == wanted
                and _owed_for(connection) >= silent_for
            ):
                connection.shutdown(socket.SHUT_RD)
                ended += 1
    return ended


def end_those_who_do_not_read(seconds: float) -> int:
    """Have the kernel end connections whose peer takes nothing of an answer for so long; for those accepted later.

    Return how many sockets listen: none before the server has begun to.
    """
    found = 0
    for listener in _sockets():
        with suppress(OSError):
            if _is_listening(listener):
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
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


def _owed_for(connection: socket.socket) -> float:
    """Return for how many seconds nothing was sent though something came since; 0 where nothing is owed."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    sent, received = (struct.unpack_from("=I", info, at)[0] for at in (_LAST_DATA_SENT, _LAST_DATA_RECEIVED))
    # Within one millisecond both are possible; an idle connection that is ended for it costs its peer another one.
    return float(sent) / 1000 if received <= sent else 0.0
