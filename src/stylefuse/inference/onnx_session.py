"""ONNX graphs as functions of NumPy arrays, run by ONNX Runtime on the CPU."""

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from stylefuse.cancellation import check_cancelled
from stylefuse.errors import UserError

EXTERNAL_DATA_FOLDER = "session.model_external_initializers_file_folder_path"


class OnnxGraph:
    """A graph as a function: inputs by name → outputs by name; safe to use from several threads.

    The file is read once, compared with its checksum and given to the runtime as bytes, so that the
    runtime sees only what was checked. Files that a graph refers to would lie in a folder that
    cannot hold any; by default the runtime takes them from the working folder.

    Args:
        path: of the file.
        checksum: its SHA-256.

    Raises:
        UserError: the file was changed, or ONNX Runtime cannot read it.
    """

    def __init__(self, path: Path, checksum: str):
        import onnxruntime

        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != checksum:
            raise UserError(
                f"{path} is not the file that was saved; train again", code="model-changed"
            )
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors
        options.add_session_config_entry(EXTERNAL_DATA_FOLDER, os.devnull)
        options.add_session_config_entry("session.load_model_format", "ONNX")  # and not its own
        # a planned block would be taken in addition to the chunks of a size's first run
        options.enable_mem_pattern = False
        # threads that wait for work would otherwise burn a core while they do
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        _register_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors have no public base class
            raise UserError(
                f"{path} cannot be read by ONNX Runtime {onnxruntime.__version__} "
                f"({str(error).splitlines()[0][:200]})",
                code="model-unreadable",
            ) from None
        self._releasing = onnxruntime.RunOptions()
        self._releasing.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self._outputs = [node.name for node in self._session.get_outputs()]

    def __call__(self, **inputs: np.ndarray) -> dict[str, Any]:
        """Run the graph; its memory is kept for the next run, which is a fifth faster then.

        Raises:
            Cancelled: the active request was cancelled, so that painting in tiles stops before the
                next one.
        """
        return self._run(inputs)

    def run_and_release(self, **inputs: np.ndarray) -> dict[str, Any]:
        """The same, and give the memory back to the system; for large pictures, which are rare."""
        return self._run(inputs, self._releasing)

    def _run(self, inputs: dict[str, np.ndarray], options: Any = None) -> dict[str, Any]:
        check_cancelled()
        values = self._session.run(self._outputs, inputs, options)
        return dict(zip(self._outputs, values, strict=True))

    def takes(self, name: str) -> bool:
        """Whether the graph has an input of this name, which may have a default."""
        session = self._session
        nodes = [*session.get_inputs(), *session.get_overridable_initializers()]
        return any(node.name == name for node in nodes)

    def input_size(self, name: str, axis: int) -> int:
        """A fixed size of an input."""
        (node,) = (node for node in self._session.get_inputs() if node.name == name)
        return int(node.shape[axis])


@cache
def _register_arena() -> None:
    """Let all graphs of the process take their memory from one arena.

    Without an arena the system hands out and clears the memory of every map anew, which takes a
    third of the time of painting. An arena of its own for each graph would keep several times the
    memory; this one keeps what the largest picture took, for each of those painted at a time.
    """
    import onnxruntime

    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    memory = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    onnxruntime.create_and_register_allocator(memory, None)
