"""A file of tensors that would do anything but hold tensors is refused."""

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
    """Pickled as PyTorch pickles one: a call of its own function on a storage that it names."""

    def __init__(self, shape=(2, 3), stride=(3, 1), offset=0, storage="FloatStorage"):
        self.reduced = (offset, shape, stride, False, collections.OrderedDict())
        self.storage = storage


class Storage:
    def __init__(self, kind):
        self.kind = kind


class Call:
    """Pickled as a call of any function."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


class Writer(pickle._Pickler):
    """Writes names of PyTorch's that are not here; the pickler in Python lets that be done."""

    def reducer_override(self, item):
        if isinstance(item, Tensor):
            return Global("torch._utils", "_rebuild_tensor_v2"), (
                Storage(item.storage),
                *item.reduced,
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


def file_of(entries, count=6, stored=None):
    """Bytes as PyTorch wrote them before 1.6."""
    file = io.BytesIO()
    for part in (MAGIC, 1001, {}):
        pickle.dump(part, file, protocol=2)
    Writer(file, protocol=2).dump(entries)
    pickle.dump(["0"], file, protocol=2)
    file.write(struct.pack("<q", count) + (NUMBERS.tobytes() if stored is None else stored))
    return file.getvalue()


def test_tensors_are_read():
    found = read_tensors(file_of({"whole": Tensor(), "turned": Tensor((3, 2), (1, 3))}))
    np.testing.assert_array_equal(found["whole"], NUMBERS.reshape(2, 3))
    np.testing.assert_array_equal(found["turned"], NUMBERS.reshape(2, 3).T)


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


WRONG = {
    "more numbers than there are": ({"count": 2**40}, {}, "which are not there"),
    "fewer than none": ({"count": -1}, {}, "which are not there"),
    "more bytes than there are numbers": ({"count": 2**62}, {}, "which are not there"),
    "cut short": ({"stored": b"1234"}, {}, "which are not there"),
    "a huge shape": ({}, {"shape": (10**6, 10**6)}, "larger than its storage"),
    "a shape of many sides": ({}, {"shape": (2,) * 60, "stride": (0,) * 60}, "larger than its"),
    "strides that lead out": ({}, {"stride": (3, 2)}, "damaged"),
    "strides that lead back": ({}, {"stride": (-3, 1)}, "begins before"),
    "an offset that leads out": ({}, {"offset": 5}, "damaged"),
    "an offset that leads back": ({}, {"offset": -1}, "begins before"),
    "too few strides": ({}, {"stride": (3,)}, "damaged"),
    "no numbers": ({}, {"shape": ("2", "3")}, "damaged"),
    "an unknown kind of number": ({}, {"storage": "CharStorage"}, "not admitted"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_together_is_refused(name):
    file, tensor, complaint = WRONG[name]
    with pytest.raises(pickle.UnpicklingError, match=complaint):
        read_tensors(file_of({"x": Tensor(**tensor)}, **file))


def test_numbers_of_parts_take_no_memory():
    put = b"\x80\x02]r" + struct.pack("<I", 2**31) + b"."
    head = io.BytesIO()
    for part in (MAGIC, 1001, {}):
        pickle.dump(part, head, protocol=2)
    with pytest.raises(pickle.UnpicklingError, match="too large a number"):
        read_tensors(head.getvalue() + put)


def test_every_cut_and_every_changed_byte_is_read_or_refused():
    whole = file_of({"x": Tensor()})
    stream = np.random.default_rng(0)
    for end in range(len(whole)):
        with pytest.raises(pickle.UnpicklingError):
            read_tensors(whole[:end])
        changed = bytearray(whole)
        changed[end] ^= 1 << int(stream.integers(8))
        with contextlib.suppress(pickle.UnpicklingError):
            read_tensors(bytes(changed))
