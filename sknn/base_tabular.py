"""What the estimators for raw tables share: an encoder, and how members are fitted.

The members are ordinary networks, trained by a recipe, each on folds of its own; what
they predict is averaged.
"""

import warnings
from functools import partial
from numbers import Integral, Real
from time import perf_counter

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from .base import BaseMLP, all_or_nothing, bare_copy, validated_weights
from .callback_support import CallbackSupportMixin, reporter_of, with_callbacks
from .embeddings import EMBEDDINGS
from .members import Members
from .recipe import batch_size_for, decays, minus_score, sizes_for
from .table_encoder import TableEncoder
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
        begin = partial(self._begin, X, y, self._seed())
        # some samples may have no weight at all
        n_epochs = self._n_epochs_until(deadline, partial(begin, None), len(X))
        begin = partial(begin, weights)
        group = self._members_of(begin(n_epochs, own))
        group.run(self._report(reporter, group), deadline)
        self._calibrate(group.fits)
        last = group.best_epochs[0]
        if self.refit and not has_own and group.may_go_on(deadline, last):
            group = self._refitted(begin, n_epochs, last) or group
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

    def _begin(self, X, y, seed, weights, n_epochs, own=NO_SET, whole=False, step=1):
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of few samples, which are not the user's
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
        twin, members = bare_copy(self), []
        for fit, params in zip(fits, kept):
            members.append(bare_copy(fit.member))
            vars(members[-1]).update(fit.member._if_stopped_now(fit, params))
        twin._show(members)
        return vars(twin)

    @property
    def _criterion(self):
        """What is least in the best epoch, as a function of score and loss."""
        return self._own_criterion if self.scoring is None else minus_score

    def _refitted(self, begin, n_epochs, last):
        """The members anew, on all samples, up to the epoch that was best.

        None after an interrupt, for then they would be worse than the old ones.
        """
        start = perf_counter()

        def report(kept, finished):
            if self.verbose:
                _print_epoch(refitted.fits, perf_counter() - start)
            return refitted.fits[0].progress.n_iter >= last

        try:
            refitted = self._members_of(begin(n_epochs, whole=True))
            refitted.run(report)
        except KeyboardInterrupt:  # before the first epoch's end
            warnings.warn("The refit was interrupted by the user.", stacklevel=2)
            return None
        return None if refitted.was_interrupted else refitted

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
            setattr(self, name, _means(points) if known else None)

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


def _means(points):
    """Their means, of the folds that have a score."""
    if not points:
        return []
    return np.ma.masked_invalid(points).mean(axis=1).filled(np.nan).tolist()


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
