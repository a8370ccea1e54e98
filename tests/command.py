"""The command line as a user calls it, in a process of its own, without the wait for PyTorch's import.

``python -m suite`` takes seconds to import packages before it does anything. A server (this file as a
script) imports them once, none of the suite's modules among them, and a process that it forks becomes the
called one: what that prints, its exit status and its end by a signal are those of ``python -m suite``.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import multiprocessing.process
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    *("torch", "torch._dynamo", "torch.fx", "numpy", "scipy.signal", "scipy.stats", "pandas"),
    *("skimage.data", "PIL.Image", "fvcore.nn", "ptflops", "safetensors.torch", "jinja2", "markupsafe"),
    *("rich.console", "rich.progress", "rich.table", "tabulate", "platformdirs", "requests", "pooch"),
)
LONGEST_S = 600.0
"""The time after which a call is taken for hanging."""

Done = subprocess.CompletedProcess[str]
Variables = dict[str, str]
"""Environment variables."""
USUAL: Variables = {"COLUMNS": "160"}


@dataclass(frozen=True)
class DefaultRun:
    """``run --models bicubic --effort quick`` in a folder without data: every measure of a network."""

    place: Path
    errors: str

    @property
    def records(self) -> list[str]:
        """The lines of its records."""
        return (self.place / "runs/default/records.jsonl").read_text(encoding="utf-8").splitlines()


def suite(place: Path, *arguments: str | Path, status: int = 0, variables: Variables = USUAL) -> Done:
    """A call in a folder that ends with this status and without a traceback; see `environment`."""
    done = call_suite(*arguments, cwd=place, environment=environment(place, variables))
    assert done.returncode == status, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def environment(place: Path, variables: Variables = USUAL) -> Variables:
    """The environment of such a call: the data home is an empty folder, ``home``, unless it is another."""
    home = place / "home"
    if "SUITE_HOME" not in variables:
        home.mkdir(exist_ok=True)
    return os.environ | {"SUITE_HOME": str(home), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"} | variables


def call_suite(*arguments: str | Path, cwd: Path | None = None, environment: Variables | None = None) -> Done:
    """``python -m suite ARGUMENTS``, by default in this folder and environment."""
    with start_suite(*arguments, cwd=cwd, environment=environment) as started:
        return started.wait()


@dataclass
class Started:
    """A call that runs; leaving it as a context manager kills it."""

    number: int
    """The process."""
    _words: list[str]
    _folder: tempfile.TemporaryDirectory[str]
    """Where its standard output and standard error are written."""
    _status: IO[str]
    """Tells how it ended."""
    _done: Done | None = None

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *error: object) -> None:
        if self._done is None:
            self.send_signal(signal.SIGKILL)
            self.wait()
        self._status.close()
        self._folder.cleanup()

    def send_signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.number, number)

    def ended(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        return self._done is not None or bool(select.select([self._status], [], [], seconds)[0])

    def wait(self, seconds: float = LONGEST_S) -> Done:
        """How it ended and what it said. Raises ``subprocess.TimeoutExpired`` where it does not end."""
        if not self.ended(seconds):
            raise subprocess.TimeoutExpired(self._words, seconds)
        if self._done is None:
            said = (Path(self._folder.name, name).read_text(encoding="utf-8") for name in ("out", "err"))
            self._done = Done(self._words, int(self._status.read()), *said)
        return self._done


def start_suite(
    *arguments: str | Path,
    cwd: Path | None = None,
    environment: Variables | None = None,
    largest_file: int | None = None,
) -> Started:
    """Begin such a call, in a session of its own; no file of it may have more bytes than ``largest_file``."""
    folder = tempfile.TemporaryDirectory()
    os.mkfifo(Path(folder.name, "status"))
    words = ["suite", *map(str, arguments)]
    request = {
        "words": words,
        "folder": folder.name,
        "cwd": str(cwd or Path.cwd()),
        "environment": dict(os.environ if environment is None else environment),
        "largest_file": largest_file,
    }
    status = os.open(Path(folder.name, "status"), os.O_RDONLY | os.O_NONBLOCK)
    server = _server()
    assert server.stdin is not None
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    while not select.select([status], [], [], 1)[0]:
        assert server.poll() is None, f"the server of {__file__} has ended"
    os.set_blocking(status, True)
    told = os.fdopen(status, buffering=1)
    return Started(int(told.readline()), words, folder, told)


_servers: dict[int, subprocess.Popen[str]] = {}
"""The server of each process of this one's that called the suite."""


def _server() -> subprocess.Popen[str]:
    """Reads requests from its standard input."""
    server = _servers.get(os.getpid())
    if server is None or server.poll() is not None:
        server = subprocess.Popen([sys.executable, str(Path(__file__))], stdin=subprocess.PIPE, text=True)
        _servers[os.getpid()] = server
    return server


def _serve() -> None:
    """Fork for every line of standard input; return in the called processes alone."""
    for package in PACKAGES:
        importlib.import_module(package)
    gc.freeze()  # else whoever collects garbage copies the memory of all this
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the tests': this ends with them
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            request = json.loads(line)
            process = os.fork()
            if process == 0:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                _become(request)
                return
            with open(Path(request["folder"], "status"), "w", buffering=1) as status:
                print(process, file=status)
                print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), file=status)
            os._exit(0)
    os._exit(0)


def _become(request: dict[str, Any]) -> None:
    """Make this process what the called one is before its first line."""
    os.setsid()
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    multiprocessing.process.ORIGINAL_DIR = request["cwd"]  # type: ignore[attr-defined]
    more = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[0:1] = [request["cwd"], *filter(None, more)]
    sys.argv = request["words"]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in enumerate(("out", "err"), 1):
        os.dup2(os.open(Path(request["folder"], name), os.O_WRONLY | os.O_CREAT, 0o600), number)
    if request["largest_file"] is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest_file"],) * 2)


def _end(status: object) -> None:
    """End as ``sys.exit`` does, but for taking to pieces all that was imported, which takes long."""
    if isinstance(status, str):
        print(status, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    _serve()
    try:
        runpy.run_module("suite", run_name="__main__", alter_sys=True)
        _end(None)
    except SystemExit as end:
        _end(end.code)
