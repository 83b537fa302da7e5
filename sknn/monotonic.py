"""Networks that are monotonic in some of their inputs, by construction.

Weights that may not be negative lead from increasing functions to increasing ones, so
it is enough to fix the signs of the first layer's weights for the constrained inputs
and of all weights behind it (Daniels and Velikova, 2010).  With an activation that is
convex the outputs would be convex as well: half of the units of each layer therefore
use its reflection, ``-f(-z)`` (Runje and Shankaranarayana, 2023).
"""

import numpy as np

from ._jit import inlined, piece
from ._llvm import pointer
from .layers import PASS, Kind, rows_of
from .params import views, zeros


@inlined
def negate(vectors, first_row, layer, plan):
    """Change the signs of the outputs of a layer, units or deltas."""
    x = rows_of(vectors, first_row, layer, plan)
    for i in range(x.size):
        x[i] = -x[i]


@piece(*PASS)
def negate_units(zero, plan, layer, block, first, n):
    negate(pointer(block.units, zero), layer.outputs, layer, plan)


@piece(*PASS)
def negate_deltas(zero, plan, layer, block, first, n):
    negate(pointer(block.deltas, zero), layer.deltas, layer, plan)


# Before and after an activation, it makes that of some units the reflected one.
REFLECTION = Kind(negate_units, negate_deltas, predict=negate_units)


def required_signs(layers):
    """For each parameter 1 or -1, its sign, or 0 where both are allowed.

    None if the network is not monotonic in any input.
    """
    if not layers.architecture.monotonic:
        return None
    signs = zeros(layers.n_params, layers.dtype)
    parts = views(signs, layers)
    parts["coefs_"][0][:] = np.reshape(layers.architecture.monotonic, (-1, 1))
    for name in ("coefs_", "skip_coefs_", "scales_"):
        for view in parts.get(name, [])[name == "coefs_" :]:
            view[:] = 1
    return signs


def with_required_signs(network):
    """The network, each of whose weights now has the sign that it must have."""
    signs = required_signs(network.layers)
    if signs is not None:
        params = network.params
        params[:] = np.where(signs, np.abs(params) * signs, params)
    return network


def begun_monotonic(network):
    """The same for initial weights, which are made smaller on the way.

    Sums of numbers of one sign grow with their number, those of both with its root.
    """
    if network.layers.architecture.monotonic:
        parts = views(network.params, network.layers)
        for view in parts["coefs_"][1:] + parts.get("skip_coefs_", []):
            view /= np.sqrt(len(view))
    return with_required_signs(network)


def bounds(signs):
    """The smallest and largest values that parameters of these signs may have."""
    return np.where(signs > 0, 0, -np.inf), np.where(signs < 0, 0, np.inf)
