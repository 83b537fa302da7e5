"""The network in plain NumPy: slow, obvious, and the oracle of the kernels."""

import numpy as np

from sknn.losses import (
    BINARY_CROSS_ENTROPY,
    CROSS_ENTROPY,
    POISSON,
    SQUARED_ERROR,
)

ACTIVATION = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}
SLOPE = {
    "identity": lambda a: np.ones_like(a),
    "logistic": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a**2,
    "relu": lambda a: (a > 0).astype(float),
}


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


LINK = {
    SQUARED_ERROR: ACTIVATION["identity"],
    POISSON: np.exp,
    BINARY_CROSS_ENTROPY: ACTIVATION["logistic"],
    CROSS_ENTROPY: softmax,
}
LOSS = {
    SQUARED_ERROR: lambda p, y: 0.5 * ((p - y) ** 2).sum(axis=1),
    POISSON: lambda p, y: (_xlogx(y) - y * np.log(p) - y + p).sum(axis=1),
    BINARY_CROSS_ENTROPY: lambda p, y: -np.log(np.where(y > 0, p, 1 - p)).sum(axis=1),
    CROSS_ENTROPY: lambda p, y: -np.log((p * y).sum(axis=1)),
}


def _xlogx(y):
    return np.where(y > 0, y * np.log(np.where(y > 0, y, 1)), 0)


def one_hot(targets, n_classes):
    return np.eye(n_classes)[targets[:, 0].astype(int)]


def forward(coefs, intercepts, X, activation, loss):
    """Outputs of every layer, X first."""
    outputs = [X]
    for coef, intercept in zip(coefs[:-1], intercepts[:-1], strict=True):
        outputs.append(ACTIVATION[activation](outputs[-1] @ coef + intercept))
    outputs.append(LINK[loss](outputs[-1] @ coefs[-1] + intercepts[-1]))
    return outputs


def loss_and_grads(coefs, intercepts, X, y, weights, activation, loss, alpha):
    """Weighted mean loss with its penalty, and the gradients of all parameters."""
    outputs = forward(coefs, intercepts, X, activation, loss)
    total = weights.sum()
    value = (weights * LOSS[loss](outputs[-1], y)).sum() / total
    value += 0.5 * alpha * sum((coef**2).sum() for coef in coefs) / total
    delta = weights[:, None] * (outputs[-1] - y)
    coef_grads, intercept_grads = [], []
    for depth in range(len(coefs) - 1, -1, -1):
        coef_grads.insert(0, (outputs[depth].T @ delta + alpha * coefs[depth]) / total)
        intercept_grads.insert(0, delta.sum(axis=0) / total)
        delta = (delta @ coefs[depth].T) * SLOPE[activation](outputs[depth])
    return value, coef_grads, intercept_grads


def adam(p, grad, m, v, t, rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Kingma and Ba, algorithm 1 with epsilon before the bias correction."""
    m[:] = beta_1 * m + (1 - beta_1) * grad
    v[:] = beta_2 * v + (1 - beta_2) * grad**2
    rate = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    p -= rate * m / (np.sqrt(v) + epsilon)
