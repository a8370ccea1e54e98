"""One file from a server: bounded in size and time, checked before it is kept."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from suite.errors import SuiteError
from suite.files import atomically

if TYPE_CHECKING:
    import requests

MAX_REDIRECTS = 5
BLOCK = 1 << 16
BUSY = frozenset({429, 503})
"""Statuses of a server that wants to be left alone for a while."""
PASSING = BUSY | {408, 425, 500, 502, 504}
"""Statuses that may be others when the server is asked again."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for."""

    connect_s: float = 10.0
    silence_s: float = 20.0
    """The longest time without a single byte."""
    least_bytes_per_s: float = 4096.0
    """A file takes ``silence_s`` and its size at this rate at the longest."""
    retries: int = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for and how it is judged."""

    address: str
    bytes: int
    """The most that is taken; a server that sends more is cut off."""
    sha256: str = ""
    check: Callable[[Path], bool] | None = None
    """Judges the downloaded file where its digest is not known."""
    plain_host: str = ""
    """``host:port`` that may be asked without encryption: a mirror that the user named."""


class Unreachable(SuiteError):
    """The server does not answer: asking it for more files has no use."""


def download(
    wanted: Wanted,
    target: Path,
    session: requests.Session,
    patience: Patience,
    say: Callable[[int], None] = lambda received: None,
) -> None:
    """Fetch a file, check it, and put it in its place in one step.

    ``say`` is told the bytes that have come so far; after a failed attempt they begin at zero again. Raises
    `SuiteError` if the file cannot be had or is not the one that is wanted (nothing of it is kept, what was
    in its place stays), `Unreachable` if the server does not answer at all.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)

    def write(temporary: Path) -> None:
        registry = pooch.create(
            path=temporary.parent,
            base_url="",
            registry={temporary.name: f"sha256:{wanted.sha256}" if wanted.sha256 else None},
            urls={temporary.name: wanted.address},
            retry_if_failed=patience.retries,
        )
        server = _Server(wanted, session, patience, say)
        try:
            registry.fetch(temporary.name, downloader=server)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise Unreachable(_why(wanted, server, error)) from None
        except requests.RequestException as error:
            busy = error.response is not None and error.response.status_code in BUSY
            kind = Unreachable if busy else SuiteError
            raise kind(f"{wanted.address} cannot be had: {error}.") from None
        except ValueError:  # what pooch says of a wrong digest
            raise SuiteError(
                f"{wanted.address} sends another file than the known one: nothing of it is kept."
            ) from None

    atomically(target, write)


def _why(wanted: Wanted, server: _Server, error: Exception) -> str:
    import requests

    host = urlsplit(wanted.address).netloc
    if server.received:
        return f"{host} stopped after {server.received:,} bytes of {wanted.address}: call again later."
    if isinstance(error, requests.Timeout):
        return f"{host} does not answer in time ({wanted.address}): call again later."
    return f"{host} cannot be reached ({wanted.address}): look at the connection, or set SUITE_MIRROR."


class _Server:
    """Downloads for pooch, which gives the address and a temporary file, and asks again after a failure."""

    def __init__(
        self, wanted: Wanted, session: requests.Session, patience: Patience, say: Callable[[int], None]
    ) -> None:
        self._wanted = wanted
        self._session = session
        self._patience = patience
        self._say = say
        self.received = 0
        """Bytes of the latest attempt."""

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        self.received = 0
        self._say(0)
        with contextlib.closing(self._open(url)) as response, Path(output_file).open("wb") as stream:
            for block in self._blocks(response):
                stream.write(block)
        if self._wanted.check is not None and not self._wanted.check(Path(output_file)):
            raise ValueError("not the image that is wanted")

    def _open(self, url: str) -> requests.Response:
        """The answer that carries the file. Redirections are followed here, so that each is judged."""
        import requests

        for _ in range(MAX_REDIRECTS + 1):
            self._judge(url)
            response = self._session.get(
                url,
                stream=True,
                allow_redirects=False,
                headers={"Accept-Encoding": "identity"},  # so that its size is that of the file
                timeout=(self._patience.connect_s, self._patience.silence_s),
            )
            if response.status_code == 200:
                return response
            response.close()
            if response.is_redirect:
                url = urljoin(url, response.headers["Location"])
                continue
            status = f"the server answers {response.status_code} {response.reason}".rstrip()
            if response.status_code in PASSING:
                raise requests.HTTPError(status, response=response)
            raise SuiteError(f"{url} cannot be had: {status}.")
        raise SuiteError(f"{self._wanted.address} is redirected more than {MAX_REDIRECTS} times.")

    def _judge(self, url: str) -> None:
        parts = urlsplit(url)
        plain = parts.scheme == "http" and parts.netloc == self._wanted.plain_host
        if parts.scheme != "https" and not plain:
            raise SuiteError(
                f"{self._wanted.address} leads to {url}, which is not https: it is not followed."
            )

    def _blocks(self, response: requests.Response) -> Iterator[bytes]:
        """What the server sends. Raises a request's error for too little, `SuiteError` for too much."""
        import requests
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        wanted = self._wanted
        end = time.monotonic() + self._patience.silence_s + wanted.bytes / self._patience.least_bytes_per_s
        declared = response.headers.get("Content-Length", "")
        while True:
            try:
                block = response.raw.read1(BLOCK, decode_content=False)
            except ReadTimeoutError:
                raise requests.Timeout("silent") from None
            except (HTTPError, OSError) as error:
                raise requests.ConnectionError(str(error)) from None
            if not block:
                break
            self.received += len(block)
            if self.received > wanted.bytes:
                raise SuiteError(
                    f"{wanted.address} sends more than the {wanted.bytes:,} bytes of the known file: "
                    "nothing of it is kept."
                )
            if time.monotonic() > end:
                raise requests.Timeout("slow")
            self._say(self.received)
            yield block
        if declared.isdecimal() and self.received < int(declared):
            raise requests.ConnectionError("cut off")
