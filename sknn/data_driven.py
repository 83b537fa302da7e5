"""Initial parameters that the data choose, layer by layer.

The weights of a unit are scaled so that its sums have a variance of one on the training
samples, and its intercept puts 0 among its sums: where an activation bends, there are
samples on both sides (Holzmüller et al., "Better by default", NeurIPS 2024).
"""

import numpy as np

from .embeddings import OF_NUMBERS
from .params import views
from .samples import is_sparse, spread

N_SAMPLES = 2_048  # to estimate variances from
N_MIXED = 5  # samples whose sums an intercept is minus a random mean of


def center_embeddings(network, samples, rows):
    """Let the sums of each embedded number have a mean of 0 over some samples."""
    parts = views(network.params, network.layers)
    intercepts = iter(parts.get("embedding_intercepts_", ()))
    inputs = network.hidden_outputs(samples, spread(rows, N_SAMPLES), 0)
    means = inputs.mean(axis=0)
    first = 0
    for each in network.layers.architecture.embeddings:
        if each.name in OF_NUMBERS:
            of_columns = means[first : first + each.n_units].reshape(each.n_columns, -1)
            next(intercepts)[:] -= of_columns[:, 1:].T
        first += each.n_units


def fit_to_data(network, X, samples, rows, random_state):
    """Rescale the weights, and choose the intercepts, of a network as initialised."""
    if rows.size > N_SAMPLES:
        rows = rows[random_state.permutation(rows.size)[:N_SAMPLES]]
    lists = views(network.params, network.layers)
    for level, weights in enumerate(lists["coefs_"]):
        if level == 0 and is_sparse(X):
            inputs = X.tocsr()[rows]
        else:
            inputs = network.hidden_outputs(samples, rows, level)
        sums = inputs @ weights
        deviations, rounded = sums.std(axis=0), np.finfo(sums.dtype).eps
        varies = deviations > 100 * rounded * np.abs(sums).max(axis=0)
        factors = 1 / np.where(varies, deviations, 1)
        weights *= factors
        intercepts = lists["intercepts_"][level]
        intercepts[:] = -some_mean(sums * factors, random_state)


def some_mean(sums, random_state):
    """Of each column a mean of a few of its numbers, with random weights."""
    shape = N_MIXED, sums.shape[1]
    shares = random_state.exponential(size=shape)
    chosen = random_state.randint(len(sums), size=shape)
    picked = np.take_along_axis(sums, chosen, axis=0)
    return (shares / shares.sum(axis=0) * picked).sum(axis=0)
