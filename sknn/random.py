"""Random numbers for masks and noise, each computed from a key and its place.

Such a counter-based generator (Salmon et al., "Parallel random numbers: as easy as 1,
2, 3", 2011) has no state to hand on.  So numbers depend neither on how many threads
draw them nor in what order, those of the way forward can be drawn again on the way
back, and a loop over the places is vector code.

A key is an ``np.uint32``, and a place any integer, of which 32 bits count.
"""

import numpy as np

from ._bits import mix
from ._jit import inlined
from .elementary import cos_turns, log

U = np.uint32
GOLDEN = U(0x9E3779B9)


@inlined
def bits(key, i):
    """32 random bits, number ``i`` of the stream of this key."""
    # twice: mixed once, the streams of two keys are one stream in another order
    return mix(mix(U(i) ^ key) + key)


@inlined
def halves(word):
    """Two random integers below 2**16, from 32 bits."""
    return np.int32(word & U(0xFFFF)), np.int32(word >> U(16))


@inlined
def fold(key, number):
    """The key of a stream of its own for each number: an epoch, a layer, a unit.

    Keys have 32 bits: among 100,000 of them a pair is equal, more often than not.
    """
    return bits(U(key + GOLDEN), number)


@inlined
def uniform(key, i, like):
    """A number in [0, 1) of the type of ``like``, the same in every type."""
    T = type(like)
    # 24 bits, as many as float32 holds; by way of int32, which every CPU converts
    return T(np.int32(bits(key, i) >> U(8))) * T(2.0**-24)


@inlined
def normal(key, i, like):
    """A number from the standard normal distribution (Box and Muller, 1958)."""
    T = type(like)
    radius = np.sqrt(T(-2) * log(T(1) - uniform(key, i, like)))
    return radius * cos_turns(uniform(U(~key), i, like))
