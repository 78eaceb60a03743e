"""Import torchvision where its operators do not fit this torch: it asks for two of their schemas.

PyPI's torchvision for Linux is built for CUDA. Beside a CPU build of torch its extension cannot be loaded, and importing it
raises "operator torchvision::nms does not exist", although nothing here runs an operator of it. So the two schemas
that the import asks for are declared first, without a kernel: calling one still raises.
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@cache
def import_torchvision() -> ModuleType:
    """Import torchvision; call this before importing anything that imports torchvision (pytorch-fid does)."""
    if not _has_compiled_operators():
        _declare()
    return importlib.import_module("torchvision")


def _has_compiled_operators() -> bool:
    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return False
    for path in Path(spec.submodule_search_locations[0]).glob("_C*"):
        try:
            torch.ops.load_library(str(path))
        except OSError:
            continue
    return hasattr(torch.ops.torchvision, "nms")


@cache  # a Library takes its schemas back when it is collected
def _declare() -> torch.library.Library:
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    return library
