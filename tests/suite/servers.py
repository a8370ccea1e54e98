"""A server on this machine that answers as a test wants, well or badly."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """What it serves, and the paths that it was asked for."""

    def __init__(self, host: str) -> None:
        self.host = host
        """Scheme, name and port."""
        self.answers: dict[str, list[Answer]] = {}
        """Answers by path; of several, each but the last is given once."""
        self.asked: list[str] = []


def sends(content: bytes, *, declared: int | None = None) -> Answer:
    """The content, under a length that may be another; then the connection is closed."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content) if declared is None else declared))
        request.end_headers()
        request.wfile.write(content)

    return answer


def sends_without_end(request: BaseHTTPRequestHandler) -> None:
    """Bytes for as long as anybody reads, under no length."""
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(bytes(1 << 16))


def drips(pause_s: float) -> Answer:
    """One byte at a time with pauses."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(b"x")
            time.sleep(pause_s)

    return answer


def stalls(seconds: float, content: bytes = b"") -> Answer:
    """Begins to send and then says nothing more."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        request.wfile.write(content)
        time.sleep(seconds)

    return answer


def says(status: int, headers: Mapping[str, str] | None = None) -> Answer:
    """A status without content."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": "0", **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()

    return answer


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    """A server in a thread, for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            answers = server.answers.get(self.path, [says(404)])
            self.close_connection = True
            with contextlib.suppress(OSError):  # the reader has seen enough
                (answers.pop(0) if len(answers) > 1 else answers[0])(self)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: the test looks at ``asked``."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        listener.block_on_close = False
        server = Server(f"http://127.0.0.1:{listener.server_port}")
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
