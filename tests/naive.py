"""The network in plain NumPy: slow, obvious, and the oracle of the kernels."""

import numpy as np
from scipy.special import expit, ndtr

from sknn.losses import (
    BINARY_CROSS_ENTROPY,
    CROSS_ENTROPY,
    POISSON,
    SQUARED_ERROR,
)


def normal_density(z):
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def softplus(z):
    return np.logaddexp(0, z)


ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805
ACTIVATION = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "selu": lambda z: SCALE * np.where(z > 0, z, ALPHA * np.expm1(z)),
    "softplus": softplus,
    "gelu": lambda z: z * ndtr(z),
    "silu": lambda z: z * expit(z),
    "mish": lambda z: z * np.tanh(softplus(z)),
    "hardswish": lambda z: z * np.clip(z + 3, 0, 6) / 6,
}
DERIVATIVE = {
    "identity": np.ones_like,
    "logistic": lambda z: expit(z) * expit(-z),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: (z > 0).astype(float),
    "leaky_relu": lambda z: np.where(z > 0, 1, 0.01),
    "elu": lambda z: np.where(z > 0, 1, np.exp(z)),
    "selu": lambda z: SCALE * np.where(z > 0, 1, ALPHA * np.exp(z)),
    "softplus": expit,
    "gelu": lambda z: ndtr(z) + z * normal_density(z),
    "silu": lambda z: expit(z) * (1 + z * expit(-z)),
    "mish": lambda z: (
        np.tanh(softplus(z)) + z * expit(z) * (1 - np.tanh(softplus(z)) ** 2)
    ),
    "hardswish": lambda z: np.where(abs(z) < 3, (2 * z + 3) / 6, z > 0),
}


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


LINK = {
    SQUARED_ERROR: ACTIVATION["identity"],
    POISSON: np.exp,
    BINARY_CROSS_ENTROPY: expit,
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
    """Weighted sums and outputs of every layer, X first."""
    sums, outputs = [X], [X]
    for depth, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
        is_last = depth == len(coefs) - 1
        function = LINK[loss] if is_last else ACTIVATION[activation]
        sums.append(outputs[-1] @ coef + intercept)
        outputs.append(function(sums[-1]))
    return sums, outputs


def embedded(X, embeddings, parts):
    """The inputs that embeddings make of X; ``parts`` are lists of parameters."""
    of = {name: iter(arrays) for name, arrays in parts.items()}
    inputs, column = [], 0
    for each in embeddings:
        x = X[:, column : column + each.n_columns]
        column += each.n_columns
        if each.name == "as_is":
            inputs.append(x)
        elif each.name == "categories":
            known = (x >= 0) & (x < each.size) & (x == np.rint(x))
            rows = np.where(known, x + 1, 0).astype(int)
            inputs.append(next(of["category_embeddings_"])[rows[:, 0]])
        else:
            inputs.append(expanded(x, each, of))
    return np.hstack(inputs)


def expanded(x, embedding, of):
    """Each number, followed by weighted sums of functions of it."""
    weights, z = next(of["embedding_coefs_"]), x[:, None, :]
    if embedding.name == "periodic":
        turns = next(of["frequencies_"]) * z + next(of["phases_"])
        values = np.cos(2 * np.pi * turns)
    else:
        starts, slopes = next(of["ramp_starts_"]), next(of["ramp_slopes_"])
        values = np.clip((z - starts) * slopes, 0, 1)
    weights = weights.reshape(embedding.size, -1, x.shape[1])
    sums = np.einsum("ihj,hkj->ijk", values, weights)
    sums += next(of["embedding_intercepts_"]).T
    return np.concatenate([x[:, :, None], sums], axis=2).reshape(len(x), -1)


def loss_and_grads(coefs, intercepts, X, y, weights, activation, loss, alpha):
    """Weighted mean loss with its penalty, and the gradients of all parameters."""
    sums, outputs = forward(coefs, intercepts, X, activation, loss)
    total = weights.sum()
    value = (weights * LOSS[loss](outputs[-1], y)).sum() / total
    value += 0.5 * alpha * sum((coef**2).sum() for coef in coefs) / total
    delta = weights[:, None] * (outputs[-1] - y)
    coef_grads, intercept_grads = [], []
    for depth in range(len(coefs) - 1, -1, -1):
        coef_grads.insert(0, (outputs[depth].T @ delta + alpha * coefs[depth]) / total)
        intercept_grads.insert(0, delta.sum(axis=0) / total)
        delta = (delta @ coefs[depth].T) * DERIVATIVE[activation](sums[depth])
    return value, coef_grads, intercept_grads


def adam(p, grad, m, v, t, rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Kingma and Ba, algorithm 1 with epsilon before the bias correction."""
    m[:] = beta_1 * m + (1 - beta_1) * grad
    v[:] = beta_2 * v + (1 - beta_2) * grad**2
    rate = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    p -= rate * m / (np.sqrt(v) + epsilon)
