"""Averages of the weights over the steps of a fit, which often predict better.

An average follows the parameters by a share of the way in each step; what it averages
is a matter of these shares.
"""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval


class EMA(BaseEstimator):
    """The exponential moving average of the weights after every step.

    Parameters
    ----------
    decay : float, default=0.999
        What remains of the average in each step, in [0, 1).
    warm_up : bool, default=True
        Whether less remains in the first steps, ``t / (t + 9)`` after t of them, so
        that the initial weights are soon forgotten.  Either way the average starts as
        the weights after the first step.

    References
    ----------
    .. [1] B. T. Polyak and A. B. Juditsky, "Acceleration of stochastic approximation
       by averaging", SIAM J. Control and Optimization 30, 1992.

    Examples
    --------
    >>> from sknn import MLPClassifier
    >>> from sknn.averaging import EMA
    >>> net = MLPClassifier(averaging=EMA(decay=0.99))
    """

    _parameter_constraints: dict = {
        "decay": [Interval(Real, 0, 1, closed="left")],
        "warm_up": ["boolean"],
    }

    def __init__(self, decay=0.999, warm_up=True):
        self.decay = decay
        self.warm_up = warm_up

    def shares(self, n_steps, steps_done, epochs_done, max_epochs):
        """How far the average goes towards the weights, for each step of an epoch."""
        done = steps_done + np.arange(n_steps)
        at_least = 9 / (9 + done) if self.warm_up else (done == 0).astype(float)
        return np.maximum(at_least, 1 - self.decay)


class SWA(BaseEstimator):
    """The mean of the weights at the end of each of the last epochs.

    Parameters
    ----------
    start : float, default=0.75
        The share of ``max_iter`` after which averaging begins.

    References
    ----------
    .. [1] P. Izmailov et al., "Averaging weights leads to wider optima and better
       generalization", UAI 2018.

    Examples
    --------
    >>> from sknn import MLPClassifier
    >>> from sknn.averaging import SWA
    >>> net = MLPClassifier(averaging=SWA(start=0.5), n_iter_no_change=1000)
    """

    _parameter_constraints: dict = {"start": [Interval(Real, 0, 1, closed="left")]}

    def __init__(self, start=0.75):
        self.start = start

    def shares(self, n_steps, steps_done, epochs_done, max_epochs):
        """How far the average goes towards the weights, for each step of an epoch."""
        # 0.55 * 100 is a little more than 55
        first = int(np.ceil(round(self.start * max_epochs, 6)))
        n_averaged = epochs_done - first
        if n_averaged < 0:
            return np.ones(n_steps)
        shares = np.zeros(n_steps)
        shares[-1] = 1 / (n_averaged + 1)
        return shares


AVERAGES = {"ema": EMA(), "swa": SWA()}


def as_average(averaging):
    """The average of this name, or the object itself, its settings checked."""
    if isinstance(averaging, type):
        raise ValueError(f"averaging must be an object: write {averaging.__name__}().")
    average = AVERAGES[averaging] if isinstance(averaging, str) else averaging
    if average is not None:
        average._validate_params()
    return average
