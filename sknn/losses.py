"""A loss measures outputs against targets, and owns the link that makes the outputs.

Each pairing of loss and link below is canonical: the derivative of the loss with
respect to the weighted sums is ``output - target``.  A row of targets is a row of
numbers, except for `CROSS_ENTROPY`, where it is the one number of the class.

The outputs of a block are rows of `n_outputs` numbers, one after the other in one
vector, so that exponentials and logarithms run over all of them at once.
"""

import numpy as np

from ._jit import inlined, kernel
from .elementary import exp, log, logistic

SQUARED_ERROR, POISSON, BINARY_CROSS_ENTROPY, CROSS_ENTROPY = range(4)
REGRESSION_LOSSES = {"squared_error": SQUARED_ERROR, "poisson": POISSON}
OUT_ACTIVATIONS = {
    SQUARED_ERROR: "identity",
    POISSON: "exp",
    BINARY_CROSS_ENTROPY: "logistic",
    CROSS_ENTROPY: "softmax",
}
LINKS = {name: code for code, name in OUT_ACTIVATIONS.items()}


@kernel
def link(code, z, n_outputs):
    """Turn weighted sums into outputs, in place."""
    if code == POISSON:
        for i in range(z.size):
            z[i] = exp(z[i])
    elif code == BINARY_CROSS_ENTROPY:
        for i in range(z.size):
            z[i] = logistic(z[i])
    elif code == CROSS_ENTROPY:
        _softmax(z, n_outputs)


@inlined
def _softmax(z, n_outputs):
    for first in range(0, z.size, n_outputs):
        z_i = z[first : first + n_outputs]
        largest = z_i[0]
        for j in range(1, n_outputs):
            largest = z_i[j] if z_i[j] > largest else largest
        for j in range(n_outputs):
            z_i[j] -= largest
    for i in range(z.size):
        z[i] = exp(z[i])
    for first in range(0, z.size, n_outputs):
        z_i = z[first : first + n_outputs]
        total = z_i[0]
        for j in range(1, n_outputs):
            total += z_i[j]
        for j in range(n_outputs):
            z_i[j] /= total


@kernel
def sample_losses(code, outputs, targets, rows, n_outputs, terms, losses):
    """Write the loss of each of these rows into ``losses``; ``terms`` is scratch."""
    if code == SQUARED_ERROR:
        _squared_errors(outputs, targets, rows, n_outputs, terms)
    elif code == POISSON:
        _poisson_deviances(outputs, targets, rows, n_outputs, terms)
    elif code == BINARY_CROSS_ENTROPY:
        _log_losses_of_labels(outputs, targets, rows, n_outputs, terms)
    else:
        _log_losses_of_classes(outputs, targets, rows, n_outputs, terms)
    n_terms = 1 if code == CROSS_ENTROPY else n_outputs
    for i in range(rows.size):
        total = terms[i * n_terms]
        for j in range(1, n_terms):
            total += terms[i * n_terms + j]
        losses[i] = total


@inlined
def _squared_errors(outputs, targets, rows, n_outputs, terms):
    half = outputs.dtype.type(0.5)
    for i in range(rows.size):
        for j in range(n_outputs):
            error = targets[rows[i], j] - outputs[i * n_outputs + j]
            terms[i * n_outputs + j] = half * error * error


@inlined
def _poisson_deviances(outputs, targets, rows, n_outputs, terms):
    """Half the Poisson deviance; y log y counts as 0 where y is 0."""
    zero, one = outputs.dtype.type(0), outputs.dtype.type(1)
    for i in range(rows.size):
        for j in range(n_outputs):
            y, mean = targets[rows[i], j], outputs[i * n_outputs + j]
            logarithm = log(y / mean if y > zero else one)
            terms[i * n_outputs + j] = y * logarithm - y + mean


@inlined
def _log_losses_of_labels(outputs, targets, rows, n_outputs, terms):
    zero, one = outputs.dtype.type(0), outputs.dtype.type(1)
    for i in range(rows.size):
        for j in range(n_outputs):
            p = outputs[i * n_outputs + j]
            terms[i * n_outputs + j] = p if targets[rows[i], j] > zero else one - p
    for i in range(rows.size * n_outputs):
        terms[i] = -log(_clip(terms[i]))


@inlined
def _log_losses_of_classes(outputs, targets, rows, n_outputs, terms):
    for i in range(rows.size):
        terms[i] = outputs[i * n_outputs + int(targets[rows[i], 0])]
    for i in range(rows.size):
        terms[i] = -log(_clip(terms[i]))


@inlined
def _clip(p):
    """Keep the logarithm finite, as scikit-learn does; NaN stays NaN."""
    T = type(p)
    epsilon = T(np.finfo(T).eps)
    p = epsilon if p < epsilon else p
    return T(1) - epsilon if p > T(1) - epsilon else p


@kernel
def output_deltas(code, outputs, targets, rows, weights, n_outputs, deltas, at, stride):
    """Write ``weight * (output - target)`` of each of these rows into ``deltas``.

    Their matrix starts at ``at``; no weights are an empty array.
    """
    for i in range(rows.size):
        for j in range(n_outputs):
            deltas[at + i * stride + j] = outputs[i * n_outputs + j]
        if code == CROSS_ENTROPY:
            deltas[at + i * stride + int(targets[rows[i], 0])] -= outputs.dtype.type(1)
        else:
            for j in range(n_outputs):
                deltas[at + i * stride + j] -= targets[rows[i], j]
        if weights.size > 0:
            for j in range(n_outputs):
                deltas[at + i * stride + j] *= weights[rows[i]]
