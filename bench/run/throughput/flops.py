"""Floating-point operations of a block of code.

What its matrix products and convolutions take, by torch's own formulas.

Element-wise operations, norms, activations and optimisers are not counted, nor what runs outside torch or inside a compiled
graph. A multiplication and an addition are two operations.
"""

from __future__ import annotations

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class CountFlops(TorchDispatchMode):
    """`with CountFlops() as counter: ...; counter.total`.

    Unlike torch's FlopCounterMode it hangs nothing on modules or on the graph, so that second derivatives (a gradient
    penalty) can be counted too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        formula = flop_registry.get(function._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **kwargs, out_val=result)
        return result
