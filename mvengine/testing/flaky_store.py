"""An object store that fails: a proxy on loopback before a real (or simulated) one, to be given as its endpoint.

It hands every request on, but those that a test wants to fail::

    with FlakyStore("http://127.0.0.1:9000") as store:           # where moto or MinIO listens
        store.answer("/data/b.csv", status=503, times=3)         # the client tries three times by itself
        store.hang_up("/data/c.csv", times=3)
        con.execute(f"CREATE TABLE t (…) REFRESHABLE FROM 's3://data' WITH ('s3.endpoint_url' = '{store.url}', …)")

Names are globs over request paths, with the query where there is one (``/data*list-type*`` is listing).
"""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_HANG_UP = 0  # in the place of a status
_NOT_HANDED_ON = frozenset({"connection", "transfer-encoding", "content-length", "server", "date"})
_SECONDS_MAX = 60.0


@dataclass
class _Fault:
    pattern: str
    status: int
    after: int
    times: int


class FlakyStore:
    """The proxy, for as long as the block lasts."""

    def __init__(self, upstream: str) -> None:
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()
        self.requests: list[str] = []  # 'GET /data/b.csv', in the order in which they came
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, upstream))
        self._thread = threading.Thread(target=self._server.serve_forever, name="flaky-store", daemon=True)

    @property
    def url(self) -> str:
        """The endpoint to be declared."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, name: str, *, status: int = 503, times: int = 1, after: int = 0) -> None:
        """Requests are answered with an error: 503 means slow down, 500 an internal error, 403 forbidden."""
        self._add(name, status, times, after)

    def hang_up(self, name: str, *, times: int = 1, after: int = 0) -> None:
        """The connection is closed without an answer."""
        self._add(name, _HANG_UP, times, after)

    def _add(self, pattern: str, status: int, times: int, after: int) -> None:
        with self._lock:
            self._faults.append(_Fault(pattern=pattern, status=status, after=after, times=times))

    def fault_of(self, method: str, path: str) -> int | None:
        """The status that a request is to be refused with, if it is."""
        with self._lock:
            self.requests.append(f"{method} {path}")
            for fault in self._faults:
                if fault.times and fnmatchcase(path, fault.pattern):
                    if not fault.after:
                        fault.times -= 1
                        return fault.status
                    fault.after -= 1
        return None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(store: FlakyStore, upstream: str) -> type[BaseHTTPRequestHandler]:
    address = urlsplit(upstream).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status = store.fault_of(self.command, self.path)
            if status == _HANG_UP:
                self.close_connection = True
            elif status is not None:
                self._reply(status, [], b"")
            else:
                connection = http.client.HTTPConnection(address, timeout=_SECONDS_MAX)
                try:
                    connection.request(self.command, self.path, body, dict(self.headers.items()))
                    answer = connection.getresponse()
                    length = answer.getheader("content-length") if self.command == "HEAD" else None
                    self._reply(answer.status, answer.getheaders(), answer.read(), length)
                finally:
                    connection.close()

        def _reply(self, status: int, headers: list[tuple[str, str]], body: bytes, length: str | None = None) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _NOT_HANDED_ON:
                    self.send_header(name, value)
            self.send_header("content-length", length or str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - http.server finds them by these names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Says nothing: ``requests`` has it."""

    return Handler
