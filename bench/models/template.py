"""Write a new model's file: a small Gaussian that runs, to be changed."""

from __future__ import annotations

from pathlib import Path

TEMPLATE = '''"""{title}: one line that says what it is (authors, year).

    p(x) = ...   (1)   the equations that this file implements, numbered as in the paper

Differs from the paper: what and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor


@dataclass(kw_only=True, eq=False)
class {name}:
    """A Gaussian with diagonal covariance, fitted step by step: replace it by your model."""

    family: ClassVar[str] = "extension"  # statistical, tractable, approximate, implicit, extension
    paper: ClassVar[str] = "authors (year)"
    uses_labels: ClassVar[bool] = False
    search: ClassVar[dict[str, Any]] = {{"learning_rate": (0.005, 0.5)}}  # what `bench tune` may search
    steps: int = 200
    learning_rate: float = 0.05

    def fit(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Self:
        """x: (N, *shape); y: (N,) labels, -1 where unknown, or None on data without classes."""
        for _ in self.fit_steps(x, y, seed=seed):
            pass
        return self

    def fit_steps(self, x: Tensor, y: Tensor | None = None, *, seed: int) -> Iterator[dict[str, Tensor | int]]:
        """One yield a step; the harness reads losses there, and may sample."""
        # Layers draw their first weights from torch's global state. Make them inside
        #     with torch.random.fork_rng(devices=[]):
        #         torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed every GPU too
        # and draw everything else from a generator, so that the caller's random state stays as it was.
        generator = torch.Generator(x.device).manual_seed(seed)
        self.shape_ = tuple(x.shape[1:])
        rows = x.flatten(1)  # (N, D)
        self.mean_ = torch.zeros(rows.shape[1], device=x.device, requires_grad=True)
        self.log_std_ = torch.zeros(rows.shape[1], device=x.device, requires_grad=True)
        optimizer = torch.optim.Adam([self.mean_, self.log_std_], lr=self.learning_rate)
        for _ in range(self.steps):
            batch = rows[torch.randint(len(rows), (64,), generator=generator, device=x.device)]
            optimizer.zero_grad()
            nll = (0.5 * ((batch - self.mean_) / self.log_std_.exp()) ** 2 + self.log_std_).sum(dim=1).mean()
            nll.backward()
            optimizer.step()
            yield {{"examples": len(batch), "nll": nll.detach()}}

    @torch.no_grad()
    def sample(self, n: int, *, seed: int) -> Tensor:
        """(n, *shape), in random order."""
        generator = torch.Generator(self.mean_.device).manual_seed(seed)
        noise = torch.randn(n, len(self.mean_), generator=generator, device=self.mean_.device)
        return (self.mean_ + self.log_std_.exp() * noise).reshape(n, *self.shape_)
'''


def new_model(name: str, folder: Path) -> Path:
    """Write a template that runs into folder/name.py; refuses a name in use or one that is no identifier."""
    from bench.errors import UsageError
    from bench.registry import entries

    if not name.isidentifier() or name != name.lower():
        raise UsageError(f"a model's name is a lower-case identifier such as my_flow, got {name!r}")
    path = folder / f"{name}.py"
    if name in entries("model") or path.exists():
        raise UsageError(f"there is a model {name!r} already ({path}); take another name")
    title = name.replace("_", " ").capitalize()
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.format(title=title, name="".join(part.capitalize() for part in name.split("_"))))
    return path
