"""A TCP proxy that can stop passing bytes on without closing anything."""

import contextlib
import socket
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

# Sees what one connection's client sends; true: its server's answers are swallowed from then on.
Watch = Callable[[bytes], bool]


class Proxy:
    """`freeze` makes every connection half-open: nothing passes, nobody is told."""

    def __init__(self, target_port: int, watch: Callable[[], Watch] | None = None) -> None:
        self._target = ("127.0.0.1", target_port)
        self._watch = watch
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._is_frozen = False
        self.has_swallowed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def instead_of(self, address: str) -> str:
        """The database's `address`, with the proxy before it."""
        parts = urlsplit(address)
        user = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{user}@127.0.0.1:{self.port}").geturl()

    def freeze(self) -> None:
        self._is_frozen = True

    def close(self) -> None:
        self._listener.close()
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
                server = socket.create_connection(self._target)
            except OSError:
                return  # closed by the test, or the target is gone
            self._sockets += [client, server]
            is_muted = threading.Event()
            watch = self._watch() if self._watch else None
            for arguments in ((client, server, watch, is_muted), (server, client, None, is_muted)):
                threading.Thread(target=self._pass, args=arguments, daemon=True).start()

    def _pass(
        self,
        source: socket.socket,
        sink: socket.socket,
        watch: Watch | None,
        is_muted: threading.Event,
    ) -> None:
        is_client = watch is not None
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if watch is not None and watch(data):
                    is_muted.set()
                if not is_client and is_muted.is_set():
                    self.has_swallowed.set()
                elif not self._is_frozen:
                    sink.sendall(data)
            if not self._is_frozen:
                sink.shutdown(socket.SHUT_RDWR)
