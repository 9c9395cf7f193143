"""Downloads of packages and files into the cache; a cached file is not fetched again."""

import glob
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
from stylefuse.fileio import sha256 as sha256_of

CACHE = Path(os.environ.get("STYLEFUSE_CACHE", ".cache/downloads"))
MAX_TRIES = 3
TRY_AGAIN = 75  # exit code of failures that may pass when tried again
URL_TIMEOUT_S = 60
MAX_DOWNLOAD_BYTES = 8 << 30
MIN_BYTES_PER_S = 10_000  # on average, after the first minute
CHUNK_BYTES = 1 << 20


def debian_package(package: str) -> Path:
    """A `.deb` file from the machine's own apt sources; needs no root.

    Args:
        package: `name=version`.

    Raises:
        UserError: apt is missing, or does not have this version of the package.
    """
    name, _, version = package.partition("=")
    pattern = f"{name}_{version.replace(':', '%3a')}_*.deb"
    return _fetch(pattern, lambda folder: _apt_download(package, folder), package)


def python_package(package: str, sha256: str | None = None) -> Path:
    """A wheel from the Python package index.

    Args:
        package: `name==version`.
        sha256: expected checksum of the wheel, if any.

    Raises:
        UserError: the index does not have this version, or its checksum differs.
    """
    name, _, version = package.partition("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    wheel = _fetch(pattern, lambda folder: _pip_download(package, folder), package)
    if sha256:
        _check(wheel, sha256, package)
    return wheel


def url_file(url: str, sha256: str) -> Path:
    """A file from a URL.

    Args:
        url: of the file.
        sha256: its expected checksum.

    Raises:
        UserError: the server does not have the file, or its checksum differs.
    """
    name = f"{sha256[:16]}-{url.rsplit('/', 1)[-1] or 'file'}"
    pattern = glob.escape(name)
    path = _fetch(pattern, lambda folder: _url_download(url, folder / name), url)
    _check(path, sha256, url)
    return path


def _fetch(pattern: str, download: Callable[[Path], None], name: str) -> Path:
    """The cached file that matches the pattern; it is downloaded where it is missing.

    `download` writes to a temporary folder, from which the finished file is moved into the cache.
    """
    if cached := sorted(CACHE.glob(pattern)):
        return cached[0]
    CACHE.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, MAX_TRIES + 1):
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="part-") as folder:
            try:
                download(Path(folder))
            except ConnectionError as error:
                if attempt == MAX_TRIES:
                    message = f"{name} cannot be fetched: {error}"
                    raise UserError(message, TRY_AGAIN, code="download-failed") from None
                time.sleep(2**attempt)
                continue
            files = sorted(Path(folder).glob(pattern))
            if not files:
                message = f"{name} was fetched, but the download has no file {pattern}"
                raise UserError(message, code="download-unexpected")
            return files[0].replace(CACHE / files[0].name)
    raise AssertionError("every try returns or raises")


def _apt_download(package: str, folder: Path) -> None:
    if not shutil.which("apt-get"):
        raise UserError(
            f"{package} is a Debian package, and this machine has no apt-get. Run on Debian 12, or "
            "replace this source in params.yaml by a folder of your own (kind: folder)",
            code="apt-missing",
        )
    # With package lists of its own it needs neither root nor a recent `apt-get update`.
    lists = (CACHE / "apt-lists").resolve()
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    cache = lists.with_name("apt-cache")
    (cache / "archives/partial").mkdir(parents=True, exist_ok=True)
    settings = (
        f"Dir::State::Lists={lists}",
        f"Dir::Cache={cache}",
        f"APT::Sandbox::User={getuser()}",
    )
    apt = ["apt-get", "--quiet", *(word for setting in settings for word in ("-o", setting))]
    if not any(lists.glob("*_Packages*")):
        update = subprocess.run([*apt, "update"], capture_output=True, text=True)
        if update.returncode or not any(lists.glob("*_Packages*")):
            raise ConnectionError(_last_line(update.stderr) or "apt-get update got no lists")
    result = subprocess.run([*apt, "download", package], cwd=folder, capture_output=True, text=True)
    if result.returncode == 0:
        return
    if "was not found" in result.stderr or "Unable to locate" in result.stderr:
        shutil.rmtree(lists, ignore_errors=True)  # they may be out of date
        raise UserError(
            f"apt has no {package} on this machine ({_last_line(result.stderr)}). The default "
            "pictures are those of Debian 12; on another release change the version in "
            "params.yaml, or use a folder of your own (kind: folder)",
            code="package-missing",
        )
    raise ConnectionError(_last_line(result.stderr))


def _pip_download(package: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
               "--no-deps", "--only-binary", ":all:", "--dest", str(folder), package]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode == 0:
        return
    if "No matching distribution" in result.stderr:
        raise UserError(
            f"the Python package index of this machine has no {package}; correct the name or the "
            "version in params.yaml, or configure pip with an index that has it",
            code="package-missing",
        )
    raise ConnectionError(_last_line(result.stderr))


def _url_download(url: str, path: Path) -> None:
    try:
        with (
            urllib.request.urlopen(url, timeout=URL_TIMEOUT_S) as response,
            path.open("wb") as file,
            Progress(transient=True) as progress,
        ):
            size = int(response.headers.get("Content-Length") or 0) or None
            task = progress.add_task(f"fetching {path.name}", total=size)
            start, received = time.monotonic(), 0
            while chunk := response.read1(CHUNK_BYTES):
                file.write(chunk)
                progress.advance(task, len(chunk))
                received += len(chunk)
                if received > MAX_DOWNLOAD_BYTES:
                    message = f"{url} sends more than {MAX_DOWNLOAD_BYTES:,} bytes"
                    raise UserError(message, code="download-too-large")
                seconds = time.monotonic() - start - URL_TIMEOUT_S
                if received < MIN_BYTES_PER_S * seconds:
                    raise ConnectionError("the server sends too slowly")
    except urllib.error.HTTPError as error:
        if error.code < 500:
            message = f"{url} answers {error.code}; correct the url in params.yaml"
            raise UserError(message, code="url-not-found") from None
        raise ConnectionError(str(error)) from None
    except (OSError, ValueError) as error:
        is_file = isinstance(error, urllib.error.URLError) and url.startswith("file:")
        if is_file:  # the next try would fail, too
            message = f"{url} cannot be read ({error}); correct the url in params.yaml"
            raise UserError(message, code="url-not-found") from None
        raise ConnectionError(str(error)) from None


def _check(path: Path, sha256: str, name: str) -> None:
    """Delete a file whose checksum differs, and raise a UserError."""
    actual = sha256_of(path)
    if actual != sha256:
        path.unlink()
        raise UserError(
            f"{name} is not the file that params.yaml describes: sha256 {actual}, expected "
            f"{sha256}. If the change is right, write the new checksum into params.yaml",
            code="checksum-mismatch",
        )


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line]
    return lines[-1] if lines else ""
