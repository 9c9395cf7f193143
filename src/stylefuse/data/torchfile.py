"""A reader for tensors in PyTorch files of the format before version 1.6, without PyTorch.

Such a file is a pickle, and a pickle can run arbitrary code. This reader admits tensors and ordered
dictionaries only, and refuses a file with any other name.
"""

import io
import math
import pickle
import pickletools
from typing import Any, NamedTuple

import numpy as np

# opcodes that store an object in the memo, whose size in memory is that of the largest index
MEMO_OPCODES = {"PUT", "BINPUT", "LONG_BINPUT"}
MAX_MEMO_INDEX = 1_000_000
MAGIC = 0x1950A86A20F9469CFC6C  # the first object of a file of this format
DTYPES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8",
    "IntStorage": "<i4", "ByteStorage": "u1",
}  # fmt: skip


class _Dictionary(dict):
    """Replaces OrderedDict, and unlike it may have PyTorch's metadata attribute."""


class _Tensor(NamedTuple):
    storage: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class _Reader(pickle.Unpickler):
    """Admits tensors and dictionaries, and collects the dtypes of the tensors' storages."""

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
        _, storage_class, key, *_ = pid
        self.storages[key] = np.dtype(DTYPES[storage_class])
        return key


def read_tensors(data: bytes) -> dict[str, np.ndarray]:
    """Read all tensors of a state dictionary, by name.

    Args:
        data: the bytes of the file.

    Raises:
        pickle.UnpicklingError: the file has another format, is damaged, or contains anything but
            tensors.
    """
    try:
        return _read_tensors(io.BytesIO(data))
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # a crafted pickle can raise anything
        raise pickle.UnpicklingError(f"a damaged PyTorch file: {error!r}") from None


def _read_tensors(file: io.BytesIO) -> dict[str, np.ndarray]:
    if _load(_Reader(file), file) != MAGIC:
        raise pickle.UnpicklingError("not a PyTorch file of the format before 1.6")
    for _ in ("protocol version", "system information"):
        _load(_Reader(file), file)
    reader = _Reader(file)
    entries = _load(reader, file)
    storages = {}
    for key in _load(_Reader(file), file):
        count, dtype = int(np.frombuffer(file.read(8), "<i8")[0]), reader.storages[key]
        size = count * dtype.itemsize
        if not 0 <= size <= len(file.getbuffer()) - file.tell():
            raise pickle.UnpicklingError(f"a storage of {count} numbers is longer than the file")
        storages[key] = np.frombuffer(file.read(size), dtype)
    return {
        name: _strided(storages[entry.storage], entry)
        for name, entry in entries.items()
        if isinstance(entry, _Tensor)
    }


def _load(reader: _Reader, file: io.BytesIO) -> Any:
    """Load the next pickle of the file, after a check of its memo indices."""
    start = file.tell()
    for opcode, value, _ in pickletools.genops(file):
        if opcode.name in MEMO_OPCODES and not 0 <= int(value or 0) <= MAX_MEMO_INDEX:
            raise pickle.UnpicklingError(f"memo index {value} is out of range")
    file.seek(start)
    return reader.load()


def _strided(storage: np.ndarray, entry: _Tensor) -> np.ndarray:
    if min((entry.offset, *entry.shape, *entry.stride)) < 0:
        raise pickle.UnpicklingError("a tensor starts before its storage")
    if math.prod(entry.shape) > len(storage):
        raise pickle.UnpicklingError("a tensor is larger than its storage")
    # indexing checks bounds, which `np.lib.stride_tricks` does not
    indices = np.full(entry.shape, entry.offset)
    for axis, (size, stride) in enumerate(zip(entry.shape, entry.stride, strict=True)):
        along = np.arange(size).reshape([-1 if i == axis else 1 for i in range(len(entry.shape))])
        indices = indices + along * stride
    return storage[indices]
