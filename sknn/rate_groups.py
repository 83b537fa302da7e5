"""Groups of parameters that learn at a multiple of the learning rate.

A multiple is that of a part of a layer's parameters: of the weights, the intercepts,
an embedding.  The kernels read rates for each of the different multiples, and of each
layer which are its own.
"""

from numbers import Real

import numpy as np

# "ntk" divides the rate of a layer's weights by the root of their number for each unit
# (Jacot et al., "Neural tangent kernel", 2018): as if they were drawn with variance 1
# and the sum were divided instead.
NTK = "ntk"
GROUPS = {
    "coefs",
    "intercepts",
    "input_scales",
    "embeddings",
    "activation_weights",
    "normalization",
}


def check_factors(factors):
    """Raise a ValueError where factors of the learning rate are not."""
    unknown = sorted(map(str, set(factors) - GROUPS))
    if unknown:
        raise ValueError(
            f"learning_rate_factors has {unknown}, but the groups of parameters are "
            f"{sorted(GROUPS)}."
        )
    for group, factor in factors.items():
        is_number = isinstance(factor, Real) and 0 <= factor < np.inf
        if not is_number and not (factor == NTK and group == "coefs"):
            raise ValueError(
                f"learning_rate_factors[{group!r}] must be a number that is not "
                f"negative, or 'ntk' for 'coefs', got {factor!r}."
            )


def factors_of_layers(layers, factors):
    """Of each layer's weights and of its other parameters, two arrays."""
    pairs = np.ones((len(layers.table), 2))
    for i, layer in enumerate(layers.table):
        for part, _ in layers.parts(i):
            factor = factors.get(part.key, 1.0)
            if factor == NTK:
                factor = 1 / np.sqrt(max(layer["fan_in"], 1))
            if part.is_trained:
                pairs[i, 0 if part.is_penalized else 1] = factor
    return pairs


def groups_of_layers(layers, factors):
    """The different factors, and which each layer's weights and others take."""
    pairs = factors_of_layers(layers, factors or {})
    different, places = np.unique(pairs, return_inverse=True)
    return different, places.reshape(pairs.shape)
