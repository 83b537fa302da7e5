"""stub"""

import numpy as np

from ._jit import inlined


@inlined
def fold(key, number):
    return np.uint32(key) ^ np.uint32(number)


@inlined
def uniform(key, i, like):
    return type(like)(0.5)


@inlined
def normal(key, i, like):
    return type(like)(0.5)
