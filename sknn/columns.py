"""Which columns of X are embedded, as what, and where their ramps are."""

from itertools import groupby

import numpy as np

from .embeddings import Embedding, as_embedding
from .params import views
from .samples import NEEDS_DENSE, is_sparse, spread

N_SAMPLES = 16_384  # to find quantiles of
MOST_CODES = 2**24  # as many as float32 tells apart


def embeddings_of_columns(mlp, X):
    """The embeddings of neighbouring columns of X; none where all are as they are."""
    embedding = as_embedding(mlp.numerical_embedding)
    categorical = categorical_mask(mlp, X.shape[1])
    if embedding is None and not categorical.any():
        return ()
    if is_sparse(X):
        raise ValueError(NEEDS_DENSE)
    kinds = np.where(categorical, "category", "as_is").astype(object)
    if embedding is not None:
        kinds[~categorical & has_many_values(X)] = "number"
    return tuple(_runs(X, kinds, embedding, mlp.category_embedding_size))


def _runs(X, kinds, embedding, size):
    """One embedding for each run of columns of a kind, or for each category."""
    for kind, run in groupby(range(len(kinds)), kinds.__getitem__):
        run = list(run)
        if kind == "number":
            yield embedding.embedding(len(run))
        elif kind == "as_is":
            yield Embedding("as_is", len(run), len(run))
        else:
            for column in run:
                yield Embedding("categories", 1, size, n_codes(X[:, column], column))


def has_many_values(X):
    """Of each column, whether it has more than two values."""
    return ((X.min(axis=0) != X) & (X.max(axis=0) != X)).any(axis=0)


def n_codes(codes, column):
    """How many codes a column has, from 0 up to the largest."""
    if not np.array_equal(codes, np.rint(codes)) or codes.max() >= MOST_CODES:
        raise ValueError(
            f"Column {column} is among categorical_features, so it must hold codes of "
            f"categories, integers below {MOST_CODES}. "
            "sklearn.preprocessing.OrdinalEncoder makes them."
        )
    return max(int(codes.max()) + 1, 1)


def categorical_mask(mlp, n_features):
    """A mask of the columns that hold categories, from a mask, indices or names."""
    mask = np.zeros(n_features, bool)
    if mlp.categorical_features is None or len(mlp.categorical_features) == 0:
        return mask
    chosen = np.asarray(mlp.categorical_features)
    if chosen.ndim == 1 and chosen.dtype.kind in "OU":
        chosen = _places_of(chosen, getattr(mlp, "feature_names_in_", None))
    if chosen.ndim != 1 or not _fit_columns(chosen, n_features):
        raise ValueError(
            "categorical_features must be a mask, indices or names of the "
            f"{n_features} features, got {mlp.categorical_features!r}."
        )
    mask[chosen] = True
    return mask


def _places_of(names, known):
    """The places of features with these names."""
    if known is None:
        raise ValueError(
            "categorical_features has names, but X has none: pass a DataFrame, or "
            "indices."
        )
    unknown = sorted(set(map(str, names)) - set(known))
    if unknown:
        raise ValueError(f"categorical_features has {unknown}, which X has not.")
    return np.flatnonzero(np.isin(known.astype(str), names.astype(str)))


def _fit_columns(chosen, n_features):
    """Whether a mask has an entry for each column, or there are columns of indices."""
    if chosen.dtype.kind == "b":
        return chosen.size == n_features
    is_index = (-n_features <= chosen) & (chosen < n_features)
    return chosen.dtype.kind in "iu" and is_index.all()


def embedded_as(mlp, n_features):
    """What the parameters ask for: fits that continue must ask for the same."""
    numerical = as_embedding(mlp.numerical_embedding)
    columns = np.flatnonzero(categorical_mask(mlp, n_features)).tolist()
    size = mlp.category_embedding_size if columns else 0
    return numerical and numerical.embedding(1), columns, size


def slices(embeddings):
    """The columns of X that each embedding is of."""
    stop = 0
    for each in embeddings:
        start, stop = stop, stop + each.n_columns
        yield slice(start, stop)


def constraints_of_inputs(constraints, embeddings):
    """Which way the output may go with each input, from those of the columns."""
    result = []
    for each, columns in zip(embeddings, slices(embeddings)):
        of_columns = constraints[columns]
        if each.name != "as_is":
            if any(of_columns):
                raise ValueError(
                    "monotonic_cst constrains a feature that is embedded, among "
                    "categorical_features or by numerical_embedding: only numbers as "
                    "they are have an order."
                )
            of_columns = (0,) * each.n_units
        result += of_columns
    return tuple(result)


def place_ramps(network, X, rows):
    """Let the ramps of a network go from quantile to quantile of some rows of X."""
    embeddings = network.layers.architecture.embeddings
    placed = [
        columns
        for each, columns in zip(embeddings, slices(embeddings))
        if each.name == "piecewise_linear"
    ]
    parts = views(network.params, network.layers)
    sampled = spread(rows, N_SAMPLES)
    for i, columns in enumerate(placed):
        starts, slopes = parts["ramp_starts_"][i], parts["ramp_slopes_"][i]
        ramps = ramps_between_quantiles(X[sampled, columns], len(starts))
        starts[:], slopes[:] = ramps


def ramps_between_quantiles(X, n_ramps):
    """The start and slope of ramps of each column, each steep where samples are many.

    They are in order.  Where a column has fewer distinct numbers, the last ramps have a
    slope of 0, and start where no number is.
    """
    shape, limits = (n_ramps, X.shape[1]), np.finfo(X.dtype)
    starts, slopes = np.full(shape, limits.max), np.zeros(shape, X.dtype)
    for j, column in enumerate(X.T):
        edges = edges_between(column, n_ramps)
        widths = np.diff(edges)
        is_wide = widths > 4 * limits.tiny  # the slope is a number
        n_wide = is_wide.sum()
        starts[:n_wide, j] = edges[:-1][is_wide]
        slopes[:n_wide, j] = 1 / widths[is_wide]
    return starts, slopes


def edges_between(numbers, n_bins):
    """Quantiles of numbers, of which none counts for more than one bin.

    So a number that most samples have leaves bins for the others.
    """
    distinct, counts = np.unique(numbers, return_counts=True)
    if distinct.size <= n_bins + 1:
        return distinct
    weights = np.minimum(counts, numbers.size / n_bins)
    middles = np.cumsum(weights) - weights / 2
    wanted = np.linspace(middles[0], middles[-1], n_bins + 1)
    return np.unique(np.interp(wanted, middles, distinct)).astype(numbers.dtype)
