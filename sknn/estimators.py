"""The two estimators: their parameters, and what their targets have of their own."""

from numbers import Real

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call

from .base import (
    BaseMLP,
    all_or_nothing,
    as_columns,
    has_stochastic_solver,
    validated_weights,
)
from .losses import REGRESSION_LOSSES, Loss, loss_of
from .targets import (
    accuracy,
    are_of_columns,
    labels_among,
    labels_of,
    logarithms,
    mean_and_scale,
    weights_of_classes,
)
from .validation import strata


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


class MLPClassifier(ClassifierMixin, BaseMLP):
    """Classify with a multi-layer perceptron, minimising the log-loss.

    A drop-in replacement of :class:`sklearn.neural_network.MLPClassifier`: the same
    parameters, attributes and, in float64 and for the same ``random_state``, the
    same numbers.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of shape (n_hidden_layers,), default=(100,)
        Units of each hidden layer; ``()`` is a linear model.
    activation : str, object or list of these, default='relu'
        Activation of the hidden layers, or a list with one for each: 'identity',
        'logistic', 'tanh', 'relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'mish',
        'softplus', 'hardswish', or an object of :mod:`sknn.activations`.
    solver : str or object, default='adam'
        How the weights are found: 'adam' [2]_, 'sgd', 'adamw', 'nadam', 'rmsprop',
        'adagrad', 'lion' or an object of :mod:`sknn.optimizers` go through minibatches,
        'lbfgs' is a quasi-Newton method over all samples, good on small data.
    alpha : float, default=0.0001
        Strength of the L2 penalty ``alpha / 2 * sum(weights ** 2)``, divided by the
        sum of the sample weights of the minibatch.
    batch_size : int or 'auto', default='auto'
        Samples in a minibatch; 'auto' is ``min(200, n_samples)``.
    learning_rate : str, object or callable, default='constant'
        Schedule of the learning rate.

        - 'constant' stays at ``learning_rate_init``;
        - 'cosine', 'flat_cos', 'one_cycle', 'exponential' and 'coslog4' go by the share
          of ``max_iter`` epochs that is done, 'reduce_on_plateau' by what they bring:
          see :mod:`sknn.schedules`, which has objects with settings;
        - a function of that share, from 0 to 1, returns a factor of
          ``learning_rate_init``;
        - 'invscaling' is ``learning_rate_init / (t_ + 1) ** power_t``, for 'sgd' only;
        - 'adaptive', for 'sgd' only, is divided by 5 whenever more than
          ``n_iter_no_change`` epochs in a row have brought no improvement, until it is
          at most 1e-6.
    learning_rate_init : float, default=0.001
        Initial learning rate, not of 'lbfgs'.
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
        Decay of the first and second moment of 'adam', 'adamw' and 'nadam'.
    epsilon : float, default=1e-8
        Added to the denominator of the same.
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
        layer stay alike: it shows why weights are drawn.  'data_driven' scales the
        weights of each unit, layer by layer, so that its sums have a variance of one
        on the training samples, and draws intercepts from these sums [3]_.
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
    weight_decay : float, dict or None, default=None
        Decoupled decay: each step first multiplies the weights by ``1 - weight_decay *
        learning rate``.  None is 0.01 for 'adamw' and 0 for all others.  A dict has
        decays by group: of 'coefs', and of 'input_scales'.
    max_grad_norm : float or None, default=None
        A gradient whose norm over all parameters, penalties included, is larger is
        scaled down to it.
    averaging : {'ema', 'swa'}, object or None, default=None
        Predict, and score validation samples, with an average of the weights over the
        steps instead of the last ones: :class:`sknn.averaging.EMA` or
        :class:`sknn.averaging.SWA`.
    label_smoothing : float, default=0.0
        Share of each target that is spread evenly over all classes, in [0, 1).
    numerical_embedding : str, object or None, default=None
        What numbers become before the first layer: 'periodic' or 'piecewise_linear'
        functions of them as well, with settings as objects of :mod:`sknn.embeddings`.
        X should be scaled; features of at most two values are left as they are.
    categorical_features : array-like of bool, int or str, default=None
        Features that hold codes of categories, 0, 1, 2 and so on, as a mask, as
        indices or as names: each category gets trained numbers instead.  Codes that
        the first fit has not seen, negative ones among them, share theirs.
    category_embedding_size : int, default=8
        How many numbers a category gets.
    input_scaling : bool, default=False
        Whether each input is multiplied by a trained factor, at first 1 [3]_.  It is
        penalised like a weight, and decays if ``weight_decay`` says so.
    parametric_activation : bool, default=False
        Whether each hidden unit mixes its activation with its weighted sum, by a
        trained weight that starts as 1, the activation alone [3]_.
    learning_rate_factors : dict or None, default=None
        Factors of the learning rate for groups of parameters: 'coefs', 'intercepts',
        'input_scales', 'embeddings', 'activation_weights', 'normalization'.  That of
        'coefs' may be 'ntk': one over the root of the layer's number of inputs [3]_.
    regularization_schedule : str, object, callable or None, default=None
        How ``dropout`` and ``weight_decay`` change in the course of ``max_iter``
        epochs, as factors of them: a schedule as for ``learning_rate``.  None leaves
        them as they are.
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
    scales_, shifts_ : list of ndarray of shape (n_units,)
        What follows normalisation, for each hidden layer; only with ``normalization``.
    means_, variances_ : list of ndarray of shape (n_units,)
        Running statistics of weighted sums; only with ``normalization='batch'``.
    skip_coefs_, skip_intercepts_ : list of ndarray
        Weights of skip connections between layers of different widths, if any.
    embedding_coefs_ : list of ndarray of shape (n_functions * n_outputs, n_features)
        Weights of the functions of numbers, for each run of neighbouring features;
        only with ``numerical_embedding``, as are ``frequencies_`` and ``phases_``, or
        ``ramp_starts_`` and ``ramp_slopes_``, of shape (n_functions, n_features).
    category_embeddings_ : list of ndarray of shape (1 + n_categories, size)
        The numbers of each category, those of unseen ones first; only with
        ``categorical_features``.
    input_scales_ : list of ndarray of shape (n_inputs,)
        The factors of ``input_scaling``.
    activation_weights_ : list of ndarray of shape (n_units,)
        The weights of ``parametric_activation``, for each hidden layer.
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
    .. [3] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.

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
        **BaseMLP._parameter_constraints,
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
        numerical_embedding=None,
        categorical_features=None,
        category_embedding_size=8,
        input_scaling=False,
        parametric_activation=False,
        learning_rate_factors=None,
        regularization_schedule=None,
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
        self.numerical_embedding = numerical_embedding
        self.categorical_features = categorical_features
        self.category_embedding_size = category_embedding_size
        self.input_scaling = input_scaling
        self.parametric_activation = parametric_activation
        self.learning_rate_factors = learning_rate_factors
        self.regularization_schedule = regularization_schedule
        self.n_jobs = n_jobs

    @available_if(has_stochastic_solver)
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
        with all_or_nothing(self):
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
        # before a fit there are no labels, and `_outputs` says so
        if self.__sklearn_is_fitted__() and self._labels.has_one_likeliest:
            return self._labels.named(self._outputs(X, as_classes=True))
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
        return logarithms(self.predict_proba(X))

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
        return accuracy(y, self.predict(X), sample_weight)

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
            return validated_weights(sample_weight, X)
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
        return validated_weights(sample_weight, X, factors)

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
        if weights is not None and weights.sum() == 0:
            return np.nan
        return float(np.average(self._labels.hits(outputs, targets), weights=weights))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags


class MLPRegressor(RegressorMixin, BaseMLP):
    """Regress with a multi-layer perceptron.

    A drop-in replacement of :class:`sklearn.neural_network.MLPRegressor`: the same
    parameters, attributes and, in float64 and for the same ``random_state``, the
    same numbers.

    Parameters
    ----------
    loss : str or object, default='squared_error'
        What is minimised: half the 'squared_error', a mean over the outputs, the
        'absolute_error', 'huber', 'log_cosh', 'quantile'; with exponential outputs half
        the deviance of 'poisson' (``y >= 0``), 'gamma' (``y > 0``) or 'tweedie'; or an
        object of :mod:`sknn.losses`, which have settings.
    hidden_layer_sizes : int or array-like of shape (n_hidden_layers,), default=(100,)
        Units of each hidden layer; ``()`` is a linear model.
    activation : str, object or list of these, default='relu'
        Activation of the hidden layers, or a list with one for each: 'identity',
        'logistic', 'tanh', 'relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'mish',
        'softplus', 'hardswish', or an object of :mod:`sknn.activations`.
    solver : str or object, default='adam'
        How the weights are found: 'adam' [2]_, 'sgd', 'adamw', 'nadam', 'rmsprop',
        'adagrad', 'lion' or an object of :mod:`sknn.optimizers` go through minibatches,
        'lbfgs' is a quasi-Newton method over all samples, good on small data.
    alpha : float, default=0.0001
        Strength of the L2 penalty ``alpha / 2 * sum(weights ** 2)``, divided by the
        sum of the sample weights of the minibatch.
    batch_size : int or 'auto', default='auto'
        Samples in a minibatch; 'auto' is ``min(200, n_samples)``.
    learning_rate : str, object or callable, default='constant'
        Schedule of the learning rate.

        - 'constant' stays at ``learning_rate_init``;
        - 'cosine', 'flat_cos', 'one_cycle', 'exponential' and 'coslog4' go by the share
          of ``max_iter`` epochs that is done, 'reduce_on_plateau' by what they bring:
          see :mod:`sknn.schedules`, which has objects with settings;
        - a function of that share, from 0 to 1, returns a factor of
          ``learning_rate_init``;
        - 'invscaling' is ``learning_rate_init / (t_ + 1) ** power_t``, for 'sgd' only;
        - 'adaptive', for 'sgd' only, is divided by 5 whenever more than
          ``n_iter_no_change`` epochs in a row have brought no improvement, until it is
          at most 1e-6.
    learning_rate_init : float, default=0.001
        Initial learning rate, not of 'lbfgs'.
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
        Decay of the first and second moment of 'adam', 'adamw' and 'nadam'.
    epsilon : float, default=1e-8
        Added to the denominator of the same.
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
        Whether to train on ``(y - target_mean_) / target_scale_``, the mean and the
        standard deviation; where outputs are exponential (Poisson, gamma, Tweedie) on y
        over its mean.  Predictions and scores are in the units of y, the losses in
        those of the scaled y.
    init : str, default='glorot_uniform'
        How the weights are drawn: 'glorot_uniform' [1]_, as in scikit-learn, or
        'glorot_normal', 'he_uniform', 'he_normal', 'lecun_uniform', 'lecun_normal',
        'orthogonal'; these start with intercepts of zero.  With 'zeros' all units of a
        layer stay alike: it shows why weights are drawn.  'data_driven' scales the
        weights of each unit, layer by layer, so that its sums have a variance of one
        on the training samples, and draws intercepts from these sums [3]_.
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
    weight_decay : float, dict or None, default=None
        Decoupled decay: each step first multiplies the weights by ``1 - weight_decay *
        learning rate``.  None is 0.01 for 'adamw' and 0 for all others.  A dict has
        decays by group: of 'coefs', and of 'input_scales'.
    max_grad_norm : float or None, default=None
        A gradient whose norm over all parameters, penalties included, is larger is
        scaled down to it.
    averaging : {'ema', 'swa'}, object or None, default=None
        Predict, and score validation samples, with an average of the weights over the
        steps instead of the last ones: :class:`sknn.averaging.EMA` or
        :class:`sknn.averaging.SWA`.
    numerical_embedding : str, object or None, default=None
        What numbers become before the first layer: 'periodic' or 'piecewise_linear'
        functions of them as well, with settings as objects of :mod:`sknn.embeddings`.
        X should be scaled; features of at most two values are left as they are.
    categorical_features : array-like of bool, int or str, default=None
        Features that hold codes of categories, 0, 1, 2 and so on, as a mask, as
        indices or as names: each category gets trained numbers instead.  Codes that
        the first fit has not seen, negative ones among them, share theirs.
    category_embedding_size : int, default=8
        How many numbers a category gets.
    input_scaling : bool, default=False
        Whether each input is multiplied by a trained factor, at first 1 [3]_.  It is
        penalised like a weight, and decays if ``weight_decay`` says so.
    parametric_activation : bool, default=False
        Whether each hidden unit mixes its activation with its weighted sum, by a
        trained weight that starts as 1, the activation alone [3]_.
    learning_rate_factors : dict or None, default=None
        Factors of the learning rate for groups of parameters: 'coefs', 'intercepts',
        'input_scales', 'embeddings', 'activation_weights', 'normalization'.  That of
        'coefs' may be 'ntk': one over the root of the layer's number of inputs [3]_.
    regularization_schedule : str, object, callable or None, default=None
        How ``dropout`` and ``weight_decay`` change in the course of ``max_iter``
        epochs, as factors of them: a schedule as for ``learning_rate``.  None leaves
        them as they are.
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
    scales_, shifts_ : list of ndarray of shape (n_units,)
        What follows normalisation, for each hidden layer; only with ``normalization``.
    means_, variances_ : list of ndarray of shape (n_units,)
        Running statistics of weighted sums; only with ``normalization='batch'``.
    skip_coefs_, skip_intercepts_ : list of ndarray
        Weights of skip connections between layers of different widths, if any.
    embedding_coefs_ : list of ndarray of shape (n_functions * n_outputs, n_features)
        Weights of the functions of numbers, for each run of neighbouring features;
        only with ``numerical_embedding``, as are ``frequencies_`` and ``phases_``, or
        ``ramp_starts_`` and ``ramp_slopes_``, of shape (n_functions, n_features).
    category_embeddings_ : list of ndarray of shape (1 + n_categories, size)
        The numbers of each category, those of unseen ones first; only with
        ``categorical_features``.
    input_scales_ : list of ndarray of shape (n_inputs,)
        The factors of ``input_scaling``.
    activation_weights_ : list of ndarray of shape (n_units,)
        The weights of ``parametric_activation``, for each hidden layer.
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
    .. [3] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.

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
    >>> net.fit(X, y).score(X, y) > 0.95
    True
    """

    _parameter_constraints: dict = {
        **BaseMLP._parameter_constraints,
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
        numerical_embedding=None,
        categorical_features=None,
        category_embedding_size=8,
        input_scaling=False,
        parametric_activation=False,
        learning_rate_factors=None,
        regularization_schedule=None,
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
        self.numerical_embedding = numerical_embedding
        self.categorical_features = categorical_features
        self.category_embedding_size = category_embedding_size
        self.input_scaling = input_scaling
        self.parametric_activation = parametric_activation
        self.learning_rate_factors = learning_rate_factors
        self.regularization_schedule = regularization_schedule
        self.n_jobs = n_jobs

    @available_if(has_stochastic_solver)
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
        with all_or_nothing(self):
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
        return as_columns(targets)

    def _decode(self, outputs):
        mean = getattr(self, "target_mean_", None)  # a network of the user's has none
        if mean is not None:
            scale = self.target_scale_
            outputs = outputs * scale.astype(outputs.dtype) + mean.astype(outputs.dtype)
        return as_columns(outputs)

    def _choose_units(self, targets, weights, rows, first_pass):
        if first_pass:
            self.target_mean_ = self.target_scale_ = None
            if self.standardize_target:
                weights = None if weights is None else weights[rows]
                positive = loss_of(self.loss).out_activation == "exp"
                of_y = mean_and_scale(targets[rows], weights, positive)
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
        X, targets = self._validate_numbers(X, y, reset)
        if self.standardize_target and loss_of(self.loss).out_activation == "logistic":
            raise ValueError(
                "standardize_target=True is for outputs that are real or positive "
                f"numbers; those of loss={self.loss!r} are between 0 and 1."
            )
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
        return self._score(as_columns(targets), self._decode(outputs), weights)

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
