"""The estimators: scikit-learn's contract round a network.

They validate and encode what users give, hand it to training.py, and publish what
came of it as fitted attributes.  Of the network they keep `coefs_` and `intercepts_`,
views of the flat vector that the kernels read.
"""

import copy
import warnings
from contextlib import contextmanager, suppress
from functools import partial
from numbers import Integral, Real
from operator import index, is_

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    _fit_context,
)
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import (
    _check_monotonic_cst,
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from .activations import ACTIVATIONS
from .architecture import Architecture, Layers
from .averaging import AVERAGES
from .callback_support import CallbackSupportMixin, reporter_of, with_callbacks
from .combinations import (
    activations_of_layers,
    check_combination,
    dropout_of_levels,
)
from .initialization import DEFAULT, SCHEMES, initialize
from .losses import OF_OUT_ACTIVATION, REGRESSION_LOSSES, Loss, loss_of
from .monotonic import enforce, required_signs
from .normalization import NORMALIZATIONS
from .optimizer_state import OF_SGD, optimizer_state
from .optimizers import OPTIMIZERS, Optimizer, as_optimizer, is_stochastic
from .params import layer_units, pack, views
from .plans import Network
from .samples import freeze, is_sparse
from .schedules import SCHEDULES, Schedule
from .targets import (
    are_of_columns,
    labels_among,
    labels_of,
    mean_and_scale,
    weights_of_classes,
)
from .training import Progress, fit_lbfgs, fit_stochastic
from .validation import Validation, scored_by, split, strata

PRECISIONS = (np.float64, np.float32)


def _has_stochastic_solver(mlp):
    if not is_stochastic(mlp.solver):
        raise AttributeError(
            "partial_fit is only available for stochastic"
            f" optimizers. {mlp.solver} is not stochastic."
        )
    return True


class _BaseMLP(CallbackSupportMixin, BaseEstimator):
    """What the classifier and the regressor share; they differ in their targets."""

    _parameter_constraints: dict = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [
            StrOptions(set(ACTIVATIONS)),
            HasMethods("formula"),
            list,
            tuple,
        ],
        "solver": [StrOptions(set(OPTIMIZERS)), Optimizer],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate": [StrOptions({*OF_SGD, *SCHEDULES}), Schedule, callable],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "scoring": [str, callable, None],
        "dtype": [StrOptions({"float32", "float64"}), None],
        "init": [StrOptions(set(SCHEMES))],
        "normalization": [StrOptions(set(NORMALIZATIONS)), None],
        "skip_connections": ["boolean"],
        "monotonic_cst": ["array-like", dict, None],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "input_noise": [Interval(Real, 0, None, closed="left")],
        "l1": [Interval(Real, 0, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left"), None],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "averaging": [StrOptions(set(AVERAGES)), HasMethods("shares"), None],
        "n_jobs": [None, Integral],
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
        """Fit the network to X and y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.  float32 is computed in float32, all else in float64.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels in classification, real numbers in regression.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample in the loss; None weighs all alike.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation samples instead of a part of X: ``validation_scores_`` and
            ``validation_loss_curve_`` are recorded for them, with ``early_stopping``
            or without.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their classes, all of them known from y, or numbers.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights, in score and loss.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data or a parameter is not of the documented kind, or if the
            weights overflow; the estimator is then as it was before.
        """
        validation_set = X_val, y_val, sample_weight_val
        # before a failure could take the callbacks' context away: they are torn down
        reporter = reporter_of(self, X, y, sample_weight)
        with _all_or_nothing(self):
            self._fit(X, y, sample_weight, validation_set, reporter=reporter)
            if reporter:
                reporter.end()
        return self

    def _fit(
        self, X, y, sample_weight, validation_set=None, incremental=False, reporter=None
    ):
        hidden_layer_sizes = _hidden_layer_sizes(self.hidden_layer_sizes)
        first_pass = not hasattr(self, "coefs_") or (
            not self.warm_start and not incremental
        )
        X, targets = self._validate_input(X, y, incremental, reset=first_pass)
        weights = self._weights(sample_weight, X, targets, incremental)
        given = self._validate_set(*validation_set) if validation_set else None
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")

        random_state = check_random_state(self.random_state)
        if first_pass or not hasattr(self, "_split_random_state"):
            self._split_random_state = None
        units = [X.shape[1], *hidden_layer_sizes, self.n_outputs_]
        architecture = self._architecture(units, is_sparse(X))
        check_combination(self, architecture, self._loss())
        if first_pass:
            network = self._initial_network(units, random_state, X)
        else:
            network = self._continued_network(units, X)
        progress = Progress() if first_pass else self._progress()
        rows, others = np.arange(X.shape[0]), None
        if self.early_stopping and self.solver != "lbfgs" and given is None:
            rows, others = self._split(targets, random_state, first_pass)
        self._choose_units(targets, weights, rows, first_pass)
        scaled = self._in_units(targets)
        samples = freeze(X, network.params.dtype, scaled, weights)
        validation = None
        if given:
            validation = self._validation_on(network, *given)
        elif others is not None:
            validation = self._validation(network, X, targets, samples, others)
        self._prepare(progress, validation, first_pass)
        optimizer = None
        if self.solver == "lbfgs":
            report = self._begin_report(
                reporter, network, progress, optimizer, validation
            )
            fit_lbfgs(self, network, samples, progress, validation, report)
        else:
            optimizer = self._carried_optimizer(network) if incremental else None
            optimizer = optimizer or optimizer_state(self, network)
            report = self._begin_report(
                reporter, network, progress, optimizer, validation
            )
            fit_stochastic(
                self, network, samples, rows, random_state, progress, optimizer,
                validation, report, max_iter=1 if incremental else None,
            )  # fmt: skip
        if not np.isfinite(network.params).all():
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may"
                " contain large values and need to be preprocessed."
            )
        self._publish(network, progress, optimizer, validation)
        return self

    def _choose_units(self, targets, weights, rows, first_pass):
        """Decide in which units the network sees targets, from those it trains on."""

    def _in_units(self, targets):
        """The targets as the network sees them."""
        return targets

    def _weights(self, sample_weight, X, targets, incremental):
        """The weights of the samples in the loss, or None."""
        return _validate_weights(sample_weight, X)

    def _validate_X_y(self, X, y, **options):
        """X and y as arrays, or X sparse; a y of one column becomes one-dimensional."""
        X, y = validate_data(
            self, X, y,
            accept_sparse=["csr", "csc"], multi_output=True,
            dtype=self.dtype or PRECISIONS, **options,
        )  # fmt: skip
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _validate_set(self, X, y, sample_weight):
        """X, targets and weights of a validation set of the user's, or None."""
        if X is None and y is None:
            if sample_weight is not None:
                raise ValueError(
                    "sample_weight_val is provided, but X_val and y_val were not."
                )
            return None
        if y is None:
            raise ValueError("X_val is provided, but y_val was not provided.")
        if X is None:
            raise ValueError("y_val is provided, but X_val was not provided.")
        try:
            X, targets = self._validate_more(X, y)
            return X, targets, _validate_weights(sample_weight, X)
        except ValueError as error:
            raise ValueError(f"X_val and y_val do not fit: {error}") from error

    def _prepare(self, progress, validation, first_pass):
        """Let a fit begin to watch what the earlier ones, if any, did not."""
        if validation and progress.validation_scores is None:
            progress.validation_scores, progress.validation_loss_curve = [], []
        if self.solver == "lbfgs":
            return
        if not self.early_stopping:
            if progress.best_loss is None:
                progress.best_loss = min(progress.loss_curve, default=np.inf)
            return
        progress.best_loss = None
        # The best so far may have been that of other samples, or another scoring.
        score = -np.inf if first_pass else validation()[0]
        if score != progress.best_validation_score:
            progress.best_validation_score = -np.inf if np.isnan(score) else score
            progress.best_n_iter = len(progress.validation_scores)

    def _begin_report(self, reporter, network, progress, optimizer, validation):
        """What the fit is to call after each epoch, or None where nobody listens."""
        if reporter is None:
            return None
        self._optimizer = optimizer  # where a callback finds the learning rate
        now = partial(self._if_stopped_now, network, progress, optimizer, validation)
        reporter.begin(now, network.params)
        return reporter.end_epoch

    def _if_stopped_now(self, network, progress, optimizer, validation, params):
        """The attributes of an estimator whose fit stops with ``params``, in copies."""
        network = network.with_params(params)
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        optimizer = optimizer and optimizer.copy()
        twin._publish(network, progress.copy(), optimizer, validation)
        return vars(twin)

    def _carried_optimizer(self, network):
        """A copy of the last fit's state, if it is one for this solver and network."""
        optimizer = getattr(self, "_optimizer", None)
        fits = (
            optimizer is not None
            and optimizer.solver.is_like(as_optimizer(self.solver))
            and optimizer.moments.dtype == network.params.dtype
            and optimizer.layout == network.layers.architecture.layout()
        )
        return optimizer.copy() if fits else None

    def _initial_network(self, units, random_state, X):
        dtype = np.float64 if self.solver == "lbfgs" else X.dtype
        layers = Layers(self._architecture(units, is_sparse(X)), dtype)
        # scikit-learn's factor, which Glorot and Bengio do not have
        logistic = self.init == DEFAULT and self.activation == "logistic"
        params = initialize(layers, random_state, self.init, 1 / 3 if logistic else 1.0)
        signs = required_signs(layers)
        if signs is not None:
            enforce(params, signs)
        return Network(params, layers, self._loss())

    def _architecture(self, units, sparse_input):
        """The architecture that the parameters ask for, with these units."""
        n_hidden = len(units) - 2
        return Architecture(
            units=tuple(units),
            activations=activations_of_layers(self.activation, n_hidden),
            dropout=dropout_of_levels(self.dropout, n_hidden),
            noise=self.input_noise,
            normalization=self.normalization,
            skip_connections=self.skip_connections,
            monotonic=self._monotonic(units[0]),
            sparse_input=sparse_input,
        )

    def _monotonic(self, n_features):
        """The constraint of each feature, or nothing where there is none."""
        if self.monotonic_cst is None:
            return ()
        constraints = tuple(_check_monotonic_cst(self, self.monotonic_cst).tolist())
        return constraints if any(constraints) else ()

    def _continued_network(self, units, X):
        """A copy of the fitted network, so that a failed fit leaves it as it is."""
        fitted = layer_units(self.coefs_)
        if fitted != units:
            raise ValueError(
                f"The fitted network has layers of {fitted} units, the parameters and "
                f"data ask for {units}: a fit that continues cannot change them. Set "
                "warm_start=False to start anew."
            )
        lbfgs = self.solver == "lbfgs"
        dtype = np.float64 if lbfgs else self._precision(self.coefs_[0].dtype)
        return self._packed(dtype, is_sparse(X), self._loss())

    def _packed(self, dtype, sparse_input, loss):
        """A network of its own with the weights of `coefs_` and `intercepts_`."""
        _check_shapes(self.coefs_, self.intercepts_)
        units = layer_units(self.coefs_)
        layers = Layers(self._architecture(units, sparse_input), dtype)
        return Network(pack(vars(self), layers), layers, loss)

    def _progress(self):
        """What the earlier fits have seen, in copies."""
        return Progress(
            t=getattr(self, "t_", 0),
            loss=getattr(self, "loss_", np.inf),
            loss_curve=list(getattr(self, "loss_curve_", [])),
            best_loss=getattr(self, "best_loss_", None),
            validation_scores=copy.copy(getattr(self, "validation_scores_", None)),
            validation_loss_curve=copy.copy(
                getattr(self, "validation_loss_curve_", None)
            ),
            best_validation_score=getattr(self, "best_validation_score_", None),
            best_n_iter=getattr(self, "best_n_iter_", None),
            no_improvement_count=getattr(self, "_no_improvement_count", 0),
        )

    def _publish(self, network, progress, optimizer, validation):
        """Set the fitted attributes, all at once and last of all."""
        self.n_layers_ = len(network.layers.architecture.units)
        self.out_activation_ = network.loss.out_activation
        self._fitted_loss = network.loss
        self.n_iter_ = progress.n_iter
        self.t_ = progress.t
        self.loss_ = progress.loss
        if optimizer is not None:
            self.loss_curve_ = progress.loss_curve
            self.best_loss_ = progress.best_loss
            self.best_validation_score_ = progress.best_validation_score
            self.best_n_iter_ = progress.best_n_iter
            self._no_improvement_count = progress.no_improvement_count
        if optimizer is not None or validation:
            self.validation_scores_ = progress.validation_scores
            self.validation_loss_curve_ = progress.validation_loss_curve
        self._optimizer = optimizer
        self._keep(network)
        if network.params.dtype != self._precision(network.params.dtype):
            sparse_input = network.layers.architecture.sparse_input
            self._keep(self._packed(np.dtype(self.dtype), sparse_input, network.loss))

    def _keep(self, network):
        """Show the parameters as lists of views, for users to read or edit."""
        parts = views(network.params, network.layers)
        vars(self).update(parts)
        self._network = network, sum(parts.values(), []), self.activation

    def _fitted_network(self, dtype, sparse_input):
        """The network of `coefs_` and `intercepts_`, the fit's or the user's."""
        network, kept, activation = getattr(self, "_network", (None, [], None))
        current = [*self.coefs_, *self.intercepts_]
        untouched = len(kept) == len(current) and all(map(is_, kept, current))
        untouched = untouched and activation == self.activation
        if untouched and network.params.dtype == dtype:
            return network.reading(sparse_input)
        loss = getattr(self, "_fitted_loss", None)
        loss = loss or OF_OUT_ACTIVATION[self.out_activation_]
        return self._packed(dtype, sparse_input, loss)

    def hidden_activations(self, X, layer=-1):
        """Outputs of a hidden layer, as features for other models.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        layer : int, default=-1
            Which hidden layer, as an index of a list: 0 is the first, -1 the last.

        Returns
        -------
        activations : ndarray of shape (n_samples, n_units)
            The output of each unit of that layer.

        Raises
        ------
        IndexError
            If there is no such layer.
        """
        network, samples, rows = self._ready(X)
        n_hidden = len(network.layers.architecture.units) - 2
        try:
            level = range(n_hidden)[layer] + 1
        except IndexError:
            raise IndexError(
                f"There is no hidden layer {layer}: the network has {n_hidden}."
            ) from None
        return network.hidden_outputs(samples, rows, level, self.n_jobs)

    def _outputs(self, X):
        """The network's outputs for X, of shape (n_samples, n_outputs)."""
        network, samples, rows = self._ready(X)
        return network.predict(samples, rows, self.n_jobs)

    def _ready(self, X):
        """The fitted network, and X as samples that it can read."""
        check_is_fitted(self)
        X = validate_data(
            self, X,
            accept_sparse=["csr", "csc"], dtype=self.dtype or "numeric", reset=False,
        )  # fmt: skip
        dtype = self._precision(X.dtype, self.coefs_[0].dtype)
        network = self._fitted_network(dtype, is_sparse(X))
        n_features = network.layers.architecture.units[0]
        if X.shape[1] != n_features:
            raise ValueError(
                f"X has {X.shape[1]} features, but coefs_[0] has {n_features} rows; "
                "there must be one for each."
            )
        return network, freeze(X, dtype), np.arange(X.shape[0])

    def _precision(self, *dtypes):
        """The dtype to compute in, for data and weights of these dtypes."""
        return np.dtype(self.dtype) if self.dtype else _precision(*dtypes)

    def _split(self, targets, random_state, first_pass):
        """Training and validation rows, the same ones in every warm-started fit."""
        if first_pass or self._split_random_state is None:
            self._split_random_state = copy.deepcopy(random_state)
        else:
            random_state = copy.deepcopy(self._split_random_state)
        fraction, classes = self.validation_fraction, self._strata(targets)
        return split(len(targets), fraction, classes, random_state)

    def _validation_on(self, network, X_val, targets, weights):
        """The score and the loss on all of a validation set, as a function."""
        network = network.reading(is_sparse(X_val))
        scaled = self._in_units(targets)
        samples = freeze(X_val, network.params.dtype, scaled, weights)
        rows = np.arange(X_val.shape[0])
        return self._validation(network, X_val, targets, samples, rows)

    def _validation(self, network, X, targets, samples, rows):
        """The score and the loss that the network has on these rows, as a function."""
        targets = targets[rows]
        weights = samples.weights[rows] if samples.weights.size else None
        if self.scoring is None:
            score = partial(self._default_score, targets, weights)
        elif self.scoring == "loss":
            score = _minus_loss
        else:
            probe, y = self._probe(network), self._true_labels(targets)
            score = scored_by(self.scoring, probe, X[rows], y, weights)
        return Validation(network, samples, rows, score)

    def _probe(self, network):
        """A light copy with the weights of a network in training."""
        probe = object.__new__(type(self))
        vars(probe).update(vars(self))
        vars(probe).pop("feature_names_in_", None)  # X is an array by now
        probe.out_activation_ = network.loss.out_activation
        probe._fitted_loss = network.loss
        probe._keep(network)
        return probe

    def __getstate__(self):
        from . import __version__

        state = dict(super().__getstate__())
        state.pop("_network", None)
        return state | {"_sknn_version": __version__}

    def __setstate__(self, state):
        from . import __version__

        state = dict(state)
        saved = state.pop("_sknn_version", "unknown")
        if saved != __version__:
            name = type(self).__name__
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=name,
                    current_sklearn_version=__version__,
                    original_sklearn_version=saved,
                ),
                stacklevel=2,
            )
        super().__setstate__(state)
        if "coefs_" in state:
            dtype = _precision(self.coefs_[0].dtype)
            # of parameters that were changed after the fit there may be no network
            with suppress(KeyError, TypeError, ValueError):
                self._keep(self._fitted_network(dtype, sparse_input=False))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextmanager
def _all_or_nothing(estimator):
    """Whatever goes wrong, leave the estimator's attributes as they were."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        # never without an attribute on the way: another thread may be predicting
        vars(estimator).update(before)
        for name in vars(estimator).keys() - before.keys():
            delattr(estimator, name)
        raise


def _hidden_layer_sizes(sizes):
    """``hidden_layer_sizes`` as a list of positive integers."""
    sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if np.any(np.array(sizes) <= 0):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [index(size) for size in sizes]


def _precision(*dtypes):
    """The dtype to compute in: float32 if all are no wider, else float64."""
    single = np.result_type(*dtypes) == np.float32
    return np.dtype(np.float32 if single else np.float64)


def _check_shapes(coefs, intercepts):
    """Refuse weights of the user's that do not fit together."""
    outputs = [coef.shape[1] for coef in coefs]
    inputs = [coef.shape[0] for coef in coefs[1:]]
    if (
        outputs != [intercept.size for intercept in intercepts]
        or outputs[:-1] != inputs
    ):
        raise ValueError(
            "coefs_ and intercepts_ do not fit together: their shapes are "
            f"{[coef.shape for coef in coefs]} and "
            f"{[intercept.shape for intercept in intercepts]}; each layer takes "
            "as many inputs as the one before has outputs, one intercept for each."
        )


def _validate_weights(sample_weight, X, factors=None):
    """Weights as an array, or None; negative ones are allowed, as in scikit-learn."""
    if sample_weight is None and factors is None:
        return None
    weights = _check_sample_weight(sample_weight, X)
    if factors is not None:
        weights = weights * factors
    if not np.any(weights):
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def _columns(targets):
    """Targets or outputs as users see them: a single column has no second axis."""
    return targets.ravel() if targets.shape[1] == 1 else targets


def _is_first_call(estimator, classes):
    """Whether ``partial_fit`` begins, with these classes; refuse others later on."""
    if not are_of_columns(classes):
        return _check_partial_fit_first_call(estimator, classes)
    known = getattr(estimator, "classes_", None)
    if known is None:
        return True
    classes = [np.unique(column) for column in classes]
    if len(known) != len(classes) or not all(map(np.array_equal, known, classes)):
        raise ValueError(
            f"`classes={classes!r}` is not the same as on last call to partial_fit, "
            f"was: {known!r}"
        )
    return False


def _minus_loss(outputs, loss):
    """The loss as a score, which is better when larger."""
    return -loss


class MLPClassifier(ClassifierMixin, _BaseMLP):
    """Classify with a multi-layer perceptron, minimising the log-loss.

    A drop-in replacement of :class:`sklearn.neural_network.MLPClassifier`: the same
    parameters, attributes and, in float64 and for the same ``random_state``, the
    same numbers.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of shape (n_hidden_layers,), default=(100,)
        Units of each hidden layer; ``()`` is a linear model.
    activation : {'identity', 'logistic', 'tanh', 'relu'}, default='relu'
        Activation of the hidden layers.
    solver : {'lbfgs', 'sgd', 'adam'}, default='adam'
        How the weights are found: 'adam' [2]_ and 'sgd' go through minibatches,
        'lbfgs' is a quasi-Newton method over all samples, good on small data.
    alpha : float, default=0.0001
        Strength of the L2 penalty ``alpha / 2 * sum(weights ** 2)``, divided by the
        sum of the sample weights of the minibatch.
    batch_size : int or 'auto', default='auto'
        Samples in a minibatch; 'auto' is ``min(200, n_samples)``.
    learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
        Schedule of the learning rate, for ``solver='sgd'`` only.

        - 'constant' stays at ``learning_rate_init``;
        - 'invscaling' is ``learning_rate_init / (t_ + 1) ** power_t``;
        - 'adaptive' is divided by 5 whenever more than ``n_iter_no_change`` epochs
          in a row have brought no improvement, until it is at most 1e-6.
    learning_rate_init : float, default=0.001
        Initial learning rate of 'sgd' and 'adam'.
    power_t : float, default=0.5
        Exponent of the 'invscaling' schedule.
    max_iter : int, default=200
        Largest number of epochs, or of iterations of 'lbfgs'.
    shuffle : bool, default=True
        Whether to shuffle the samples before each epoch.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the validation split and the shuffles.  The
        same int gives the same weights as in scikit-learn.
    tol : float, default=1e-4
        An epoch that improves the loss or score by less counts as none; for 'lbfgs',
        the largest component of the gradient to stop at.
    verbose : bool, default=False
        Whether to print the progress.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last one.
    momentum : float, default=0.9
        Momentum of 'sgd', between 0 and 1.
    nesterovs_momentum : bool, default=True
        Whether 'sgd' uses Nesterov's momentum.
    early_stopping : bool, default=False
        Whether to stop when the score on validation samples no longer improves, and
        keep the weights that scored best.  They are a part of the samples, set aside,
        unless ``fit`` is given some.  Not for 'lbfgs'.
    validation_fraction : float, default=0.1
        Share of the samples set aside for ``early_stopping``.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of Adam's estimates of the first and second moment.
    epsilon : float, default=1e-8
        Added to Adam's denominator.
    n_iter_no_change : int, default=10
        Epochs without improvement that are borne.
    max_fun : int, default=15000
        Largest number of evaluations of the loss for 'lbfgs'.
    class_weight : dict, list of dict, 'balanced' or None, default=None
        Weights of the classes, ``{class: weight}``, which multiply the sample weights;
        one such dict for each column of y where it has several, ``{0: w, 1: w}`` in
        multilabel classification; they multiply.
        'balanced' is ``n_samples / (n_classes * counts of the classes)``.  They weigh
        the samples set aside for ``early_stopping``, too.
    scoring : str, callable or None, default=None
        What is scored on the validation samples after every epoch: None is the
        accuracy, 'loss' minus the loss; or a scorer of scikit-learn's, its name or a
        function ``scorer(estimator, X, y)``.
    dtype : {'float32', 'float64'} or None, default=None
        Precision of ``fit`` and ``predict``; None is that of X.  'lbfgs' computes in
        float64 whatever it is, and rounds the weights that it finds.
    init : str, default='glorot_uniform'
        How the weights are drawn: 'glorot_uniform' [1]_, as in scikit-learn, or
        'glorot_normal', 'he_uniform', 'he_normal', 'lecun_uniform', 'lecun_normal',
        'orthogonal'; these start with intercepts of zero.  With 'zeros' all units of a
        layer stay alike: it shows why weights are drawn.
    normalization : {'batch', 'layer'} or None, default=None
        Normalise the weighted sums of each hidden layer, before its activation, over
        the samples of the minibatch or over the units of each sample; a scale and a
        shift of each unit follow, see ``scales_``.
    skip_connections : bool, default=False
        Whether each hidden layer but the first adds its inputs to its outputs: as they
        are where the layers have the same number of units, else through weights of
        their own, ``skip_coefs_``.
    monotonic_cst : array-like of int of shape (n_features,), dict or None, default=None
        For each feature 1 if the outputs may only increase with it, -1 if they may only
        decrease, 0 if it is free; or a dict of them by the features' names.  Holds
        everywhere, by the signs of the weights.  For probabilities it is that of the
        positive class.
    dropout : float or array-like, default=0.0
        Share of the units of each hidden layer that are left out in each step of the
        training; a list has one for each hidden layer, or one more, in front, for the
        inputs.
    input_noise : float, default=0.0
        Standard deviation of the normal noise that is added to the inputs in training.
    l1 : float, default=0.0
        Strength of the penalty ``l1 * sum(abs(weights))``, divided as that of
        ``alpha`` is.
    weight_decay : float or None, default=None
        Decoupled decay: each step first multiplies the weights by ``1 - weight_decay *
        learning rate``.  None is 0.01 for 'adamw' and 0 for all others.
    max_grad_norm : float or None, default=None
        A gradient whose norm over all parameters, penalties included, is larger is
        scaled down to it.
    averaging : {'ema', 'swa'}, object or None, default=None
        Predict, and score validation samples, with an average of the weights over the
        steps instead of the last ones: :class:`sknn.averaging.EMA` or
        :class:`sknn.averaging.SWA`.
    label_smoothing : float, default=0.0
        Share of each target that is spread evenly over all classes, in [0, 1).
    n_jobs : int or None, default=None
        Threads of ``fit``; None is 1 unless in a :obj:`joblib.parallel_config` context,
        -1 is all cores.  Small minibatches take fewer, and so does a fit inside a
        worker of joblib's.  The results do not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of them
        Class labels; of each column, where y has several columns of classes.
    coefs_ : list of ndarray of shape (fan_in, fan_out)
        The weights of each layer.  They may be edited: ``predict`` reads them.
    intercepts_ : list of ndarray of shape (fan_out,)
        The intercepts of each layer.
    loss_ : float
        Loss of the last epoch, L2 penalty included.
    loss_curve_ : list of float
        Loss of every epoch so far; not with 'lbfgs'.
    best_loss_ : float or None
        Smallest loss of an epoch; None with ``early_stopping``.
    validation_scores_ : list of float or None
        Score on the validation samples after every epoch, accuracy unless ``scoring``
        says otherwise; None without validation samples.
    validation_loss_curve_ : list of float or None
        Loss on them after every epoch, without the L2 penalty.
    best_validation_score_ : float or None
        The best score, which the weights belong to; None without ``early_stopping``.
    best_n_iter_ : int or None
        The epoch with that score, counted along ``validation_scores_``; after a warm
        start that has not improved it, the last one before.
    n_iter_ : int
        Epochs, or iterations, of the last fit.
    t_ : int
        Samples seen so far.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where all of them are strings.
    n_layers_ : int
        Number of layers, the input included.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        Activation of the outputs.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010 (the initial weights).
    .. [2] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization",
       ICLR 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sknn import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = MLPClassifier((20,), max_iter=1000, random_state=0).fit(scale(X), y)
    >>> round(net.score(scale(X), y), 2)
    0.97
    >>> net.predict_proba(scale(X)[:1]).shape
    (1, 3)
    """

    loss = "log_loss"

    _parameter_constraints: dict = {
        **_BaseMLP._parameter_constraints,
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        class_weight=None,
        scoring=None,
        dtype=None,
        init="glorot_uniform",
        normalization=None,
        skip_connections=False,
        monotonic_cst=None,
        dropout=0.0,
        input_noise=0.0,
        l1=0.0,
        weight_decay=None,
        max_grad_norm=None,
        averaging=None,
        label_smoothing=0.0,
        n_jobs=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight
        self.scoring = scoring
        self.dtype = dtype
        self.init = init
        self.normalization = normalization
        self.skip_connections = skip_connections
        self.monotonic_cst = monotonic_cst
        self.dropout = dropout
        self.input_noise = input_noise
        self.l1 = l1
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.averaging = averaging
        self.label_smoothing = label_smoothing
        self.n_jobs = n_jobs

    @available_if(_has_stochastic_solver)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train for one epoch over the given data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels; a subset of ``classes`` is enough.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample in the loss; None weighs all alike.
        classes : array of shape (n_classes,) or list of them, default=None
            All labels that any call will see; needed on the first call only.  A list
            has the labels of each column of y.

        Returns
        -------
        self : object
            The estimator, one epoch further.

        Raises
        ------
        ValueError
            If ``y`` has labels not in ``classes``, ``early_stopping`` is on, or
            ``class_weight`` is 'balanced'.
        AttributeError
            If the solver is "lbfgs", which has no epochs.
        """
        with _all_or_nothing(self):
            if _is_first_call(self, classes):
                self._labels = labels_among(classes, y)
                self.classes_ = self._labels.classes
            return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            The most probable class of each sample, in each column where y has
            several; in multilabel classification a one for each label more probable
            than not.
        """
        return self._decode(self._outputs(X))

    def predict_proba(self, X):
        """Predict probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes) or list of them
            Probability of each class, in the order of ``classes_``; a list where y has
            several columns of classes.
        """
        outputs = self._outputs(X)
        return self._labels.probabilities(outputs)

    def predict_log_proba(self, X):
        """Predict logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes) or list of them
            ``log(predict_proba(X))``; minus infinity where a probability is 0.
        """
        y_prob = self.predict_proba(X)
        if isinstance(y_prob, list):
            return [np.log(of_column) for of_column in y_prob]
        return np.log(y_prob, out=y_prob)

    def score(self, X, y, sample_weight=None):
        """Accuracy: the share of the samples whose labels are all predicted right.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The true labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.

        Returns
        -------
        score : float
            The accuracy, between 0 and 1.
        """
        if not self._has_columns():
            return super().score(X, y, sample_weight)
        hits = (self.predict(X) == np.asarray(y)).all(axis=1)
        return float(np.average(hits, weights=sample_weight))

    def _has_columns(self):
        """Whether the labels are several columns of classes."""
        return isinstance(getattr(self, "classes_", None), list)

    def _validate_input(self, X, y, incremental, reset):
        X, y = self._validate_X_y(X, y, reset=reset)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._labels = labels_of(y)
            self.classes_ = self._labels.classes
        else:
            self._check_known_classes(y, incremental)
        self.n_outputs_ = self._labels.n_outputs
        return X, self._labels.encode(y)

    def _validate_more(self, X, y):
        X, y = self._validate_X_y(X, y, reset=False)
        self._check_known_classes(y, incremental=True)
        return X, self._labels.encode(y)

    def _check_known_classes(self, y, incremental):
        found = self._labels.found(y)
        if incremental and not self._labels.knows(found):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {found}."
            )
        if not incremental and not self._labels.are(found):
            raise ValueError(
                "warm_start can only be used where `y` has the same "
                "classes as in the previous call to fit. Previously "
                f"got {self.classes_}, `y` has {found}"
            )

    def _weights(self, sample_weight, X, targets, incremental):
        if self.class_weight is None:
            return _validate_weights(sample_weight, X)
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to "
                "use 'balanced' weights, use compute_class_weight('balanced', "
                "classes=classes, y=y). In place of y you can use a large enough "
                "sample of the full training set target to properly estimate the "
                "class frequency distributions. Pass the resulting weights as the "
                "class_weight parameter."
            )
        columns = self._labels.classes_of_columns
        factors = weights_of_classes(self.class_weight, columns, targets)
        return _validate_weights(sample_weight, X, factors)

    @property
    def _label_binarizer(self):
        """Under scikit-learn's name, for tools that convert networks."""
        return self._labels.binarizer

    def _loss(self):
        """The loss that the labels call for."""
        return self._labels.loss(self.label_smoothing)

    def _true_labels(self, targets):
        return self._labels.labels(targets)

    def _decode(self, outputs):
        return self._labels.decode(outputs)

    def _strata(self, targets):
        binary = not self._labels.is_multiclass
        return strata(targets, self.validation_fraction, binary)

    def _default_score(self, targets, weights, outputs, loss):
        """Accuracy, in a tenth of the time that `accuracy_score` takes."""
        return float(np.average(self._labels.hits(outputs, targets), weights=weights))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags


class MLPRegressor(RegressorMixin, _BaseMLP):
    """Regress with a multi-layer perceptron.

    A drop-in replacement of :class:`sklearn.neural_network.MLPRegressor`: the same
    parameters, attributes and, in float64 and for the same ``random_state``, the
    same numbers.

    Parameters
    ----------
    loss : {'squared_error', 'poisson'}, default='squared_error'
        Half the squared error, a mean over the outputs; or half the Poisson
        deviance, with exponential outputs and for ``y >= 0``.
    hidden_layer_sizes : int or array-like of shape (n_hidden_layers,), default=(100,)
        Units of each hidden layer; ``()`` is a linear model.
    activation : {'identity', 'logistic', 'tanh', 'relu'}, default='relu'
        Activation of the hidden layers.
    solver : {'lbfgs', 'sgd', 'adam'}, default='adam'
        How the weights are found: 'adam' [2]_ and 'sgd' go through minibatches,
        'lbfgs' is a quasi-Newton method over all samples, good on small data.
    alpha : float, default=0.0001
        Strength of the L2 penalty ``alpha / 2 * sum(weights ** 2)``, divided by the
        sum of the sample weights of the minibatch.
    batch_size : int or 'auto', default='auto'
        Samples in a minibatch; 'auto' is ``min(200, n_samples)``.
    learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
        Schedule of the learning rate, for ``solver='sgd'`` only.

        - 'constant' stays at ``learning_rate_init``;
        - 'invscaling' is ``learning_rate_init / (t_ + 1) ** power_t``;
        - 'adaptive' is divided by 5 whenever more than ``n_iter_no_change`` epochs
          in a row have brought no improvement, until it is at most 1e-6.
    learning_rate_init : float, default=0.001
        Initial learning rate of 'sgd' and 'adam'.
    power_t : float, default=0.5
        Exponent of the 'invscaling' schedule.
    max_iter : int, default=200
        Largest number of epochs, or of iterations of 'lbfgs'.
    shuffle : bool, default=True
        Whether to shuffle the samples before each epoch.
    random_state : int, RandomState instance or None, default=None
        Source of the initial weights, the validation split and the shuffles.  The
        same int gives the same weights as in scikit-learn.
    tol : float, default=1e-4
        An epoch that improves the loss or score by less counts as none; for 'lbfgs',
        the largest component of the gradient to stop at.
    verbose : bool, default=False
        Whether to print the progress.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last one.
    momentum : float, default=0.9
        Momentum of 'sgd', between 0 and 1.
    nesterovs_momentum : bool, default=True
        Whether 'sgd' uses Nesterov's momentum.
    early_stopping : bool, default=False
        Whether to stop when the score on validation samples no longer improves, and
        keep the weights that scored best.  They are a part of the samples, set aside,
        unless ``fit`` is given some.  Not for 'lbfgs'.
    validation_fraction : float, default=0.1
        Share of the samples set aside for ``early_stopping``.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of Adam's estimates of the first and second moment.
    epsilon : float, default=1e-8
        Added to Adam's denominator.
    n_iter_no_change : int, default=10
        Epochs without improvement that are borne.
    max_fun : int, default=15000
        Largest number of evaluations of the loss for 'lbfgs'.
    scoring : str, callable or None, default=None
        What is scored on the validation samples after every epoch: None is the R²;
        'loss' is minus the loss; or a scorer of scikit-learn's, its name or a function
        ``scorer(estimator, X, y)``.
    dtype : {'float32', 'float64'} or None, default=None
        Precision of ``fit`` and ``predict``; None is that of X.  'lbfgs' computes in
        float64 whatever it is, and rounds the weights that it finds.
    standardize_target : bool, default=False
        Whether to train on ``(y - target_mean_) / target_scale_``, for losses whose
        outputs are any real numbers.  Predictions and scores are in the units of y,
        the losses in units of ``target_scale_``.
    init : str, default='glorot_uniform'
        How the weights are drawn: 'glorot_uniform' [1]_, as in scikit-learn, or
        'glorot_normal', 'he_uniform', 'he_normal', 'lecun_uniform', 'lecun_normal',
        'orthogonal'; these start with intercepts of zero.  With 'zeros' all units of a
        layer stay alike: it shows why weights are drawn.
    normalization : {'batch', 'layer'} or None, default=None
        Normalise the weighted sums of each hidden layer, before its activation, over
        the samples of the minibatch or over the units of each sample; a scale and a
        shift of each unit follow, see ``scales_``.
    skip_connections : bool, default=False
        Whether each hidden layer but the first adds its inputs to its outputs: as they
        are where the layers have the same number of units, else through weights of
        their own, ``skip_coefs_``.
    monotonic_cst : array-like of int of shape (n_features,), dict or None, default=None
        For each feature 1 if the outputs may only increase with it, -1 if they may only
        decrease, 0 if it is free; or a dict of them by the features' names.  Holds
        everywhere, by the signs of the weights.  For probabilities it is that of the
        positive class.
    dropout : float or array-like, default=0.0
        Share of the units of each hidden layer that are left out in each step of the
        training; a list has one for each hidden layer, or one more, in front, for the
        inputs.
    input_noise : float, default=0.0
        Standard deviation of the normal noise that is added to the inputs in training.
    l1 : float, default=0.0
        Strength of the penalty ``l1 * sum(abs(weights))``, divided as that of
        ``alpha`` is.
    weight_decay : float or None, default=None
        Decoupled decay: each step first multiplies the weights by ``1 - weight_decay *
        learning rate``.  None is 0.01 for 'adamw' and 0 for all others.
    max_grad_norm : float or None, default=None
        A gradient whose norm over all parameters, penalties included, is larger is
        scaled down to it.
    averaging : {'ema', 'swa'}, object or None, default=None
        Predict, and score validation samples, with an average of the weights over the
        steps instead of the last ones: :class:`sknn.averaging.EMA` or
        :class:`sknn.averaging.SWA`.
    n_jobs : int or None, default=None
        Threads of ``fit``; None is 1 unless in a :obj:`joblib.parallel_config` context,
        -1 is all cores.  Small minibatches take fewer, and so does a fit inside a
        worker of joblib's.  The results do not depend on it.

    Attributes
    ----------
    coefs_ : list of ndarray of shape (fan_in, fan_out)
        The weights of each layer.  They may be edited: ``predict`` reads them.
    intercepts_ : list of ndarray of shape (fan_out,)
        The intercepts of each layer.
    loss_ : float
        Loss of the last epoch, L2 penalty included.
    loss_curve_ : list of float
        Loss of every epoch so far; not with 'lbfgs'.
    best_loss_ : float or None
        Smallest loss of an epoch; None with ``early_stopping``.
    validation_scores_ : list of float or None
        Score on the validation samples after every epoch, R² unless ``scoring``
        says otherwise; None without validation samples.
    validation_loss_curve_ : list of float or None
        Loss on them after every epoch, without the L2 penalty.
    best_validation_score_ : float or None
        The best score, which the weights belong to; None without ``early_stopping``.
    best_n_iter_ : int or None
        The epoch with that score, counted along ``validation_scores_``; after a warm
        start that has not improved it, the last one before.
    n_iter_ : int
        Epochs, or iterations, of the last fit.
    t_ : int
        Samples seen so far.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where all of them are strings.
    target_mean_, target_scale_ : ndarray of shape (n_outputs,) or None
        Weighted mean and standard deviation, 1 for a constant, of the y that the first
        fit was trained on; None without ``standardize_target``.
    n_layers_ : int
        Number of layers, the input included.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        Activation of the outputs.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010 (the initial weights).
    .. [2] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization",
       ICLR 2015.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from sknn import MLPRegressor
    >>> X, y = make_friedman1(500, random_state=0)
    >>> net = MLPRegressor(
    ...     hidden_layer_sizes=(20,),
    ...     solver="lbfgs",
    ...     max_iter=1000,
    ...     tol=0.01,
    ...     random_state=0,
    ... )
    >>> round(net.fit(X, y).score(X, y), 2)
    0.98
    """

    _parameter_constraints: dict = {
        **_BaseMLP._parameter_constraints,
        "loss": [StrOptions(set(REGRESSION_LOSSES)), Loss],
        "standardize_target": ["boolean"],
    }

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        scoring=None,
        dtype=None,
        standardize_target=False,
        init="glorot_uniform",
        normalization=None,
        skip_connections=False,
        monotonic_cst=None,
        dropout=0.0,
        input_noise=0.0,
        l1=0.0,
        weight_decay=None,
        max_grad_norm=None,
        averaging=None,
        n_jobs=None,
    ):
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.scoring = scoring
        self.dtype = dtype
        self.standardize_target = standardize_target
        self.init = init
        self.normalization = normalization
        self.skip_connections = skip_connections
        self.monotonic_cst = monotonic_cst
        self.dropout = dropout
        self.input_noise = input_noise
        self.l1 = l1
        self.weight_decay = weight_decay
        self.max_grad_norm = max_grad_norm
        self.averaging = averaging
        self.n_jobs = n_jobs

    @available_if(_has_stochastic_solver)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch over the given data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample in the loss; None weighs all alike.

        Returns
        -------
        self : object
            The estimator, one epoch further.

        Raises
        ------
        ValueError
            If ``early_stopping`` is on.
        AttributeError
            If the solver is "lbfgs", which has no epochs.
        """
        with _all_or_nothing(self):
            return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Predict target values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predicted values.
        """
        return self._decode(self._outputs(X))

    def _true_labels(self, targets):
        return _columns(targets)

    def _decode(self, outputs):
        if self.target_mean_ is not None:
            scale, mean = self.target_scale_, self.target_mean_
            outputs = outputs * scale.astype(outputs.dtype) + mean.astype(outputs.dtype)
        return _columns(outputs)

    def _choose_units(self, targets, weights, rows, first_pass):
        if first_pass:
            self.target_mean_ = self.target_scale_ = None
            if self.standardize_target:
                weights = None if weights is None else weights[rows]
                of_y = mean_and_scale(targets[rows], weights)
                self.target_mean_, self.target_scale_ = of_y
        elif self.standardize_target != (self.target_mean_ is not None):
            raise ValueError(
                "A fit that continues cannot change standardize_target. Set "
                "warm_start=False to start anew."
            )

    def _in_units(self, targets):
        if self.target_mean_ is None:
            return targets
        return (targets - self.target_mean_) / self.target_scale_

    def _validate_input(self, X, y, incremental, reset):
        identity = loss_of(self.loss).out_activation == "identity"
        if self.standardize_target and not identity:
            raise ValueError(
                "standardize_target=True is for losses whose outputs are any real "
                f"numbers; those of loss={self.loss!r} are not."
            )
        X, targets = self._validate_numbers(X, y, reset)
        self.n_outputs_ = loss_of(self.loss).n_outputs(targets.shape[1])
        self._n_targets = targets.shape[1]
        return X, targets

    def _validate_more(self, X, y):
        X, targets = self._validate_numbers(X, y, reset=False)
        if targets.shape[1] != self._n_targets:
            raise ValueError(
                f"y_val has {targets.shape[1]} outputs, y has {self._n_targets}."
            )
        return X, targets

    def _validate_numbers(self, X, y, reset):
        X, y = self._validate_X_y(X, y, reset=reset, y_numeric=True)
        loss_of(self.loss).check_targets(y)
        return X, y.reshape(len(y), -1)

    def _loss(self):
        return self.loss

    def _strata(self, targets):
        return None

    def _default_score(self, targets, weights, outputs, loss):
        """What `score` returns; NaN where a prediction is not finite."""
        if not np.isfinite(outputs).all():
            return np.nan
        return self._score(_columns(targets), self._decode(outputs), weights)

    def score(self, X, y, sample_weight=None):
        """R² of the predictions; of several quantiles the mean of their D².

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample; None weighs all alike.

        Returns
        -------
        score : float
            1 for perfect predictions, 0 for those of a constant (the mean; for a
            quantile that of y), see :func:`sklearn.metrics.d2_pinball_score`.
        """
        return self._score(y, self.predict(X), sample_weight)

    def _score(self, y, predicted, weights):
        from sklearn.metrics import d2_pinball_score, r2_score

        levels = getattr(loss_of(self.loss), "level", None)
        if np.ndim(levels) == 0:
            return r2_score(y, predicted, sample_weight=weights)
        scores = [
            d2_pinball_score(y, quantile, sample_weight=weights, alpha=level)
            for level, quantile in zip(levels, predicted.reshape(len(predicted), -1).T)
        ]
        return float(np.mean(scores))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
