"""Groups of parameters that learn, and decay, at rates of their own.

A rate is a multiple of the learning rate; which, is said of the parts that layers have:
their weights, their intercepts, an embedding.  The kernels read rates for each of the
different multiples, and of each layer which are its own.
"""

from numbers import Real

import numpy as np

# "ntk" divides the rate of a layer's weights by the root of their number for each unit
# (Jacot et al., "Neural tangent kernel", 2018): as if they were drawn with variance 1
# and the sum were divided instead.  Their decay is that of such weights.
NTK = "ntk"
GROUPS = {
    "coefs",
    "intercepts",
    "input_scales",
    "embeddings",
    "activation_weights",
    "normalization",
}
DECAYING = {"coefs", "input_scales"}


def check_factors(factors):
    """Raise a ValueError where factors of the learning rate are not."""
    _check_groups("learning_rate_factors", factors, GROUPS)
    for group, factor in factors.items():
        if not _is_rate(factor) and not (factor == NTK and group == "coefs"):
            raise ValueError(
                f"learning_rate_factors[{group!r}] must be a number that is not "
                f"negative, or 'ntk' for 'coefs', got {factor!r}."
            )


def check_decays(weight_decay):
    """Raise a ValueError where decays by group are not."""
    if isinstance(weight_decay, dict):
        _check_groups("weight_decay", weight_decay, DECAYING)
        for group, decay in weight_decay.items():
            if not _is_rate(decay):
                raise ValueError(
                    f"weight_decay[{group!r}] must be a number that is not negative, "
                    f"got {decay!r}."
                )


def _check_groups(name, given, known):
    unknown = sorted(map(str, set(given) - known))
    if unknown:
        raise ValueError(
            f"{name} has {unknown}, but the groups of parameters are {sorted(known)}."
        )


def _is_rate(value):
    return isinstance(value, Real) and 0 <= value < np.inf


def groups_of_layers(layers, factors, decays):
    """The different factors and decays, and which each layer's weights and others take.

    The first are pairs: factors of the learning rate, in a step and in the decay.
    ``decays`` is a dict of groups, or the number for the weights.
    """
    factors = factors or {}
    decays = decays if isinstance(decays, dict) else {"coefs": decays}
    pairs = np.zeros((len(layers.table), 2, 2))
    for i, layer in enumerate(layers.table):
        for part, _ in layers.parts(i):
            if part.is_trained:
                factor = decaying = factors.get(part.key, 1.0)
                if factor == NTK:
                    factor, decaying = 1 / np.sqrt(max(layer["fan_in"], 1)), 1.0
                decaying *= decays.get(part.key, 0.0)
                pairs[i, 0 if part.is_penalized else 1] = factor, decaying
    pairs = [tuple(pair) for pair in pairs.reshape(-1, 2).tolist()]
    different = sorted(set(pairs))
    places = [different.index(pair) for pair in pairs]
    return np.array(different), np.array(places).reshape(-1, 2)
