"""PyTorch files: tensors are read, and a file that contains anything else is refused."""

import collections
import contextlib
import io
import os
import pickle
import struct

import numpy as np
import pytest

from stylefuse.data.torchfile import MAGIC, read_tensors

NUMBERS = np.arange(6, dtype="<f4")


class Tensor:
    """Pickled as PyTorch does: a call of its function for tensors with a named storage."""

    def __init__(self, shape=(2, 3), stride=(3, 1), offset=0, storage="FloatStorage"):
        self.arguments = (offset, shape, stride, False, collections.OrderedDict())
        self.storage = storage


class Storage:
    def __init__(self, kind):
        self.kind = kind


class Call:
    """Pickled as a call of a function."""

    def __init__(self, function, arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Writer(pickle._Pickler):
    """Writes names of PyTorch without PyTorch; only the pickler in Python can be overridden so."""

    def reducer_override(self, item):
        if isinstance(item, Tensor):
            return Global("torch._utils", "_rebuild_tensor_v2"), (
                Storage(item.storage),
                *item.arguments,
            )
        return NotImplemented

    def persistent_id(self, item):
        if isinstance(item, Storage):
            return ("storage", Global("torch", item.kind), "0", "cpu", 6)
        return None

    def save(self, item, save_persistent_id=True):
        if isinstance(item, Global):
            self.write(f"c{item.module}\n{item.name}\n".encode())
        else:
            super().save(item, save_persistent_id)


class Global:
    def __init__(self, module, name):
        self.module, self.name = module, name

    def __call__(self):
        """The pickler wants what it calls to be callable."""


def file_of(entries, count=6, storage=None):
    """A file in PyTorch's format before version 1.6."""
    file = io.BytesIO()
    for part in (MAGIC, 1001, {}):
        pickle.dump(part, file, protocol=2)
    Writer(file, protocol=2).dump(entries)
    pickle.dump(["0"], file, protocol=2)
    file.write(struct.pack("<q", count) + (NUMBERS.tobytes() if storage is None else storage))
    return file.getvalue()


def test_tensors_are_read():
    tensors = read_tensors(file_of({"plain": Tensor(), "transposed": Tensor((3, 2), (1, 3))}))
    np.testing.assert_array_equal(tensors["plain"], NUMBERS.reshape(2, 3))
    np.testing.assert_array_equal(tensors["transposed"], NUMBERS.reshape(2, 3).T)


@pytest.mark.parametrize(
    "call",
    [
        Call(os.system, ("touch ran",)),
        Call(eval, ("open('ran', 'w')",)),
        Call(exec, ("open('ran', 'w')",)),
        Call(print, ("ran",)),
        Call(__import__, ("os",)),
        Call(collections.Counter, ()),
        Global("torch", "load"),
        Global("numpy", "load"),
        Global("builtins", "getattr"),
    ],
)
def test_code_is_not_run(call, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for entries in ({"x": call}, call):
        with pytest.raises(pickle.UnpicklingError, match="not admitted"):
            read_tensors(file_of(entries))
    assert not list(tmp_path.iterdir())
    assert "ran" not in capsys.readouterr().out


DAMAGED_FILES = {
    "a storage longer than the file": ({"count": 2**40}, {}, "longer than the file"),
    "a storage of negative length": ({"count": -1}, {}, "longer than the file"),
    "a storage whose bytes overflow": ({"count": 2**62}, {}, "longer than the file"),
    "a truncated storage": ({"storage": b"1234"}, {}, "longer than the file"),
    "a huge shape": ({}, {"shape": (10**6, 10**6)}, "larger than its storage"),
    "a shape of many axes": ({}, {"shape": (2,) * 60, "stride": (0,) * 60}, "larger than its"),
    "strides beyond the end": ({}, {"stride": (3, 2)}, "damaged"),
    "negative strides": ({}, {"stride": (-3, 1)}, "starts before"),
    "an offset beyond the end": ({}, {"offset": 5}, "damaged"),
    "a negative offset": ({}, {"offset": -1}, "starts before"),
    "too few strides": ({}, {"stride": (3,)}, "damaged"),
    "a shape of strings": ({}, {"shape": ("2", "3")}, "damaged"),
    "an unknown storage class": ({}, {"storage": "CharStorage"}, "not admitted"),
}


@pytest.mark.parametrize("name", DAMAGED_FILES)
def test_an_inconsistent_file_is_refused(name):
    file, tensor, message = DAMAGED_FILES[name]
    with pytest.raises(pickle.UnpicklingError, match=message):
        read_tensors(file_of({"x": Tensor(**tensor)}, **file))


def test_large_memo_indices_allocate_no_memory():
    put = b"\x80\x02]r" + struct.pack("<I", 2**31) + b"."
    head = io.BytesIO()
    for part in (MAGIC, 1001, {}):
        pickle.dump(part, head, protocol=2)
    with pytest.raises(pickle.UnpicklingError, match="memo index 2147483648 is out of range"):
        read_tensors(head.getvalue() + put)


def test_every_truncation_is_refused_and_every_changed_bit_is_read_or_refused():
    file = file_of({"x": Tensor()})
    rng = np.random.default_rng(0)
    for end in range(len(file)):
        with pytest.raises(pickle.UnpicklingError):
            read_tensors(file[:end])
        changed = bytearray(file)
        changed[end] ^= 1 << int(rng.integers(8))
        with contextlib.suppress(pickle.UnpicklingError):
            read_tensors(bytes(changed))
