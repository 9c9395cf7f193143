"""Packages and files from outside, kept in `.cache/`: fetched once, whole or not at all."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from getpass import getuser
from pathlib import Path

from rich.progress import Progress

from stylefuse.errors import UserError

CACHE = Path(os.environ.get("STYLEFUSE_CACHE", ".cache/downloads"))
TRIES = 3
TRY_AGAIN = 75  # exit code of what may pass when it is tried again
CHUNK = 1 << 20


def debian_package(package: str) -> Path:
    """A `.deb` file from the machine's own apt sources; needs no root.

    Args:
        package: `name=version`.

    Raises:
        UserError: apt is missing, or does not have this package in this version.
    """
    name, _, version = package.partition("=")
    pattern = f"{name}_{version.replace(':', '%3a')}_*.deb"
    return _fetch(pattern, lambda folder: _apt_download(package, folder), package)


def python_package(package: str, sha256: str | None = None) -> Path:
    """A wheel from the Python package index.

    Args:
        package: `name==version`.
        sha256: checksum of the wheel, checked where given.
    """
    name, _, version = package.partition("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    wheel = _fetch(pattern, lambda folder: _pip_download(package, folder), package)
    if sha256:
        _check(wheel, sha256, package)
    return wheel


def url_file(url: str, sha256: str) -> Path:
    """A file by address and checksum."""
    name = f"{sha256[:16]}-{url.rsplit('/', 1)[-1] or 'file'}"
    path = _fetch(name, lambda folder: _url_download(url, folder / name), url)
    _check(path, sha256, url)
    return path


def _fetch(pattern: str, download: Callable[[Path], None], what: str) -> Path:
    """The cached file that fits the pattern, downloaded into the cache where it is missing.

    A download works in a folder of its own and moves its one finished file into the cache.
    """
    if cached := sorted(CACHE.glob(pattern)):
        return cached[0]
    CACHE.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, TRIES + 1):
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="part-") as folder:
            try:
                download(Path(folder))
            except ConnectionError as error:
                if attempt == TRIES:
                    raise UserError(f"{what} cannot be fetched: {error}", TRY_AGAIN) from None
                time.sleep(2**attempt)
                continue
            finished = sorted(Path(folder).glob(pattern))
            if not finished:
                raise UserError(f"{what} was fetched, but no file like {pattern} came")
            return finished[0].replace(CACHE / finished[0].name)
    raise AssertionError("every try returns or raises")


def _apt_download(package: str, folder: Path) -> None:
    if not shutil.which("apt-get"):
        raise UserError(
            f"{package} is a Debian package, and this machine has no apt-get. Run on Debian 12, or "
            "replace this source in params.yaml by a folder of your own (kind: folder)"
        )
    lists = (CACHE / "apt-lists").resolve()
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    # package lists of our own, so that neither root nor a fresh `apt-get update` is needed
    cache = lists.with_name("apt-cache")
    (cache / "archives/partial").mkdir(parents=True, exist_ok=True)
    settings = (
        f"Dir::State::Lists={lists}",
        f"Dir::Cache={cache}",
        f"APT::Sandbox::User={getuser()}",
    )
    apt = ["apt-get", "--quiet", *(word for setting in settings for word in ("-o", setting))]
    if not any(lists.glob("*_Packages*")):
        updated = subprocess.run([*apt, "update"], capture_output=True, text=True)
        if updated.returncode or not any(lists.glob("*_Packages*")):
            raise ConnectionError(_last_line(updated.stderr) or "apt-get update got no lists")
    got = subprocess.run([*apt, "download", package], cwd=folder, capture_output=True, text=True)
    if got.returncode == 0:
        return
    if "was not found" in got.stderr or "Unable to locate" in got.stderr:
        shutil.rmtree(lists, ignore_errors=True)  # they may be old
        raise UserError(
            f"apt has no {package} on this machine ({_last_line(got.stderr)}). The default "
            "pictures are those of Debian 12; on another release change the version in "
            "params.yaml, or use a folder of your own (kind: folder)"
        )
    raise ConnectionError(_last_line(got.stderr))


def _pip_download(package: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
               "--no-deps", "--only-binary", ":all:", "--dest", str(folder), package]  # fmt: skip
    got = subprocess.run(command, capture_output=True, text=True)
    if got.returncode == 0:
        return
    if "No matching distribution" in got.stderr:
        raise UserError(
            f"the Python package index of this machine has no {package}; mend the name or the "
            "version in params.yaml, or point pip at an index that has it"
        )
    raise ConnectionError(_last_line(got.stderr))


def _url_download(url: str, path: Path) -> None:
    try:
        with (
            urllib.request.urlopen(url, timeout=60) as answer,
            path.open("wb") as file,
            Progress(transient=True) as progress,
        ):
            size = int(answer.headers.get("Content-Length") or 0) or None
            bar = progress.add_task(f"fetching {path.name}", total=size)
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                progress.advance(bar, len(chunk))
    except urllib.error.HTTPError as error:
        if error.code < 500:
            raise UserError(
                f"{url} answers {error.code}; mend the address in params.yaml"
            ) from None
        raise ConnectionError(str(error)) from None
    except (OSError, ValueError) as error:
        raise ConnectionError(str(error)) from None


def _check(path: Path, sha256: str, what: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        path.unlink()
        raise UserError(
            f"{what} is not the file that params.yaml describes: sha256 {found}, expected "
            f"{sha256}. If the change is right, write the new checksum into params.yaml"
        )


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line]
    return lines[-1] if lines else ""
