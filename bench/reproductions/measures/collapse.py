"""Did it collapse? By effective modes: so many equally likely modes would have the samples' entropy over modes.

    effective modes = exp H(q) = K exp(-KL(q || uniform)),   q: shares of the K modes; a sample counts for its nearest mode   (1)

One sample a mode is nearly nothing here, where it is a captured mode. Blur is not seen: hq_fraction and the distances show that.
collapsed is 1 where training diverged or fewer than half of the K modes are left by eq. (1), else 0.
"""

from __future__ import annotations

import math

from bench.reproductions.measure import Column, Fitted

COLUMNS = {
    "effective_modes": Column(
        "effective modes, exp H of the samples' histogram over modes", better="higher", scale="log"
    ),
    "collapsed": Column(
        "share of runs that collapsed: fewer than half of the modes by exp H", better="lower", scale="share"
    ),
}


def measure(fitted: Fitted) -> dict[str, float]:
    """Both columns, from mode_kl_uniform of the private board.

    effective_modes is left out where training diverged.
    """
    if fitted.model is None:
        return {"collapsed": 1.0}
    effective = fitted.dataset.n_modes * math.exp(-fitted.metrics["mode_kl_uniform"])
    return {"effective_modes": effective, "collapsed": float(effective < fitted.dataset.n_modes / 2)}
