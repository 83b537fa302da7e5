"""What the estimators share: scikit-learn's contract round a network.

They validate and encode what users give, hand it to training.py, and publish what
came of it as fitted attributes; from there on fitted_network.py has it.
"""

import copy
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from operator import index

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils.validation import (
    _check_monotonic_cst,
    _check_sample_weight,
    validate_data,
)

from .activations import ACTIVATIONS
from .architecture import Architecture, layers_of
from .averaging import AVERAGES, as_average
from .callback_support import CallbackSupportMixin, reporter_of, with_callbacks
from .columns import (
    constraints_of_inputs,
    embedded_as,
    embeddings_of_columns,
    place_ramps,
)
from .combinations import (
    activations_of_layers,
    check_combination,
    dropout_of_levels,
)
from .data_driven import center_embeddings, fit_to_data
from .embeddings import EMBEDDINGS
from .fitted_network import PRECISIONS, FittedNetworkMixin
from .initialization import DATA_DRIVEN, DEFAULT, SCHEMES, initialize
from .monotonic import begun_monotonic, with_required_signs
from .normalization import NORMALIZATIONS
from .optimizer_state import OF_SGD, optimizer_state
from .optimizers import OPTIMIZERS, Optimizer, as_optimizer, is_stochastic
from .parameters import Parametrized
from .params import layer_units
from .plans import Network
from .samples import freeze, is_sparse
from .schedules import SCHEDULES, Schedule
from .training import LBFGSFit, Progress, StochasticFit
from .validation import Validation, scored_by, split


def has_stochastic_solver(mlp):
    if not is_stochastic(mlp.solver):
        raise AttributeError(
            "partial_fit is only available for stochastic"
            f" optimizers. {mlp.solver} is not stochastic."
        )
    return True


class BaseMLP(CallbackSupportMixin, FittedNetworkMixin, Parametrized):
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
        "dtype": [
            StrOptions({"float32", "float64"}),
            Options(type, {np.float32, np.float64}),
            None,
        ],
        "init": [StrOptions(set(SCHEMES))],
        "normalization": [StrOptions(set(NORMALIZATIONS)), None],
        "skip_connections": ["boolean"],
        "monotonic_cst": ["array-like", dict, None],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "input_noise": [Interval(Real, 0, None, closed="left")],
        "l1": [Interval(Real, 0, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left"), dict, None],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "averaging": [StrOptions(set(AVERAGES)), HasMethods("shares"), None],
        "numerical_embedding": [
            StrOptions(set(EMBEDDINGS)),
            HasMethods("embedding"),
            None,
        ],
        "categorical_features": ["array-like", None],
        "category_embedding_size": [Interval(Integral, 1, None, closed="left")],
        "input_scaling": ["boolean"],
        "parametric_activation": ["boolean"],
        "learning_rate_factors": [dict, None],
        "regularization_schedule": [
            StrOptions(set(SCHEDULES)),
            Schedule,
            callable,
            None,
        ],
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
        with all_or_nothing(self):
            self._fit(X, y, sample_weight, validation_set, reporter=reporter)
            if reporter:
                reporter.end()
        return self

    def _fit(
        self, X, y, sample_weight, validation_set=None, incremental=False, reporter=None
    ):
        fit = self._start(X, y, sample_weight, validation_set, incremental)
        report = self._begin_report(reporter, fit)
        fit.run(report)
        self._end(fit)
        return self

    def _start(
        self, X, y, sample_weight, validation_set=None, incremental=False, parts=None
    ):
        """Everything that a fit takes, up to its first epoch.

        ``parts`` is a function of the targets that returns the rows to train on and
        those to validate on, if that is not for the parameters to say.
        """
        first_pass = not hasattr(self, "coefs_") or (
            not self.warm_start and not incremental
        )
        self._check_scoring()
        X, targets = self._validate_input(X, y, incremental, reset=first_pass)
        weights = self._weights(sample_weight, X, targets, incremental)
        given = self._validate_set(*validation_set) if validation_set else None
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")

        random_state = check_random_state(self.random_state)
        if first_pass or not hasattr(self, "_split_random_state"):
            self._split_random_state = None
        network = self._network_for(X, random_state, first_pass)
        progress = Progress() if first_pass else self._progress()
        rows, others = np.arange(X.shape[0]), None
        if parts:
            rows, others = parts(targets)
        elif self.early_stopping and self.solver != "lbfgs" and given is None:
            rows, others = self._split(targets, random_state, first_pass)
        self._choose_units(targets, weights, rows, first_pass)
        samples = freeze(X, network.params.dtype, self._in_units(targets), weights)
        if first_pass:
            self._look_at_data(network, X, samples, rows, random_state)
        if given:
            validation = self._validation_on(network, *given)
        elif others is None:
            validation = None
        else:
            validation = self._validation(network, X, targets, samples, others)
        self._prepare(progress, validation, first_pass)
        if self.solver == "lbfgs":
            return LBFGSFit(self, network, samples, progress, validation)
        optimizer = self._optimizer_for(network, incremental)
        return StochasticFit(
            self, network, samples, rows, random_state, progress, optimizer,
            validation, max_iter=1 if incremental else None,
        )  # fmt: skip

    def _network_for(self, X, random_state, first_pass):
        """The network that is to be trained: a fresh one, or a copy of the fitted."""
        embeddings = self._embeddings(X, first_pass)
        n_inputs = sum(each.n_units for each in embeddings) or X.shape[1]
        hidden = _hidden_layer_sizes(self.hidden_layer_sizes)
        units = [n_inputs, *hidden, self.n_outputs_]
        architecture = self._architecture(units, is_sparse(X), embeddings)
        check_combination(self, architecture, self._loss())
        if first_pass:
            return self._initial_network(architecture, random_state, X.dtype)
        return self._continued_network(architecture)

    def _end(self, fit):
        """Publish what came of a fit, if it is sound."""
        _check_finite(fit.network.params)
        self._publish(fit.network, fit.progress, fit.optimizer, fit.validation)

    def _look_at_data(self, network, X, samples, rows, random_state):
        """Let the training samples choose what of the initial network is theirs."""
        if network.layers.architecture.embeddings:
            place_ramps(network, samples.dense, rows)
            center_embeddings(network, samples, rows)
        if self.init == DATA_DRIVEN:
            fit_to_data(network, X, samples, rows, random_state)

    def _check_scoring(self):
        """Refuse an unknown scorer, be it needed in this fit or not."""
        if isinstance(self.scoring, str) and self.scoring != "loss":
            from sklearn.metrics import get_scorer

            get_scorer(self.scoring)

    def _choose_units(self, targets, weights, rows, first_pass):
        """Decide in which units the network sees targets, from those it trains on."""

    def _in_units(self, targets):
        """The targets as the network sees them."""
        return targets

    def _weights(self, sample_weight, X, targets, incremental):
        """The weights of the samples in the loss, or None."""
        return validated_weights(sample_weight, X)

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
            return X, targets, validated_weights(sample_weight, X)
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

    def _begin_report(self, reporter, fit):
        """What the fit is to call after each epoch, or None where nobody listens."""
        if reporter is None:
            return None
        self._optimizer = fit.optimizer  # where a callback finds the learning rate
        reporter.begin(partial(self._if_stopped_now, fit), fit.network.params)
        return reporter.end_epoch

    def _if_stopped_now(self, fit, params):
        """The attributes of an estimator whose fit stops with ``params``, in copies."""
        twin = bare_copy(self)
        network, optimizer = fit.network.with_params(params), fit.optimizer
        optimizer = optimizer and optimizer.copy()
        twin._publish(network, fit.progress.copy(), optimizer, fit.validation)
        if not fit.validation:  # an earlier fit's scores are not this one's
            stale = vars(twin).keys() & {"validation_scores_", "validation_loss_curve_"}
            vars(twin).update(dict.fromkeys(stale))
        return vars(twin)

    def _optimizer_for(self, network, incremental):
        """The state to go on with: the last one, or a fresh one."""
        carried = self._carried_optimizer(network) if incremental else None
        return carried or optimizer_state(self, network)

    def _carried_optimizer(self, network):
        """A copy of the last fit's state, if it is one for this solver and network."""
        optimizer = getattr(self, "_optimizer", None)
        fits = (
            optimizer is not None
            and optimizer.solver.is_like(as_optimizer(self.solver))
            and optimizer.averages_as(as_average(self.averaging))
            and optimizer.moments.dtype == network.params.dtype
            and optimizer.layout == network.layers.architecture.layout()
        )
        return optimizer.copy() if fits else None

    def _initial_network(self, architecture, random_state, dtype):
        dtype = np.float64 if self.solver == "lbfgs" else dtype
        layers = layers_of(architecture, dtype)
        # scikit-learn's factor, which Glorot and Bengio do not have
        all_logistic = {ACTIVATIONS["logistic"]} == set(architecture.activations)
        logistic = all_logistic or self.activation == "logistic"
        factor = 1 / 3 if logistic and self.init == DEFAULT else 1.0
        params = initialize(layers, random_state, self.init, factor)
        return begun_monotonic(Network(params, layers, self._loss()))

    def _embeddings(self, X, first_pass):
        """What is made of the columns of X: in a fit that continues, as it was."""
        fitted = getattr(self, "_architecture_of_fit", None)
        wanted = embedded_as(self, X.shape[1])
        if first_pass or fitted is None:
            self._embedded_as = wanted
            return embeddings_of_columns(self, X)
        if wanted != getattr(self, "_embedded_as", wanted):
            raise ValueError(
                "A fit that continues cannot change numerical_embedding, "
                "categorical_features or category_embedding_size. Set warm_start=False "
                "to start anew."
            )
        return fitted.embeddings

    def _architecture(self, units, sparse_input, embeddings=()):
        """The architecture that the parameters ask for, with these units."""
        n_hidden = len(units) - 2
        return Architecture(
            units=tuple(units),
            activations=activations_of_layers(self.activation, n_hidden),
            dropout=dropout_of_levels(self.dropout, n_hidden),
            noise=self.input_noise,
            normalization=self.normalization,
            skip_connections=self.skip_connections,
            monotonic=self._monotonic(embeddings),
            sparse_input=sparse_input,
            embeddings=embeddings,
            scales_inputs=self.input_scaling,
            is_parametric=self.parametric_activation,
        )

    def _monotonic(self, embeddings):
        """The constraint of each input, or nothing where there is none."""
        if self.monotonic_cst is None:
            return ()
        constraints = tuple(_check_monotonic_cst(self, self.monotonic_cst).tolist())
        if embeddings:
            constraints = constraints_of_inputs(constraints, embeddings)
        return constraints if any(constraints) else ()

    def _continued_network(self, architecture):
        """A copy of the fitted network, so that a failed fit leaves it as it is."""
        fitted, units = layer_units(self.coefs_), list(architecture.units)
        if fitted != units:
            raise ValueError(
                f"The fitted network has layers of {fitted} units, the parameters and "
                f"data ask for {units}: a fit that continues cannot change them. Set "
                "warm_start=False to start anew."
            )
        fitted_architecture = self._fitted_architecture(architecture.sparse_input)
        if architecture.layout() != fitted_architecture.layout():
            raise ValueError(
                "A fit that continues cannot change normalization, skip_connections, "
                "input_scaling or parametric_activation. Set warm_start=False to start "
                "anew."
            )
        lbfgs = self.solver == "lbfgs"
        dtype = np.float64 if lbfgs else self._precision(self.coefs_[0].dtype)
        network = self._packed(architecture, dtype, self._loss())
        return with_required_signs(network)

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
        """Set what training has made, when nothing can fail any more."""
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
        architecture = network.layers.architecture
        self._architecture_of_fit = replace(architecture, activations=())
        self._keep(network)
        if network.params.dtype != self._precision(network.params.dtype):
            dtype = np.dtype(self.dtype)
            self._keep(self._packed(architecture, dtype, network.loss))

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
        probe = bare_copy(self)
        vars(probe).pop("feature_names_in_", None)  # X is an array by now
        probe.out_activation_ = network.loss.out_activation
        probe._fitted_loss = network.loss
        probe._keep(network)
        return probe

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = not needs_dense(self)
        return tags


def needs_dense(mlp):
    """Whether parameters ask for what takes a dense X."""
    categorical = mlp.categorical_features
    has_categories = categorical is not None and len(categorical) > 0
    embeds = mlp.numerical_embedding is not None or has_categories
    return embeds or bool(mlp.input_scaling)


def bare_copy(estimator):
    """A copy with the very same attributes, which `copy.copy` would pickle."""
    twin = object.__new__(type(estimator))
    vars(twin).update(vars(estimator))
    return twin


@contextmanager
def all_or_nothing(estimator):
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


def _check_finite(params):
    if not np.isfinite(params).all():
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may"
            " contain large values and need to be preprocessed."
        )


def validated_weights(sample_weight, X, factors=None):
    """Weights as an array, or None; negative ones are allowed, as in scikit-learn."""
    if sample_weight is None and factors is None:
        return None
    weights = _check_sample_weight(sample_weight, X)
    if factors is not None:
        weights = weights * factors
    if not np.any(weights):
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weights


def as_columns(targets):
    """Targets or outputs as users see them: a single column has no second axis."""
    return targets.ravel() if targets.shape[1] == 1 else targets


def _minus_loss(outputs, loss):
    """The loss as a score, which is better when larger."""
    return -loss
