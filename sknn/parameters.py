"""Estimators look at their constructor once: it takes a tenth of a small fit."""

from functools import cache

from sklearn.base import BaseEstimator


class Parametrized(BaseEstimator):
    """An estimator that remembers the names of its parameters."""

    @classmethod
    @cache
    def _get_param_names(cls):
        return super()._get_param_names()
