"""A model that declares what may be searched: a Gaussian whose width it is told, so that the best setting is known."""

from pathlib import Path

TOY = '''"""A round Gaussian of a given width: the closer to the data's own, the better."""
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

SEEN = []  # the rows that log_prob was asked for


@dataclass(kw_only=True, eq=False)
class Toy:
    """A Gaussian."""

    family: ClassVar[str] = "extension"
    paper: ClassVar[str] = "none"
    uses_labels: ClassVar[bool] = False
    measure: ClassVar[str] = "lebesgue"
    search: ClassVar[dict[str, Any]] = {"width": (0.01, 100.0), "copies": (1, 8), "mode": ["plain", "shy"]}
    width: float = 1.0
    copies: int = 3
    mode: str = "plain"
    centre: float = 0.0

    def fit(self, x, y=None, *, seed):
        if self.width > 50.0:
            raise ValueError("too wide")
        self.mean_ = x.mean(dim=0) + self.centre
        return self

    def sample(self, n, *, seed):
        noise = torch.randn(n, len(self.mean_), generator=torch.Generator().manual_seed(seed))
        return self.mean_ + self.width * noise

    def log_prob(self, x):
        SEEN.append(x)
        return torch.distributions.Normal(self.mean_, self.width).log_prob(x).sum(dim=1)
'''


def toy(folder, *, search=None, name="toy"):
    """Write the model, with another declaration in place of its own where one is given."""
    path = folder / f"{name}.py"
    old = '{"width": (0.01, 100.0), "copies": (1, 8), "mode": ["plain", "shy"]}'
    assert old in TOY
    path.write_text(TOY if search is None else TOY.replace(old, search))
    return str(path)


def edit(path, old, new):
    """Put other lines into a model's file."""
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))
