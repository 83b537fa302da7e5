"""The estimators for raw tables: an encoder, and networks trained by a recipe.

The networks are ordinary ones; they are members of an ensemble that predicts the mean
of what they do.
"""

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
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import (
    _check_y,
    check_is_fitted,
    validate_data,
)

from .base import BaseMLP, all_or_nothing, validated_weights
from .calibration import apply_temperature, temperature
from .callback_support import CallbackSupportMixin, reporter_of, with_callbacks
from .embeddings import EMBEDDINGS
from .estimators import MLPClassifier, MLPRegressor
from .losses import loss_of
from .members import Members
from .recipe import (
    RECIPE,
    batch_size_for,
    decays,
    error_and_loss,
    minus_score,
    sizes_for,
)
from .table_encoder import TableEncoder
from .targets import accuracy, logarithms
from .validation import part_of_fold

FEWEST_FOLDS = 5
NO_SET = (None, None, None)  # X_val, y_val, sample_weight_val
# To find out how long an epoch takes: the first may compile, the second is measured.
PILOT_EPOCHS, PILOT_SAMPLES = 2, 8_192
SHARE_PLANNED = 0.9  # of the time left, so that the schedule comes to its end
LARGEST_SEED = np.iinfo(np.int32).max
# Parameters of the networks that are also those of the ensemble.
SHARED = ["hidden_layer_sizes", "max_iter", "batch_size", "learning_rate_init"]
SHARED += ["dropout", "weight_decay", "numerical_embedding", "scoring", "n_jobs"]
SHARED_BY_CLASSIFIERS = [*SHARED, "label_smoothing", "class_weight"]
SHARED_BY_REGRESSORS = [*SHARED, "loss"]


class BaseTabularMLP(CallbackSupportMixin, BaseEstimator):
    """What the classifier and the regressor share; they differ in their networks."""

    _parameter_constraints: dict = {
        **{name: BaseMLP._parameter_constraints[name] for name in SHARED},
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "numerical_embedding": [
            StrOptions({"auto", *EMBEDDINGS}),
            HasMethods("embedding"),
            None,
        ],
        "n_members": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
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
        """Fit the encoder and the networks to a raw table.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            The table: of pandas, polars or Arrow, an array or lists; numbers, text,
            categories, booleans and times, with missing values anywhere.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels in classification, real numbers in regression.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample in loss and validation score; None weighs all alike.
        X_val : {array-like, dataframe} of shape (n_val, n_features), default=None
            Validation samples instead of folds of X, on all of which each network then
            is trained.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their classes, all of them known from y, or numbers.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data or a parameter is not of the documented kind; the estimator is
            then as it was before.
        """
        reporter = reporter_of(self, X, y, sample_weight)
        validation_set = X_val, y_val, sample_weight_val
        with all_or_nothing(self):
            self._fit(X, y, sample_weight, validation_set, reporter)
            if reporter:
                reporter.end()
        return self

    def _fit(self, X, y, sample_weight, validation_set, reporter):
        deadline = perf_counter() + (self.time_limit or np.inf)
        encoder = TableEncoder(categorical_features=self.categorical_features)
        self.encoder_ = encoder.fit(X)
        validate_data(self, X, y, skip_check_array=True)  # names and number of columns
        X, y = self._encoded(X), self._checked(y)
        weights = validated_weights(sample_weight, X)
        _check_enough(len(X) if weights is None else np.count_nonzero(weights))
        X_val, y_val, weights_val = validation_set
        has_own = X_val is not None
        own = self._encoded(X_val) if has_own else None, y_val, weights_val
        self._choose_sizes(len(X))
        begin = partial(self._begin, X, y, weights, self._seed())
        n_epochs = self._n_epochs_until(deadline, begin, len(X))
        group = self._members_of(begin(n_epochs, own))
        group.run(self._report(reporter, group), deadline)
        self._calibrate(group.fits)
        last = group.best_epochs[0]
        if self.refit and not has_own and group.may_go_on(deadline, last):
            group = self._refitted(begin, n_epochs, last)
        self._publish(group)

    def _checked(self, y):
        """Targets that are the same for all networks, which encode them."""
        return y

    def _choose_sizes(self, n_samples):
        """What is 'auto', for a table of this size."""
        n_numbers = np.sum(self.encoder_.output_kinds_ == "number")
        n_members, embedding = sizes_for(n_samples, n_numbers)
        is_auto = self.n_members == "auto"
        self._n_members = n_members if is_auto else self.n_members
        is_auto = self.numerical_embedding == "auto"
        self._embedding = embedding if is_auto else self.numerical_embedding

    def _members_of(self, fits):
        """The members, to be trained; a score of one's own is taken as it is."""
        return Members(
            fits,
            self.n_jobs,
            criterion=self._criterion if self.best_epoch != "last" else None,
            joint=self.best_epoch == "joint" or self.refit,
        )

    def _seed(self):
        return check_random_state(self.random_state).randint(LARGEST_SEED)

    def _begin(self, X, y, weights, seed, n_epochs, own=NO_SET, whole=False, step=1):
        """The fits of all members, each on all but one fold, or on the whole.

        ``own`` is the user's validation set; of each ``step`` samples one is used.
        """
        has_folds = own[0] is None and not whole
        fits = []
        for k, seed_of_member in enumerate(self._seeds(seed)):
            member = self._member(len(X), n_epochs, int(seed_of_member))
            fold = k if has_folds else None
            parts = partial(self._parts, fold, seed, weights, step)
            fits.append(member._start(X, y, weights, own, parts=parts))
            fits[-1].member = member
        return fits

    def _seeds(self, seed):
        return np.random.RandomState(seed).randint(LARGEST_SEED, size=self._n_members)

    def _parts(self, fold, seed, weights, step, targets):
        """The rows to train a member on, and to validate it on."""
        n_samples = len(targets)
        if fold is None:
            return np.arange(n_samples), None
        strata = self._strata(targets)
        if weights is not None:  # so that no fold has weights of 0 alone
            strata = strata + (strata.max() + 1) * (weights == 0)
        n_folds = min(max(self._n_members, FEWEST_FOLDS), n_samples)
        parts = part_of_fold(fold % n_folds, n_folds, strata, seed)
        return tuple(part[::step].copy() for part in parts)

    def _member(self, n_samples, n_epochs, seed):
        """A network by the recipe."""
        own = {name: getattr(self, name) for name in self._shared}
        if self.batch_size == "auto":
            trained = n_samples * (FEWEST_FOLDS - 1) // FEWEST_FOLDS
            own["batch_size"] = max(1, min(batch_size_for(trained), n_samples // 2))
        own["weight_decay"] = decays(self.weight_decay)
        own["numerical_embedding"] = self._embedding
        own["max_iter"] = n_epochs
        own["scoring"] = self._own_scoring if self.scoring is None else self.scoring
        kinds = self.encoder_.output_kinds_
        return self._network(
            **(self._recipe() | own),
            categorical_features=np.flatnonzero(kinds == "category"),
            random_state=seed,
        )

    def _n_epochs_until(self, deadline, begin, n_samples):
        """As many epochs as there is time for; the schedule spans just these."""
        if deadline == np.inf:
            return self.max_iter
        start, step = perf_counter(), -(-n_samples // PILOT_SAMPLES)
        pilot = self._members_of(begin(PILOT_EPOCHS, step=step))
        seconds_to_begin = perf_counter() - start
        pilot.run()
        if pilot.was_interrupted:
            raise KeyboardInterrupt
        left = (deadline - perf_counter()) / (1 + self.refit) - seconds_to_begin
        possible = SHARE_PLANNED * left / max(step * pilot.seconds_of_epoch, 1e-9)
        return int(np.clip(possible, 1, self.max_iter))

    def _report(self, reporter, group):
        """What to call after each epoch, or None where nobody listens."""
        if reporter:
            reporter.begin(partial(self._if_stopped_now, group.fits), group.kept)
        if not reporter and not self.verbose:
            return None
        start = perf_counter()

        def report(kept, finished):
            if self.verbose:
                _print_epoch(group.fits, perf_counter() - start)
            return reporter.end_epoch(kept, finished) if reporter else False

        return report

    def _if_stopped_now(self, fits, kept):
        """The attributes of an estimator whose fit stops with ``kept``, in copies."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        members = []
        for fit, params in zip(fits, kept):
            members.append(object.__new__(type(fit.member)))
            vars(members[-1]).update(fit.member._if_stopped_now(fit, params))
        twin._show(members)
        return vars(twin)

    @property
    def _criterion(self):
        """What is least in the best epoch, as a function of score and loss."""
        return self._own_criterion if self.scoring is None else minus_score

    def _refitted(self, begin, n_epochs, last):
        """The members anew, on all samples, up to the epoch that was best."""
        refitted = self._members_of(begin(n_epochs, whole=True))
        start = perf_counter()

        def report(kept, finished):
            if self.verbose:
                _print_epoch(refitted.fits, perf_counter() - start)
            return refitted.fits[0].progress.n_iter >= last

        refitted.run(report)
        return refitted

    def _publish(self, group):
        for fit in group.fits:
            fit.member._end(fit)
        self._show([fit.member for fit in group.fits])
        self.best_n_iter_ = group.best_epochs.tolist()

    def _show(self, members):
        """Set the fitted attributes."""
        self.members_ = members
        for member in members:
            member._optimizer = None  # two thirds of a pickle, and no fit continues
        self.n_iter_ = members[0].n_iter_
        self.loss_ = float(np.mean([member.loss_ for member in members]))
        for name in ("loss_curve_", "validation_scores_", "validation_loss_curve_"):
            curves = [getattr(member, name, None) for member in members]
            known = all(curve is not None for curve in curves)
            # an interrupt may have left one of them an epoch ahead
            points = list(zip(*curves)) if known else []
            setattr(self, name, np.mean(points, axis=1).tolist() if known else None)

    def _calibrate(self, fits):
        """Nothing to do for numbers."""

    def _encoded(self, X):
        """A table as the networks read it."""
        X = self.encoder_.transform(X)
        return X if X.shape[1] else np.zeros((len(X), 1), X.dtype)

    def _ready(self, X):
        check_is_fitted(self)
        return self._encoded(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.target_tags.multi_output = True
        return tags


def _check_enough(n_samples):
    if n_samples < 2:
        raise ValueError(
            f"Found n_samples = {n_samples}, those with a weight of 0 aside, but at "
            "least two are needed: one to learn from and one to validate on."
        )


def _print_epoch(fits, seconds):
    """What the members have come to, in the mean; a refit has no score."""
    progress = [fit.progress for fit in fits]
    loss = np.mean([each.loss for each in progress])
    scores = [each.validation_scores[-1] for each in progress if each.validation_scores]
    print(
        f"{'Epoch' if scores else 'Refit, epoch'} {progress[0].n_iter} of "
        f"{fits[0].n_epochs}: loss {loss:.4f}, "
        + (f"validation score {np.mean(scores):.4f}, " if scores else "")
        + f"{seconds:.1f} s"
    )


class TabularMLPClassifier(ClassifierMixin, BaseTabularMLP):
    """Classify the rows of a raw table, without preprocessing and without tuning.

    Numbers, text, categories, booleans and times are encoded, missing values anywhere
    are fine.  Then several networks are trained by the recipe of RealMLP [1]_, with
    piecewise-linear embeddings [2]_ and fewer epochs, on folds of their own; the mean
    of their probabilities, calibrated by a temperature [3]_, is the prediction.

    Parameters
    ----------
    n_members : int or 'auto', default='auto'
        Networks that are trained together and averaged, each on all but one of at
        least five folds; 'auto' is 4, or 8 for fewer than 2,000 samples.
    hidden_layer_sizes : int or array-like of shape (n_hidden_layers,), \
            default=(192, 192, 192)
        Units of each hidden layer.
    max_iter : int, default=32
        Epochs, which the schedules span.
    batch_size : int or 'auto', default='auto'
        Samples in a minibatch; 'auto' is about 64, 128, 256, 512 or 1,024, growing with
        the table.
    learning_rate_init : float, default=0.04
        The learning rate at the crests of its schedule, four waves; that of a weight is
        divided by the root of the number of inputs of its layer.
    dropout : float or array-like, default=0.15
        Share of the hidden units that are left out in each step, in the first half of
        the fit; it falls to 0 in the second.
    weight_decay : float, default=0.02
        Decoupled decay of weights, with the same schedule.
    label_smoothing : float, default=0.1
        Share of each target that is spread evenly over all classes.
    numerical_embedding : 'auto', str, object or None, default='auto'
        What numbers become before the first layer, as of :class:`MLPClassifier`: 'auto'
        is ``PiecewiseLinear(n_bins=64)``, with 32 bins for fewer than 2,000 samples,
        and None for more than 200 columns of numbers.
    categorical_features : 'from_dtype', None or array-like, default='from_dtype'
        The columns that hold categories, as of :class:`TableEncoder`; text and booleans
        always do.
    class_weight : dict, list of dict, 'balanced' or None, default=None
        Weights of classes in loss and score, as of :class:`MLPClassifier`.
    scoring : str, callable or None, default=None
        By which score on the validation samples the best epoch is chosen: as of
        :class:`MLPClassifier`; None is errors and loss together.
    best_epoch : {'member', 'joint', 'last'}, default='member'
        Whether each network goes back to the epoch that was best for it, all to the one
        that was best for their mean, or none.
    refit : bool, default=False
        Whether the networks are then trained anew, on all samples, for as many epochs
        as were best for their mean: twice the time.  With ``X_val`` they have been
        trained on all samples, and go back to that epoch.
    calibrate : bool, default=True
        Whether the sums of the last layers are divided by the temperature that has the
        least loss on the validation samples.
    time_limit : float or None, default=None
        Seconds that a fit may take; an epoch is trained always.  How many epochs that
        makes is found out by two short ones, and the schedules span just these.
    random_state : int, RandomState instance or None, default=None
        Determines initial weights, folds and minibatches.
    verbose : bool, default=False
        Whether to print losses and times of every epoch.
    n_jobs : int or None, default=-1
        Threads of ``fit``; -1 is all cores, None is 1 unless in a
        :obj:`joblib.parallel_config` context.  The results do not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of them
        Class labels; of each column, where y has several columns of classes.
    members_ : list of :class:`MLPClassifier`
        The networks; they read what ``encoder_`` makes of a table.
    encoder_ : :class:`TableEncoder`
        The fitted encoder.
    temperature_ : float
        What the sums of the last layers were divided by.
    best_n_iter_ : list of int
        The epoch that each network went back to.
    loss_curve_, validation_scores_, validation_loss_curve_ : list of float
        What the networks recorded after every epoch, in the mean; the last two are None
        after ``refit``.
    loss_ : float
        Loss of the last epoch, in the mean.
    n_iter_ : int
        Epochs.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Their names, if all are strings.

    See Also
    --------
    TableEncoder : What makes numbers of a table.
    MLPClassifier : The network, with all its parameters.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.
    .. [2] Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical
       features in tabular deep learning", NeurIPS 2022.
    .. [3] C. Guo et al., "On calibration of modern neural networks", ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn import TabularMLPClassifier
    >>> X = np.array([[1, "red"], [2, "red"], [None, "blue"], [1e12, "blue"]] * 10)
    >>> y = np.array(["yes", "yes", "no", "no"] * 10)
    >>> net = TabularMLPClassifier(n_members=2, random_state=0).fit(X, y)
    >>> net.predict([[1.5, "red"], [None, "green"]]).shape
    (2,)
    """

    _network, _shared = MLPClassifier, SHARED_BY_CLASSIFIERS
    _own_scoring, _own_criterion = None, staticmethod(error_and_loss)

    _parameter_constraints: dict = {
        **BaseTabularMLP._parameter_constraints,
        "label_smoothing": MLPClassifier._parameter_constraints["label_smoothing"],
        "class_weight": MLPClassifier._parameter_constraints["class_weight"],
        "calibrate": ["boolean"],
    }

    def __init__(
        self,
        *,
        n_members="auto",
        hidden_layer_sizes=(192, 192, 192),
        max_iter=32,
        batch_size="auto",
        learning_rate_init=0.04,
        dropout=0.15,
        weight_decay=0.02,
        label_smoothing=0.1,
        numerical_embedding="auto",
        categorical_features="from_dtype",
        class_weight=None,
        scoring=None,
        best_epoch="member",
        refit=False,
        calibrate=True,
        time_limit=None,
        random_state=None,
        verbose=False,
        n_jobs=-1,
    ):
        self.n_members = n_members
        self.hidden_layer_sizes = hidden_layer_sizes
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.numerical_embedding = numerical_embedding
        self.categorical_features = categorical_features
        self.class_weight = class_weight
        self.scoring = scoring
        self.best_epoch = best_epoch
        self.refit = refit
        self.calibrate = calibrate
        self.time_limit = time_limit
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    def predict(self, X):
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            The most probable class of each sample, as of :class:`MLPClassifier`.
        """
        outputs = self._outputs(X)
        return self.members_[0]._decode(outputs)

    def predict_proba(self, X):
        """Predict probabilities of the classes.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes) or list of them
            Probability of each class, as of :class:`MLPClassifier`.
        """
        outputs = self._outputs(X)
        return self.members_[0]._labels.probabilities(outputs)

    def predict_log_proba(self, X):
        """Predict logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes) or list of them
            ``log(predict_proba(X))``; minus infinity where a probability is 0.
        """
        return logarithms(self.predict_proba(X))

    def score(self, X, y, sample_weight=None):
        """Accuracy: the share of the samples whose labels are all predicted right.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The true labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.

        Returns
        -------
        score : float
            The accuracy, between 0 and 1.
        """
        return accuracy(y, self.predict(X), sample_weight)

    def _outputs(self, X):
        """The mean of the members' outputs."""
        X = self._ready(X)
        return np.mean([member._outputs(X) for member in self.members_], axis=0)

    def _recipe(self):
        return RECIPE

    def _strata(self, targets):
        single = targets.shape[1] == 1
        return targets.ravel() if single else np.zeros(len(targets))

    def _calibrate(self, fits):
        self.temperature_ = 1.0
        evaluated = [fit for fit in fits if fit.validation]
        if self.calibrate and evaluated:
            evaluations = [fit.validation.evaluate for fit in evaluated]
            self.temperature_ = temperature(evaluations)

    def _publish(self, group):
        for fit in group.fits:
            apply_temperature(fit.network, self.temperature_)
        super()._publish(group)

    def _show(self, members):
        super()._show(members)
        self.classes_ = members[0].classes_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class TabularMLPRegressor(RegressorMixin, BaseTabularMLP):
    """Predict numbers from the rows of a raw table, without preprocessing or tuning.

    Numbers, text, categories, booleans and times are encoded, missing values anywhere
    are fine, and so is any scale of the targets.  Then several networks are trained by
    the recipe of RealMLP [1]_, with piecewise-linear embeddings [2]_ and fewer epochs,
    on folds of their own; the mean of what they predict is the prediction.

    Parameters
    ----------
    loss : str or object, default='squared_error'
        As of :class:`MLPRegressor`: 'poisson' for counts, quantiles and so on.
    n_members : int or 'auto', default='auto'
        Networks that are trained together and averaged, each on all but one of at
        least five folds; 'auto' is 4, or 8 for fewer than 2,000 samples.
    hidden_layer_sizes : int or array-like of shape (n_hidden_layers,), \
            default=(192, 192, 192)
        Units of each hidden layer.
    max_iter : int, default=32
        Epochs, which the schedules span.
    batch_size : int or 'auto', default='auto'
        Samples in a minibatch; 'auto' is about 64, 128, 256, 512 or 1,024, growing with
        the table.
    learning_rate_init : float, default=0.1
        The learning rate at the crests of its schedule, four waves; that of a weight is
        divided by the root of the number of inputs of its layer.
    dropout : float or array-like, default=0.15
        Share of the hidden units that are left out in each step, in the first half of
        the fit; it falls to 0 in the second.
    weight_decay : float, default=0.02
        Decoupled decay of weights, with the same schedule.
    numerical_embedding : 'auto', str, object or None, default='auto'
        What numbers become before the first layer, as of :class:`MLPRegressor`: 'auto'
        is ``PiecewiseLinear(n_bins=64)``, with 32 bins for fewer than 2,000 samples,
        and None for more than 200 columns of numbers.
    categorical_features : 'from_dtype', None or array-like, default='from_dtype'
        The columns that hold categories, as of :class:`TableEncoder`; text and booleans
        always do.
    scoring : str, callable or None, default=None
        By which score on the validation samples the best epoch is chosen: as of
        :class:`MLPRegressor`; None is the loss.
    best_epoch : {'member', 'joint', 'last'}, default='member'
        Whether each network goes back to the epoch that was best for it, all to the one
        that was best for their mean, or none.
    refit : bool, default=False
        Whether the networks are then trained anew, on all samples, for as many epochs
        as were best for their mean: twice the time.  With ``X_val`` they have been
        trained on all samples, and go back to that epoch.
    time_limit : float or None, default=None
        Seconds that a fit may take; an epoch is trained always.  How many epochs that
        makes is found out by two short ones, and the schedules span just these.
    random_state : int, RandomState instance or None, default=None
        Determines initial weights, folds and minibatches.
    verbose : bool, default=False
        Whether to print losses and times of every epoch.
    n_jobs : int or None, default=-1
        Threads of ``fit``; -1 is all cores, None is 1 unless in a
        :obj:`joblib.parallel_config` context.  The results do not depend on it.

    Attributes
    ----------
    members_ : list of :class:`MLPRegressor`
        The networks; they read what ``encoder_`` makes of a table.
    encoder_ : :class:`TableEncoder`
        The fitted encoder.
    best_n_iter_ : list of int
        The epoch that each network went back to.
    loss_curve_, validation_scores_, validation_loss_curve_ : list of float
        What the networks recorded after every epoch, in the mean; the last two are None
        after ``refit``.
    loss_ : float
        Loss of the last epoch, in the mean.
    n_iter_ : int
        Epochs.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Their names, if all are strings.

    See Also
    --------
    TableEncoder : What makes numbers of a table.
    MLPRegressor : The network, with all its parameters.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.
    .. [2] Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical
       features in tabular deep learning", NeurIPS 2022.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sknn import TabularMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> net = TabularMLPRegressor(n_members=2, random_state=0).fit(X[:400], y[:400])
    >>> net.score(X[400:], y[400:]) > 0.5
    True
    """

    _network, _shared = MLPRegressor, SHARED_BY_REGRESSORS
    _own_scoring, _own_criterion = "loss", staticmethod(minus_score)

    _parameter_constraints: dict = {
        **BaseTabularMLP._parameter_constraints,
        "loss": MLPRegressor._parameter_constraints["loss"],
    }

    def __init__(
        self,
        *,
        loss="squared_error",
        n_members="auto",
        hidden_layer_sizes=(192, 192, 192),
        max_iter=32,
        batch_size="auto",
        learning_rate_init=0.1,
        dropout=0.15,
        weight_decay=0.02,
        numerical_embedding="auto",
        categorical_features="from_dtype",
        scoring=None,
        best_epoch="member",
        refit=False,
        time_limit=None,
        random_state=None,
        verbose=False,
        n_jobs=-1,
    ):
        self.loss = loss
        self.n_members = n_members
        self.hidden_layer_sizes = hidden_layer_sizes
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.numerical_embedding = numerical_embedding
        self.categorical_features = categorical_features
        self.scoring = scoring
        self.best_epoch = best_epoch
        self.refit = refit
        self.time_limit = time_limit
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    def predict(self, X):
        """Predict target values.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The mean of what the networks predict; no further out than the targets of
            ``fit`` if the loss is for any real number.
        """
        X = self._ready(X)
        # in float64, for beside a large mean float32 would round them away
        outputs = [member._outputs(X).astype(np.float64) for member in self.members_]
        decoded = [net._decode(each) for net, each in zip(self.members_, outputs)]
        predicted = np.mean(decoded, axis=0)
        return predicted if self._range is None else predicted.clip(*self._range)

    def score(self, X, y, sample_weight=None):
        """R² of the predictions; of several quantiles the mean of their D².

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample; None weighs all alike.

        Returns
        -------
        score : float
            As of :class:`MLPRegressor`.
        """
        return self.members_[0]._score(y, self.predict(X), sample_weight)

    def _recipe(self):
        bounded = loss_of(self.loss).out_activation == "logistic"
        return RECIPE | {"standardize_target": not bounded}

    def _strata(self, targets):
        return np.zeros(len(targets))

    def _checked(self, y):
        y = _check_y(y, multi_output=True, y_numeric=True, estimator=self)
        y = y.astype(np.float64)
        unbounded = loss_of(self.loss).out_activation == "identity"
        self._range = (y.min(axis=0), y.max(axis=0)) if unbounded else None
        return y
