"""Plain tensors out of a PyTorch file of the format before 1.6, read without PyTorch.

Such a file is a pickle, and a pickle may run code: this reader admits tensors and ordered
dictionaries, and refuses every other name.
"""

import io
import math
import pickle
import pickletools
from typing import Any, NamedTuple

import numpy as np

PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}  # they keep a part under a number, in a list of that length
MOST_PARTS = 1_000_000
MAGIC = 0x1950A86A20F9469CFC6C
DTYPES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8",
    "IntStorage": "<i4", "ByteStorage": "u1",
}  # fmt: skip


class _Dictionary(dict):
    """Stands for an OrderedDict; unlike one it may carry PyTorch's metadata attribute."""


class _Tensor(NamedTuple):
    storage: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class _Reader(pickle.Unpickler):
    """Admits tensors and dictionaries; collects the types of the storages that they name."""

    def __init__(self, file):
        super().__init__(file)
        self.storages: dict[str, np.dtype] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in DTYPES:
            return name
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, stride, *_: _Tensor(
                storage, offset, shape, stride
            )
        if (module, name) == ("collections", "OrderedDict"):
            return _Dictionary
        raise pickle.UnpicklingError(f"{module}.{name} is not admitted")

    def persistent_load(self, pid: Any) -> str:
        _, kind, key, *_ = pid
        self.storages[key] = np.dtype(DTYPES[kind])
        return key


def read_tensors(data: bytes) -> dict[str, np.ndarray]:
    """All tensors of a state dictionary, by name.

    Raises:
        pickle.UnpicklingError: the file is of another format, damaged, or names anything but
            tensors.
    """
    try:
        return _read_tensors(io.BytesIO(data))
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # a pickle that is put together by hand fails in every way
        raise pickle.UnpicklingError(f"a damaged PyTorch file: {error!r}") from None


def _read_tensors(file: io.BytesIO) -> dict[str, np.ndarray]:
    if _load(_Reader(file), file) != MAGIC:
        raise pickle.UnpicklingError("no PyTorch file of the old format")
    for _ in ("protocol version", "system information"):
        _load(_Reader(file), file)
    reader = _Reader(file)
    entries = _load(reader, file)
    storages = {}
    for key in _load(_Reader(file), file):
        count, dtype = int(np.frombuffer(file.read(8), "<i8")[0]), reader.storages[key]
        size = count * dtype.itemsize
        if not 0 <= size <= len(file.getbuffer()) - file.tell():
            raise pickle.UnpicklingError(f"a storage of {count} numbers, which are not there")
        storages[key] = np.frombuffer(file.read(size), dtype)
    return {
        name: _strided(storages[entry.storage], entry)
        for name, entry in entries.items()
        if isinstance(entry, _Tensor)
    }


def _load(reader: _Reader, file: io.BytesIO) -> Any:
    """One pickle of several, looked through before it is followed."""
    start = file.tell()
    for code, value, _ in pickletools.genops(file):
        if code.name in PUTS and not 0 <= int(value or 0) <= MOST_PARTS:
            raise pickle.UnpicklingError("a part with too large a number")
    file.seek(start)
    return reader.load()


def _strided(storage: np.ndarray, entry: _Tensor) -> np.ndarray:
    if min((entry.offset, *entry.shape, *entry.stride)) < 0:
        raise pickle.UnpicklingError("a tensor that begins before its storage")
    if math.prod(entry.shape) > len(storage):
        raise pickle.UnpicklingError("a tensor that is larger than its storage")
    indices = np.full(entry.shape, entry.offset)  # an index array cannot reach outside, unlike
    for axis, (size, stride) in enumerate(zip(entry.shape, entry.stride, strict=True)):  # strides
        along = np.arange(size).reshape([-1 if i == axis else 1 for i in range(len(entry.shape))])
        indices = indices + along * stride
    return storage[indices]
