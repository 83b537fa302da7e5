"""The estimators for raw tables: an encoder, and networks trained by a recipe."""

from functools import partial
from numbers import Integral, Real
from time import perf_counter

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    _fit_context,
)
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .base import BaseMLP, all_or_nothing
from .calibration import apply_temperature, temperature
from .callback_support import CallbackSupportMixin, reporter_of, with_callbacks
from .estimators import MLPClassifier, MLPRegressor
from .losses import loss_of
from .members import Members
from .recipe import OF_CLASSIFIER, OF_REGRESSOR, batch_size_for
from .table_encoder import TableEncoder
from .validation import folds

FEWEST_FOLDS = 5
OF_NETWORKS = (
    "hidden_layer_sizes",
    "max_iter",
    "learning_rate_init",
    "dropout",
    "weight_decay",
    "numerical_embedding",
    "scoring",
    "class_weight",
    "label_smoothing",
    "loss",
)


class BaseTabularMLP(CallbackSupportMixin, BaseEstimator):
    """What the classifier and the regressor share: the members and the encoder."""

    _parameter_constraints: dict = {
        name: BaseMLP._parameter_constraints[name]
        for name in ("hidden_layer_sizes", "max_iter", "batch_size", "dropout")
        + ("learning_rate_init", "weight_decay", "numerical_embedding", "scoring")
        + ("random_state", "n_jobs", "verbose")
    } | {
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "best_epoch": [StrOptions({"member", "joint", "last"})],
        "refit": ["boolean"],
        "time_limit": [Interval(Real, 0, None, closed="neither"), None],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    }

    @with_callbacks  # for _fit_context does it in scikit-learn 1.9 only
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
    ):
        validation_set = X_val, y_val, sample_weight_val
        reporter = reporter_of(self, X, y, sample_weight)
        with all_or_nothing(self):
            self._fit(X, y, sample_weight, validation_set, reporter)
            if reporter:
                reporter.end()
        return self

    def _fit(self, X, y, sample_weight, validation_set, reporter):
        deadline = perf_counter() + (self.time_limit or np.inf)
        encoder = TableEncoder(categorical_features=self.categorical_features)
        X = encoder.fit_transform(X)
        X_val, *others = validation_set
        if X_val is not None:
            X_val = encoder.transform(X_val)
        self.encoder_, self.n_features_in_ = encoder, encoder.n_features_in_
        data = X, y, sample_weight, (X_val, *others)
        self.members_ = self._members(len(X))
        start = perf_counter()
        joint = self.best_epoch == "joint" or self.refit
        fits = list(self._fits(self.members_, data))
        group = Members(fits, self.n_jobs, joint)
        group.run(deadline=deadline)
        if self.verbose:
            print(perf_counter() - start)
        for member, fit in zip(self.members_, fits):
            member._end(fit)
        self._finish(y, fits)

    def _members(self, n_samples):
        """Networks by the recipe, each with a seed of its own."""
        own = {name: getattr(self, name) for name in OF_NETWORKS if hasattr(self, name)}
        size = self.batch_size
        own["batch_size"] = batch_size_for(n_samples) if size == "auto" else size
        own["early_stopping"] = self.best_epoch == "member" and not self.refit
        if self.scoring is None:
            own["scoring"] = "loss"
        categories = np.flatnonzero(self.encoder_.output_kinds_ == "category")
        own["categorical_features"] = categories
        recipe = self._recipe() | own
        random_state = check_random_state(self.random_state)
        self._random_state = random_state
        seeds = random_state.randint(np.iinfo(np.int32).max, size=self.n_members)
        return [self._network(random_state=seed, **recipe) for seed in seeds]

    def _fits(self, members, data):
        X, y, sample_weight, validation_set = data
        fold = folds(max(FEWEST_FOLDS, len(members)), self._strata(y), self._random_state)
        for k, member in enumerate(members):
            parts = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
            if validation_set[0] is not None:
                parts = np.arange(len(fold)), None
            yield_ = member._start(X, y, sample_weight, validation_set, parts=parts)
            yield yield_

    def _network(self, **params):
        raise NotImplementedError

    def _encoded(self, X):
        check_is_fitted(self)
        return self.encoder_.transform(X)


class TabularMLPClassifier(ClassifierMixin, BaseTabularMLP):
    _network = MLPClassifier

    _parameter_constraints: dict = {
        **BaseTabularMLP._parameter_constraints,
        "label_smoothing": MLPClassifier._parameter_constraints["label_smoothing"],
        "class_weight": MLPClassifier._parameter_constraints["class_weight"],
    }

    def __init__(
        self,
        *,
        n_members=4,
        hidden_layer_sizes=(256, 256, 256),
        max_iter=32,
        batch_size="auto",
        learning_rate_init=0.04,
        dropout=0.15,
        weight_decay=0.02,
        label_smoothing=0.0,
        numerical_embedding="periodic",
        categorical_features="from_dtype",
        class_weight=None,
        scoring=None,
        best_epoch="member",
        refit=False,
        time_limit=None,
        random_state=None,
        verbose=False,
        n_jobs=-1,
    ):
        for name, value in list(locals().items()):
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    def _recipe(self):
        return OF_CLASSIFIER | {"dtype": "float32"}

    def _strata(self, y):
        return np.unique(np.asarray(y), return_inverse=True)[1].ravel()

    def _finish(self, y, fits):
        self.classes_ = self.members_[0].classes_
        evaluations = [fit.validation.evaluate for fit in fits]
        self.temperature_ = temperature(evaluations)
        for member, fit in zip(self.members_, fits):
            apply_temperature(fit.network, self.temperature_)

    def predict_proba(self, X):
        X = self._encoded(X)
        return np.mean([m.predict_proba(X) for m in self.members_], axis=0)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class TabularMLPRegressor(RegressorMixin, BaseTabularMLP):
    _network = MLPRegressor

    def __init__(
        self,
        *,
        loss="squared_error",
        n_members=4,
        hidden_layer_sizes=(256, 256, 256),
        max_iter=32,
        batch_size="auto",
        learning_rate_init=0.2,
        dropout=0.15,
        weight_decay=0.02,
        numerical_embedding="periodic",
        categorical_features="from_dtype",
        scoring=None,
        best_epoch="member",
        refit=False,
        time_limit=None,
        random_state=None,
        verbose=False,
        n_jobs=-1,
    ):
        for name, value in list(locals().items()):
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    def _recipe(self):
        return OF_REGRESSOR | {"dtype": "float32", "standardize_target": True}

    def _strata(self, y):
        return np.zeros(len(y), int)

    def _finish(self, y, fits):
        self.range_ = np.min(y), np.max(y)

    def predict(self, X):
        X = self._encoded(X)
        return np.mean([m.predict(X) for m in self.members_], axis=0).clip(*self.range_)
