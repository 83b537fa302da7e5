"""The estimators for raw tables: an encoder, and networks trained by a recipe."""

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import _check_y

from .base_tabular import SHARED, BaseTabularMLP
from .calibration import apply_temperature, temperature
from .estimators import MLPClassifier, MLPRegressor
from .losses import loss_of
from .recipe import RECIPE, error_and_loss, minus_score
from .targets import accuracy, logarithms

SHARED_BY_CLASSIFIERS = [*SHARED, "label_smoothing", "class_weight"]
SHARED_BY_REGRESSORS = [*SHARED, "loss"]


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
        least five folds; 'auto' is 6, or 8 for fewer than 2,000 samples.
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
        least five folds; 'auto' is 6, or 8 for fewer than 2,000 samples.
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
        unbounded = loss_of(self.loss).out_activation in ("identity", "increasing")
        self._range = (y.min(axis=0), y.max(axis=0)) if unbounded else None
        return y
