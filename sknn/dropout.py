"""Noise that is there in training only: dropout, and Gaussian noise on the inputs.

The random numbers come from a counter: the place of a sample in the epoch and the
number of a unit.  So they do not depend on how the samples are shared by threads.
"""

import numpy as np

from ._jit import inlined, piece
from ._llvm import least, load, pointer, prefer_wide_vectors
from .activations import scale_by_kept
from .layers import PASS, Kind, row_of, rows_of
from .products import whole_vectors
from .random import bits, fold, halves, normal
from .records import FLOAT64


@inlined
def intensity(plan, step):
    """How much of the noise there is in a step, where a schedule says so."""
    if plan.intensities == 0:
        return 1.0
    return load(pointer(plan.intensities, FLOAT64), step)


@piece(*PASS)
def drop(zero, plan, layer, block, first, n):
    """Set outputs to 0 with a probability of ``setting``, and scale up the others.

    Srivastava et al. (2014), "inverted": nothing is left to do in prediction.
    """
    prefer_wide_vectors()
    units, kept = pointer(block.units, zero), pointer(block.kept, zero)
    T, key, n = type(zero), fold(plan.seed, layer.key), whole_vectors(n, zero)
    rate = layer.setting * intensity(plan, plan.first_step + first // plan.batch_size)
    limit, factor = np.int32(rate * 2.0**16 + 0.5), T(1 / (1 - rate))
    for j in range(0, layer.fan_out, 2):
        # two units share random bits, of which each has enough in a half; a band
        # starts with the first of two
        key_of_pair = fold(key, layer.first_of_band + j)
        other = least(j + 1, layer.fan_out - 1)
        mask = row_of(kept, layer.kept, j, plan, n)
        mask_of_other = row_of(kept, layer.kept, other, plan, n)
        for i in range(n):
            low, high = halves(bits(key_of_pair, first + i))
            mask[i] = T(0) if low < limit else factor
            mask_of_other[i] = T(0) if high < limit else factor
    outputs = rows_of(units, layer.outputs, layer, plan)
    masks = rows_of(kept, layer.kept, layer, plan)
    for i in range(outputs.size):
        outputs[i] *= masks[i]


@piece(*PASS)
def add_noise(zero, plan, layer, block, first, n):
    """Add normal numbers with a standard deviation of ``setting`` to the inputs."""
    prefer_wide_vectors()
    key, scale = fold(plan.seed, layer.key), type(zero)(layer.setting)
    units = pointer(block.units, zero)
    for j in range(layer.fan_out):
        unit, key_of_unit = row_of(units, layer.outputs, j, plan, n), fold(key, j)
        for i in range(n):
            unit[i] += scale * normal(key_of_unit, first + i, zero)


DROPOUT = Kind(forward=drop, backward=scale_by_kept, kept_rows=0, by_unit=True)
NOISE = Kind(forward=add_noise)
