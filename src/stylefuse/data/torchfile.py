"""Plain tensors out of a PyTorch file of the format before 1.6, read without PyTorch.

Such a file is a pickle, and a pickle may run code: this reader admits tensors and ordered
dictionaries, and refuses every other name.
"""

import io
import pickle
from typing import Any, NamedTuple

import numpy as np

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
        pickle.UnpicklingError: the file is of another format, or names anything but tensors.
    """
    file = io.BytesIO(data)
    if _Reader(file).load() != MAGIC:
        raise pickle.UnpicklingError("no PyTorch file of the old format")
    for _ in ("protocol version", "system information"):
        _Reader(file).load()
    reader = _Reader(file)
    entries = reader.load()
    storages = {}
    for key in _Reader(file).load():
        count, dtype = int(np.frombuffer(file.read(8), "<i8")[0]), reader.storages[key]
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {
        name: _strided(storages[entry.storage], entry)
        for name, entry in entries.items()
        if isinstance(entry, _Tensor)
    }


def _strided(storage: np.ndarray, entry: _Tensor) -> np.ndarray:
    indices = np.full(entry.shape, entry.offset)  # an index array cannot reach outside, unlike
    for axis, (size, stride) in enumerate(zip(entry.shape, entry.stride, strict=True)):  # strides
        along = np.arange(size).reshape([-1 if i == axis else 1 for i in range(len(entry.shape))])
        indices = indices + along * stride
    return storage[indices]
