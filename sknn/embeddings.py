"""Embeddings make several inputs of a column of X, which are trained with the rest.

A number is followed by a few weighted sums of functions of it: waves whose frequencies
are trained, or ramps between its quantiles.  A category has a row of a table.
"""

from numbers import Integral, Real
from typing import NamedTuple

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval


class Embedding(NamedTuple):
    """What is made of some neighbouring columns of X."""

    name: str
    n_columns: int
    n_units: int
    size: int = 0  # functions of a number, or codes of a category
    deviation: float = 0.0  # of the frequencies at first


class Periodic(BaseEstimator):
    """A number and a few weighted sums of waves of it, frequencies being trained.

    Parameters
    ----------
    n_frequencies : int, default=16
        Waves of each feature.
    n_outputs : int, default=3
        Weighted sums of them.
    deviation : float, default=0.1
        Standard deviation of the frequencies at first, in turns per unit of the
        feature, which should be scaled to a deviation of about one.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical
       features in tabular deep learning", NeurIPS 2022.
    .. [2] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024, whose "PBLD"
       this is.

    Examples
    --------
    >>> from sknn import MLPRegressor
    >>> from sknn.embeddings import Periodic
    >>> net = MLPRegressor(numerical_embedding=Periodic(n_frequencies=8))
    """

    _parameter_constraints: dict = {
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "n_outputs": [Interval(Integral, 1, None, closed="left")],
        "deviation": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, n_frequencies=16, n_outputs=3, deviation=0.1):
        self.n_frequencies = n_frequencies
        self.n_outputs = n_outputs
        self.deviation = deviation

    def embedding(self, n_columns):
        """What is made of so many columns."""
        n_units = n_columns * (1 + self.n_outputs)
        sizes = n_columns, n_units, self.n_frequencies
        return Embedding("periodic", *sizes, float(self.deviation))


class PiecewiseLinear(BaseEstimator):
    """A number and a few weighted sums of ramps between its quantiles.

    Each sum is a piecewise-linear function of the number, flat beyond its range.

    Parameters
    ----------
    n_bins : int, default=64
        Ramps of each feature, between quantiles of the samples of the first fit.
    n_outputs : int, default=3
        Weighted sums of them.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical
       features in tabular deep learning", NeurIPS 2022.

    Examples
    --------
    >>> from sknn import MLPRegressor
    >>> from sknn.embeddings import PiecewiseLinear
    >>> net = MLPRegressor(numerical_embedding=PiecewiseLinear(n_bins=8))
    """

    _parameter_constraints: dict = {
        "n_bins": [Interval(Integral, 1, None, closed="left")],
        "n_outputs": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, n_bins=64, n_outputs=3):
        self.n_bins = n_bins
        self.n_outputs = n_outputs

    def embedding(self, n_columns):
        """What is made of so many columns."""
        n_units = n_columns * (1 + self.n_outputs)
        return Embedding("piecewise_linear", n_columns, n_units, self.n_bins)


EMBEDDINGS = {"periodic": Periodic(), "piecewise_linear": PiecewiseLinear()}
OF_NUMBERS = set(EMBEDDINGS)


def as_embedding(embedding):
    """The embedding of this name, or the object itself, its settings checked."""
    if isinstance(embedding, type):
        raise ValueError(
            f"numerical_embedding must be an object: write {embedding.__name__}()."
        )
    embedding = EMBEDDINGS[embedding] if isinstance(embedding, str) else embedding
    if embedding is not None:
        embedding._validate_params()
    return embedding
