"""Estimators that every fit asks for their parameters look at their constructor once.

It would take a tenth of a small fit.
"""

from sklearn.base import BaseEstimator


class Parametrized(BaseEstimator):
    """An estimator whose class remembers the names of its parameters."""

    @classmethod
    def _get_param_names(cls):
        if "_parameter_names" not in vars(cls):  # which a subclass must not inherit
            cls._parameter_names = super()._get_param_names()
        return cls._parameter_names.copy()
