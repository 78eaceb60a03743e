"""`python -m tests.speed.loading`: a folder of 10,000 PNGs against a bare Pillow loop, and Fashion-MNIST from disk, side by side.

Prints medians of five interleaved pairs, and the peak of memory while Fashion-MNIST is loaded, as a ratio to its raw bytes.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

PAIRS = 5
FILES = 10_000

LOAD = """
import resource, time
import torch, bench.datasets.fashion_mnist as module
module.fashion_mnist()  # warm: files in the page cache
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
data = module.fashion_mnist()
print(time.perf_counter() - start, sum(len(s) for s in (data.train, data.valid, data.test)))
"""

MEMORY = """
import resource
import torch, sklearn.datasets, bench.datasets.fashion_mnist as module
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
data = module.fashion_mnist()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / (70_000 * 785))
"""


def timed(call):
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    from bench.datasets.own import pictures

    rng = np.random.default_rng(0)
    for size in ((28, 28), (64, 48)):
        with tempfile.TemporaryDirectory() as root:
            paths = [Path(root) / f"{i:05}.png" for i in range(FILES)]
            for path in paths:
                coarse = Image.fromarray(rng.integers(0, 256, (7, 7, 3)).astype(np.uint8))
                coarse.resize(size, Image.Resampling.BICUBIC).save(path)

            def bare(paths=paths, size=size):
                for path in paths:
                    with Image.open(path) as image:
                        image = image.convert("RGB")
                        np.asarray(image if size == (28, 28) else image.resize((32, 32), Image.Resampling.LANCZOS))

            pairs = [(timed(bare), timed(lambda paths=paths: pictures.decode(paths))) for _ in range(PAIRS)]
            ratio = statistics.median(a / b for a, b in pairs)
            seconds = statistics.median(b for _, b in pairs)
            print(
                f"{FILES:,} PNGs of {size[0]}x{size[1]}: {seconds:.2f} s, {ratio:.2f} x the speed of a bare Pillow loop"
            )

    def run(code):
        return float(
            subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()[0]
        )

    print(f"Fashion-MNIST, warm: {statistics.median(run(LOAD) for _ in range(PAIRS)):.2f} s")
    print(f"Fashion-MNIST, peak memory while loading: {run(MEMORY):.2f} x its raw bytes")


if __name__ == "__main__":
    main()
