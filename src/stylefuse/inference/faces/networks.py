"""The face networks that are shipped with the code (`networks/LICENCES.md` names their source)."""

import json
from functools import cache
from pathlib import Path
from typing import Literal

from stylefuse.inference.onnx_session import OnnxGraph

NETWORKS = Path(__file__).parents[1] / "networks"
MANIFEST = NETWORKS / "manifest.json"  # checksums

Name = Literal["face_detector", "face_mesh"]


@cache
def face_network(name: Name) -> OnnxGraph:
    """A face network, opened when it is first needed.

    Raises:
        UserError: its file was changed.
    """
    checksums = json.loads(MANIFEST.read_text())
    return OnnxGraph(NETWORKS / f"{name}.onnx", checksums[f"{name}.onnx"])
