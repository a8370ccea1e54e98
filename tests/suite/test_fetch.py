"""Fetching: what comes is the known file or nothing, whatever the server does."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from servers import Answer, Server, drips, says, sends, sends_without_end, serve, stalls

from suite.catalog import DATASETS, MODELS
from suite.catalog.origins import HOST, Origin, of_dataset, of_models, origins
from suite.download import Patience
from suite.errors import SuiteError, UsageError
from suite.fetch import Fetched, fetch, find_host, is_there, pixel_digest, place
from tests.command import Done, environment, start_suite, suite

ROOT = Path(__file__).resolve().parents[2]
CONTENT = bytes(range(256)) * 1000
PATIENT = Patience(connect_s=60, silence_s=60, least_bytes_per_s=4096, retries=1)
QUICK = Patience(connect_s=60, silence_s=1, least_bytes_per_s=1e6, retries=1)
"""For servers that say nothing more."""


@pytest.fixture(autouse=True)
def straight(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no mirror, and no waiting between two attempts."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("SUITE_MIRROR", raising=False)
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda seconds: None))


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as one:
        yield one


def origin(name: str = "net.pth", content: bytes = CONTENT) -> Origin:
    return Origin(
        path=f"weights/NET/{name}",
        repository="https://github.com/someone/net",
        commit="c0ffee",
        source_path=f"models/{name}",
        licence="MIT",
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def png(image: np.ndarray, **options: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", **options)
    return stream.getvalue()


def photo(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def picture(name: str = "a.png", seed: int = 0) -> Origin:
    """An image of which only the pixels are known."""
    one = origin(name)
    pixels = pixel_digest(photo(seed))
    return dataclasses.replace(one, path=f"data/Set/HR/{name}", bytes=10_000, sha256="", pixels=pixels)


def bring(
    home: Path,
    server: Server,
    *wanted: Origin,
    answers: list[Answer] | None = None,
    patience: Patience = PATIENT,
) -> list[Fetched]:
    for one in wanted:
        if answers:
            server.answers[urlsplit(one.address()).path] = list(answers)
    return list(fetch(wanted, home, server.host, patience=patience))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# What comes


def test_a_file_comes_to_its_place_from_its_commit(server: Server, tmp_path: Path) -> None:
    (one,) = bring(tmp_path, server, origin(), answers=[sends(CONTENT)])
    assert one == Fetched(origin(), "fetched")
    assert server.asked == ["/someone/net/c0ffee/models/net.pth"]
    assert (tmp_path / "weights/NET/net.pth").read_bytes() == CONTENT
    assert (tmp_path / "weights/NET/net.pth").stat().st_mode & 0o777 == 0o644
    assert files(tmp_path) == ["weights/NET/net.pth"]


def test_a_file_that_is_there_is_not_asked_for(server: Server, tmp_path: Path) -> None:
    bring(tmp_path, server, origin(), answers=[sends(CONTENT)])
    (again,) = bring(tmp_path, server, origin())
    assert again.state == "there"
    assert len(server.asked) == 1


def test_a_damaged_file_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "weights/NET").mkdir(parents=True)
    (tmp_path / "weights/NET/net.pth").write_bytes(CONTENT[:100])
    (one,) = bring(tmp_path, server, origin(), answers=[sends(CONTENT)])
    assert one.state == "fetched"
    assert (tmp_path / "weights/NET/net.pth").read_bytes() == CONTENT


def test_progress_is_told_and_begins_anew_with_an_attempt(server: Server, tmp_path: Path) -> None:
    path = urlsplit(origin().address()).path
    server.answers[path] = [sends(CONTENT[:5000], declared=len(CONTENT)), sends(CONTENT)]
    told: list[int] = []
    list(fetch([origin()], tmp_path, server.host, lambda one, received: told.append(received), PATIENT))
    second = told.index(0, 1)
    assert told[second - 1] == 5000
    assert told[-1] == len(CONTENT)
    assert told[second:] == sorted(told[second:])


def test_a_file_without_a_declared_length_comes(server: Server, tmp_path: Path) -> None:
    def answer(request) -> None:  # type: ignore[no-untyped-def]
        request.send_response(200)
        request.end_headers()
        request.wfile.write(CONTENT)

    assert bring(tmp_path, server, origin(), answers=[answer])[0].state == "fetched"


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_a_server_in_trouble_is_asked_again(status: int, server: Server, tmp_path: Path) -> None:
    (one,) = bring(tmp_path, server, origin(), answers=[says(status), sends(CONTENT)])
    assert one.state == "fetched"
    assert len(server.asked) == 2


def test_a_redirection_is_followed(server: Server, tmp_path: Path) -> None:
    server.answers["/elsewhere"] = [sends(CONTENT)]
    (one,) = bring(tmp_path, server, origin(), answers=[says(302, {"Location": "/elsewhere"})])
    assert one.state == "fetched"


# What does not come


@pytest.mark.parametrize(
    ("answer", "problem", "attempts"),
    [
        (sends(CONTENT[:-1] + b"x"), "sends another file than the known one: nothing of it is kept", 2),
        (sends(CONTENT[:-1]), "sends another file than the known one", 2),
        (sends(b""), "sends another file than the known one", 2),
        (sends(CONTENT[:70_000], declared=len(CONTENT)), "stopped after 70,000 bytes of http", 2),
        (sends(CONTENT + b"x"), "sends more than the 256,000 bytes of the known file", 1),
        (sends_without_end, "sends more than the 256,000 bytes of the known file", 1),
        (says(404), "net.pth cannot be had: the server answers 404 Not Found.", 1),
        (says(403), "the server answers 403", 1),
        (says(204), "the server answers 204", 1),
        (says(500), "the server answers 500", 2),
        (says(503), "the server answers 503", 2),
        (says(302, {"Location": "http://example.org/net.pth"}), "which is not https: it is not followed", 1),
        (says(302, {"Location": "file:///etc/passwd"}), "file:///etc/passwd, which is not https", 1),
        (says(302, {"Location": "/someone/net/c0ffee/models/net.pth"}), "redirected more than 5 times", 1),
        (says(302), "the server answers 302", 1),
    ],
)
def test_a_bad_answer_is_said_in_one_sentence_and_nothing_is_kept(
    answer: Answer, problem: str, attempts: int, server: Server, tmp_path: Path
) -> None:
    (one,) = bring(tmp_path, server, origin(), answers=[answer])
    assert_refused(one, problem, tmp_path)
    assert len(server.asked) in (attempts, 6 * attempts)  # each redirection is a question too


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (stalls(600), "does not answer in time"),
        (stalls(600, b"x" * 100), "stopped after 100 bytes"),
        (drips(0.02), "stopped after"),
    ],
)
def test_a_server_that_takes_too_long_is_asked_once_more_and_given_up(
    answer: Answer, problem: str, server: Server, tmp_path: Path
) -> None:
    (one,) = bring(tmp_path, server, origin(), answers=[answer], patience=QUICK)
    assert_refused(one, problem, tmp_path)
    assert len(server.asked) == 2


def assert_refused(one: Fetched, problem: str, home: Path) -> None:
    assert one.state == "missing"
    assert problem in one.problem
    assert one.problem.endswith(".")
    assert "\n" not in one.problem
    assert files(home) == []


def test_what_was_in_its_place_stays_if_the_known_file_does_not_come(server: Server, tmp_path: Path) -> None:
    (tmp_path / "weights/NET").mkdir(parents=True)
    (tmp_path / "weights/NET/net.pth").write_bytes(b"mine")
    bring(tmp_path, server, origin(), answers=[sends(b"other")])
    assert (tmp_path / "weights/NET/net.pth").read_bytes() == b"mine"
    assert files(tmp_path) == ["weights/NET/net.pth"]


def test_one_file_that_fails_does_not_stop_the_others(server: Server, tmp_path: Path) -> None:
    good, bad = origin("good.pth"), origin("bad.pth")
    server.answers[urlsplit(good.address()).path] = [sends(CONTENT)]
    assert [one.state for one in bring(tmp_path, server, bad, good)] == ["missing", "fetched"]


def test_a_server_that_is_silent_is_not_asked_for_the_rest(server: Server, tmp_path: Path) -> None:
    wanted = [origin(f"{number}.pth") for number in range(5)]
    (tmp_path / "weights/NET").mkdir(parents=True)
    (tmp_path / "weights/NET/3.pth").write_bytes(CONTENT)
    found = bring(tmp_path, server, *wanted, answers=[stalls(600)], patience=QUICK)
    assert [one.state for one in found] == ["missing", "missing", "missing", "there", "missing"]
    assert len({one.problem for one in found if one.problem}) == 1
    assert len(server.asked) == 2


def test_no_server_at_all_is_said(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{unused.getsockname()[1]}"
        (one,) = fetch([origin()], tmp_path, host, patience=PATIENT)
    assert "cannot be reached" in one.problem
    assert "SUITE_MIRROR" in one.problem


def test_a_folder_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("a file where a folder must be")
    (one,) = bring(tmp_path, server, origin(), answers=[sends(CONTENT)])
    assert "cannot write" in one.problem
    assert files(tmp_path) == ["weights"]


def test_what_a_killed_process_left_behind_does_no_harm(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "data/Set/HR"
    folder.mkdir(parents=True)
    (folder / ".a.png.4711").write_bytes(b"half")
    (folder / "tmp0f3k").write_bytes(b"half")
    (one,) = bring(tmp_path, server, picture(), answers=[sends(png(photo()))])
    assert one.state == "fetched"
    assert is_there(picture(), tmp_path)


@pytest.mark.parametrize("path", ["/etc/passwd", "data/../../x", "..", "data\\..\\x"])
def test_no_path_leads_out_of_the_home(path: str, server: Server, tmp_path: Path) -> None:
    wanted = dataclasses.replace(origin(), path=path)
    with pytest.raises(SuiteError, match="leads out of the data home"):
        place(wanted, tmp_path)
    (one,) = bring(tmp_path, server, wanted, answers=[sends(CONTENT)])
    assert (one.state, server.asked) == ("missing", [])


# Images, whose pixels are what counts


@pytest.mark.parametrize("level", [0, 9])
def test_an_image_is_judged_by_its_pixels(level: int, server: Server, tmp_path: Path) -> None:
    answers = [sends(png(photo(), compress_level=level))]
    (one,) = bring(tmp_path, server, picture(), answers=answers)
    assert one.state == "fetched"


def test_an_image_with_other_pixels_is_not_kept(server: Server, tmp_path: Path) -> None:
    changed = photo()
    changed[3, 4, 1] ^= 1
    (one,) = bring(tmp_path, server, picture(), answers=[sends(png(changed))])
    assert "another file than the known one" in one.problem
    assert files(tmp_path) == []


def test_a_torn_image_is_not_kept(server: Server, tmp_path: Path) -> None:
    (one,) = bring(tmp_path, server, picture(), answers=[sends(png(photo())[:-30])])
    assert one.state == "missing"
    assert files(tmp_path) == []


def test_an_image_that_is_there_in_another_format_is_not_asked_for(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data/Set/HR").mkdir(parents=True)
    Image.fromarray(photo()).save(tmp_path / "data/Set/HR/a.webp", lossless=True)
    assert [one.state for one in bring(tmp_path, server, picture())] == ["there"]
    assert server.asked == []


def test_another_image_in_another_format_is_in_the_way(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data/Set/HR").mkdir(parents=True)
    Image.fromarray(photo(1)).save(tmp_path / "data/Set/HR/a.webp", lossless=True)
    (one,) = bring(tmp_path, server, picture(), answers=[sends(png(photo()))])
    assert "a.webp is not the known image: move it away to have a.png fetched." in one.problem
    assert files(tmp_path) == ["data/Set/HR/a.webp"]


def test_the_digest_of_pixels_is_that_of_size_and_rows() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert pixel_digest(image) == hashlib.sha256(b"2x2\n" + bytes(range(12))).hexdigest()
    assert pixel_digest(image) != pixel_digest(image.reshape(1, 4, 3))


# The table of addresses


def test_every_official_checkpoint_has_an_address_and_the_same_facts() -> None:
    for card in MODELS.values():
        for checkpoint in card.official.values():
            one = origins()[f"weights/{checkpoint.path}"]
            assert checkpoint.sha256 == (one.converted or one.sha256), card.name
            assert checkpoint.source.rstrip("/") == one.repository, card.name
            assert checkpoint.licence == one.licence, card.name


def test_every_image_of_a_test_set_has_an_address() -> None:
    for card in DATASETS.values():
        found = of_dataset(card)
        assert len(found) == (card.images if card.folder else 0)
        assert len({Path(one.path).stem for one in found}) == len(found)


def test_addresses_are_those_of_a_commit_and_paths_stay_in_the_home(tmp_path: Path) -> None:
    for one in origins().values():
        assert one.repository.startswith("https://github.com/")
        assert len(one.commit) == 40
        assert one.address().startswith(f"{HOST}/{one.repository.removeprefix('https://github.com/')}/")
        assert place(one, tmp_path).is_relative_to(tmp_path)
        assert bool(one.sha256) != bool(one.pixels)
        assert one.bytes > 0


def test_an_address_is_quoted() -> None:
    one = dataclasses.replace(origin(), source_path="a b/#1?.pth")
    assert one.address() == f"{HOST}/someone/net/c0ffee/a%20b/%231%3F.pth"


def test_the_files_of_the_data_home_are_those_of_the_table(home: Path) -> None:
    for one in [*of_models(MODELS.values()), *of_dataset(DATASETS["Set5"]), *of_dataset(DATASETS["Set14"])]:
        assert is_there(one, home), one.path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["B100", "B100_original", "Urban100"])
def test_the_large_sets_of_the_data_home_are_those_of_the_table(name: str, home: Path) -> None:
    for one in of_dataset(DATASETS[name]):
        assert is_there(one, home), one.path


# The mirror


def test_the_usual_server_is_asked_unless_a_mirror_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_host() == HOST
    monkeypatch.setenv("SUITE_MIRROR", "https://mirror.example.org/github/")
    assert find_host() == "https://mirror.example.org/github"
    assert origin().address(find_host()).startswith("https://mirror.example.org/github/someone/net/c0ffee/")


@pytest.mark.parametrize("mirror", ["mirror.example.org", "ftp://example.org", "file:///data", "https://"])
def test_a_mirror_that_is_no_address_is_wrong_usage(mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUITE_MIRROR", mirror)
    with pytest.raises(UsageError, match="SUITE_MIRROR is"):
        find_host()


# The command


def command(tmp_path: Path, *arguments: str, mirror: str = "http://127.0.0.1:9", status: int = 0) -> Done:
    return suite(tmp_path, "fetch", *arguments, status=status, variables={"SUITE_MIRROR": mirror})


def stock(server: Server, home: Path, wanted: list[Origin]) -> None:
    """Serve files of the data home under their addresses; images packed anew, as their source has them."""
    for one in wanted:
        (file,) = place(one, home).parent.glob(f"{Path(one.path).stem}.*")
        content = png(np.asarray(Image.open(file))) if one.pixels else file.read_bytes()
        server.answers[urlsplit(one.address()).path] = [sends(content)]


def test_models_are_fetched_once_and_their_terms_are_said_first(
    server: Server, home: Path, tmp_path: Path
) -> None:
    stock(server, home, of_models([MODELS["rfdn"]]))
    done = command(tmp_path, "models", "rfdn", mirror=server.host)
    lines = done.stdout.splitlines()
    assert "RFDN: 1 file, 1.8 MB, https://github.com/njulj/RFDN, licence: MIT" in lines
    assert lines.index("RFDN: 1 fetched") > lines.index(
        "The files belong to their authors: use them on the terms of the repositories named."
    )
    assert "weights/RFDN/RFDN_AIM.pth" in done.stderr
    assert "RFDN: 1 there already" in command(tmp_path, "models", "rfdn", mirror=server.host).stdout
    assert len(server.asked) == 1


def test_a_test_set_is_fetched_and_checked_as_a_whole(server: Server, home: Path, tmp_path: Path) -> None:
    stock(server, home, of_dataset(DATASETS["Set5"]))
    done = command(tmp_path, "datasets", "set5", mirror=server.host)
    assert "Set5: 5 fetched" in done.stdout
    assert "Set5: the known copy, pixel by pixel" in done.stdout
    Image.new("RGB", (24, 24)).save(tmp_path / "home/data/Set5/HR/more.png")
    again = command(tmp_path, "datasets", "Set5", mirror=server.host, status=1)
    assert "Set5: 5 there already" in again.stdout
    assert "holds 6 images; Set5 has 5" in again.stderr


def test_what_fails_is_named_and_the_rest_is_kept(server: Server, home: Path, tmp_path: Path) -> None:
    wanted = of_dataset(DATASETS["Set5"])
    stock(server, home, wanted)
    server.answers[urlsplit(wanted[0].address()).path] = [sends(png(photo()))]
    server.answers[urlsplit(wanted[1].address()).path] = [says(404)]
    done = command(tmp_path, "datasets", "Set5", mirror=server.host, status=1)
    assert "Set5: 3 fetched, 2 missing" in done.stdout
    assert "baby.png sends another file than the known one" in done.stderr
    assert "bird.png cannot be had: the server answers 404" in done.stderr
    assert len(files(tmp_path / "home")) == 3


@pytest.mark.parametrize(("sign", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_command_leaves_no_damage_and_goes_on(
    sign: signal.Signals, status: int, server: Server, home: Path, tmp_path: Path
) -> None:
    wanted = of_dataset(DATASETS["Set5"])
    stock(server, home, wanted)
    path = urlsplit(wanted[2].address()).path
    server.answers[path] = [stalls(600, b"x" * 1000), *server.answers[path]]
    variables = environment(tmp_path, {"SUITE_MIRROR": server.host})
    with start_suite("fetch", "datasets", "Set5", environment=variables) as process:
        while path not in server.asked:
            assert not process.ended(0.05)
        process.send_signal(sign)
        done = process.wait()
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert ("the same command goes on from here" in done.stderr) == (sign == signal.SIGINT)
    assert [is_there(one, tmp_path / "home") for one in wanted] == [True, True, False, False, False]
    done = command(tmp_path, "datasets", "Set5", mirror=server.host)
    assert "Set5: 2 there already, 3 fetched" in done.stdout
    assert "Set5: the known copy, pixel by pixel" in done.stdout


def test_offline_opens_no_connection_and_says_what_is_missing(server: Server, tmp_path: Path) -> None:
    done = command(tmp_path, "models", "rfdn", "--offline", mirror=server.host, status=1)
    assert server.asked == []
    assert "weights/RFDN/RFDN_AIM.pth is missing; it is at http" in done.stderr
    assert "0 files there, 1 missing" in done.stdout


def test_offline_is_content_with_what_is_there(home: Path, tmp_path: Path) -> None:
    done = command(tmp_path, "models", "rfdn", "imdn", "--offline", "--home", str(home))
    assert "4 files there, 0 missing; no connection was opened." in done.stdout


def test_no_name_means_all(tmp_path: Path) -> None:
    done = command(tmp_path, "models", "--offline", status=1)
    for card in MODELS.values():
        for checkpoint in card.official.values():
            assert f"weights/{checkpoint.path} is missing" in done.stderr
    assert "has no official weights" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["models", "bsnr"], 2, "unknown model 'bsnr': did you mean 'bsrn'?"),
        (["datasets", "Set6"], 2, "unknown dataset 'Set6': did you mean 'Set5'?"),
        (["weights"], 2, "invalid choice"),
        (["models", "rfdn-dsconv"], 1, "rfdn-dsconv has no official weights to fetch."),
        (["models", "bicubic"], 0, "bicubic has no parameters."),
        (["datasets", "photos"], 0, "photos comes with scikit-image."),
    ],
)
def test_names_that_need_no_server(arguments: list[str], status: int, said: str, tmp_path: Path) -> None:
    done = command(tmp_path, *arguments, status=status)
    assert said in done.stdout + done.stderr
