"""Inception features: pytorch-fid's network and weights, the layer that FID is defined on.

Images in [0, 1] of 1 or 3 channels and any size are resized to 299x299 by pytorch-fid's own bilinear rule. The weights are
downloaded once into torch's hub folder ($TORCH_HOME); where that cannot be done, `Unavailable` says what to do.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor

from bench.datasets import Dataset, Examples
from bench.features import Unavailable
from bench.features._torchvision import import_torchvision

FILE = "pt_inception-2015-12-05-6726825d.pth"  # its name ends with the first eight digits of its SHA-256
BATCH = 50


class Inception:
    """x (N, C, H, W) in [0, 1] -> features (N, dims) float32; logits_of(pool3 features) -> (N, 1, 1008).

    dims: 2048 is pool3, which published numbers are of; 64, 192 and 768 are pytorch-fid's earlier layers.
    """

    name = "inception"

    def __init__(self, device: torch.device, batch: int = BATCH, dims: int = 2048) -> None:
        path, self.batch = weights_file(), batch
        self.sha256 = _sha256(path)
        import_torchvision()
        from pytorch_fid.inception import InceptionV3

        self.net = InceptionV3([InceptionV3.BLOCK_INDEX_BY_DIM[dims]]).to(device).eval()
        self.classes = torch.load(path, map_location=device, weights_only=True)["fc.weight"]

    @torch.no_grad()
    def __call__(self, x: Examples) -> Tensor:
        """Return features (N, dims)."""
        if x.ndim != 4 or x.shape[1] not in (1, 3):
            raise ValueError(f"expected images (N, 1 or 3, H, W), got {tuple(x.shape)}")
        maps = [self.net(part.float().expand(-1, 3, -1, -1))[0] for part in x.split(self.batch)]
        return torch.cat([part.mean(dim=(2, 3)) for part in maps])

    def logits_of(self, features: Tensor) -> Tensor:
        """Return class scores without the bias, as published inception scores are computed, (N, 1, 1008)."""
        return (features.to(self.classes.device) @ self.classes.T)[:, None]  # small ones may have gone to the CPU


def weights_file() -> Path:
    """Return where the weights are, downloaded if need be; Unavailable says the remedy."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    if path.exists():
        return path
    import_torchvision()
    from pytorch_fid.inception import FID_WEIGHTS_URL

    try:
        torch.hub.load_state_dict_from_url(FID_WEIGHTS_URL, progress=False, check_hash=True, map_location="cpu")
    except (URLError, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Unavailable(
            f"the Inception weights are not at {path} and could not be downloaded ({reason}); "
            f"fetch {FID_WEIGHTS_URL} on a machine with a network and put it there, or leave out the inception metrics"
        ) from error
    return path


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def build(dataset: Dataset) -> Inception:
    """Build the space on the dataset's device."""
    return Inception(dataset.train.x.device)
