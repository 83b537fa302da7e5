"""Which columns of X are embedded, and as what."""

from itertools import groupby

import numpy as np

from .embeddings import Embedding, as_embedding
from .samples import is_sparse

MOST_CODES = 2**24  # as many as float32 tells apart


def embeddings_of_columns(mlp, X):
    """The embeddings of neighbouring columns of X; none where all are as they are."""
    embedding = as_embedding(mlp.numerical_embedding)
    categorical = categorical_mask(mlp, X.shape[1])
    if embedding is None and not categorical.any():
        return ()
    if is_sparse(X):
        raise ValueError(
            "numerical_embedding and categorical_features need a dense X, got a sparse "
            "one. Use X.toarray(), or leave them out."
        )
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
    return ((X.min(axis=0) < X) & (X.max(axis=0) > X)).any(axis=0)


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
    chosen, mask = mlp.categorical_features, np.zeros(n_features, bool)
    if chosen is None or len(chosen) == 0:
        return mask
    chosen = np.asarray(chosen)
    if chosen.dtype.kind in "OU":
        chosen = _places_of(chosen, getattr(mlp, "feature_names_in_", None))
    fits = (
        chosen.size == n_features
        if chosen.dtype.kind == "b"
        else (
            chosen.dtype.kind in "iu"
            and chosen.min() >= -n_features
            and chosen.max() < n_features
        )
    )
    if chosen.ndim != 1 or not fits:
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
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"categorical_features has {unknown}, which X has not.")
    return np.flatnonzero(np.isin(known.astype(str), names.astype(str)))
