"""A loss measures outputs against targets, and owns the link that makes the outputs.

Each pairing of loss and link below is canonical: the derivative of the loss with
respect to the weighted sums is ``output - target``.  A row of targets is a row of
numbers, except for `CROSS_ENTROPY`, where it is the one number of the class.
"""

import math

import numpy as np

from ._jit import inlined, kernel
from .elementary import exp, logistic

SQUARED_ERROR, POISSON, BINARY_CROSS_ENTROPY, CROSS_ENTROPY = range(4)
REGRESSION_LOSSES = {"squared_error": SQUARED_ERROR, "poisson": POISSON}
OUT_ACTIVATIONS = {
    SQUARED_ERROR: "identity",
    POISSON: "exp",
    BINARY_CROSS_ENTROPY: "logistic",
    CROSS_ENTROPY: "softmax",
}


@kernel
def link(code, z):
    """Turn one row of weighted sums into outputs, in place."""
    if code == POISSON:
        for j in range(z.size):
            z[j] = exp(z[j])
    elif code == BINARY_CROSS_ENTROPY:
        for j in range(z.size):
            z[j] = logistic(z[j])
    elif code == CROSS_ENTROPY:
        _softmax(z)


@inlined
def _softmax(z):
    largest = z[0]
    for j in range(1, z.size):
        largest = z[j] if z[j] > largest else largest
    total = z.dtype.type(0)
    for j in range(z.size):
        z[j] = exp(z[j] - largest)
        total += z[j]
    for j in range(z.size):
        z[j] /= total


@kernel
def sample_loss(code, outputs, target):
    """The loss of one row of outputs."""
    if code == SQUARED_ERROR:
        return _squared_error(outputs, target)
    if code == POISSON:
        return _poisson(outputs, target)
    if code == BINARY_CROSS_ENTROPY:
        return _binary_cross_entropy(outputs, target)
    return -math.log(_clip(outputs[int(target[0])]))


@inlined
def _squared_error(outputs, target):
    total = outputs.dtype.type(0)
    for j in range(outputs.size):
        error = target[j] - outputs[j]
        total += error * error
    return total * outputs.dtype.type(0.5)


@inlined
def _poisson(outputs, target):
    """Half the Poisson deviance; y log y counts as 0 where y is 0."""
    zero = outputs.dtype.type(0)
    total = zero
    for j in range(outputs.size):
        y, mean = target[j], outputs[j]
        total += (y * math.log(y / mean) if y > zero else zero) - y + mean
    return total


@inlined
def _binary_cross_entropy(outputs, target):
    one = outputs.dtype.type(1)
    total = outputs.dtype.type(0)
    for j in range(outputs.size):
        p = _clip(outputs[j])
        total -= math.log(p if target[j] > 0 else one - p)
    return total


@inlined
def _clip(p):
    """Keep the logarithm finite, as scikit-learn does; NaN stays NaN."""
    T = type(p)
    epsilon = T(np.finfo(T).eps)
    p = epsilon if p < epsilon else p
    return T(1) - epsilon if p > T(1) - epsilon else p


@kernel
def output_delta(code, outputs, target, weight, delta):
    """Write ``weight * (output - target)`` of one row into ``delta``."""
    for j in range(outputs.size):
        delta[j] = weight * outputs[j]
    if code == CROSS_ENTROPY:
        delta[int(target[0])] -= weight
    else:
        for j in range(outputs.size):
            delta[j] -= weight * target[j]
