"""Validation: samples that a network does not learn from, and what it does on them."""

import warnings

import numpy as np

from .loss_pieces import LINKS
from .losses import SQUARED_ERROR
from .plans import Network, PredictionPlan
from .targets import class_numbers
from .training import mean_loss


def split(n_samples, fraction, strata, random_state):
    """Numbers of the samples to train on, and of those to set aside."""
    # Imported where early stopping needs it: half of the package's import time.
    from sklearn.model_selection import train_test_split

    train, validation = train_test_split(
        np.arange(n_samples),
        random_state=random_state,
        test_size=fraction,
        stratify=strata,
    )
    if validation.size < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            "or the size of your dataset."
        )
    return train, validation


def part_of_fold(k, n_folds, strata, seed):
    """Numbers of the samples outside of fold ``k``, and of those in it.

    Each fold has its share of each of the ``strata``, be they smaller than folds.
    """
    shuffled = np.random.RandomState(seed).permutation(len(strata))
    by_stratum = shuffled[np.argsort(strata[shuffled], kind="stable")]
    fold = np.empty(len(strata), int)
    fold[by_stratum] = np.arange(len(strata)) % n_folds
    return np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def strata(targets, fraction, loss_of_two_classes):
    """What to stratify a split by: the classes, where each can be in both parts."""
    if targets.shape[1] > 1:
        return None
    n_samples = len(targets)
    n_validation = int(np.ceil(fraction * n_samples))
    counts = np.unique(targets, return_counts=True)[1]
    smallest_part = min(n_validation, n_samples - n_validation)
    possible = counts.min() >= 2 and smallest_part >= counts.size
    if possible:
        return targets.ravel()
    # Where no split is possible, scikit-learn's splitter is to say what is wrong.
    says_so = loss_of_two_classes and n_validation < 2
    return targets.astype(bool) if says_so else None


class Validation:
    """A function of nothing: the score and the loss of a network as it is now.

    One prediction serves both.  ``score`` makes a number, better when larger, of the
    outputs and the loss.
    """

    def __init__(self, network, samples, rows, score):
        self.evaluate, self._score = Evaluation(network, samples, rows), score

    def __call__(self):
        outputs, loss = self.evaluate()
        return self._score(outputs, loss), loss


class Evaluation:
    """A function of nothing: a network's outputs for some samples, and their mean loss.

    The loss is that of training without penalties and smoothing.
    """

    def __init__(self, network, samples, rows):
        # The loss takes the last layer's sums, as outputs with an identity link are.
        self._sums = Network(network.params, network.layers, SQUARED_ERROR)
        self._plan = PredictionPlan(self._sums, rows.size)
        self._network, self._samples, self._rows = network, samples, rows
        self._loss = network.loss.unsmoothed()
        self._settings = self._loss.settings(int(network.layers.table[-1]["fan_out"]))
        self._targets = np.ascontiguousarray(samples.targets[rows].T)
        weighted = samples.weights.size > 0
        ones = np.ones(rows.size, network.params.dtype)
        self._weights = samples.weights[rows] if weighted else ones
        self.n_samples, self.weight = rows.size, self._weights.sum(dtype=np.float64)

    def __call__(self):
        sums, link = self.sums(), LINKS[self._loss.out_activation]
        loss, scratch = self.loss_of(sums), np.empty_like(self._weights)
        link(sums, scratch, self._settings, *self._sizes(sums))  # now outputs
        return sums.T, loss

    def sums(self):
        """The last layer's sums, with a row for each output."""
        return np.ascontiguousarray(self._plan.predict(self._samples, self._rows).T)

    def loss_of(self, sums):
        """The mean loss that these sums of the last layer have."""
        losses = np.empty_like(self._weights)
        own = sums.astype(self._weights.dtype)  # a copy, for the piece overwrites it
        arrays = own, self._targets, self._weights, np.empty_like(own), losses
        self._loss.train(*arrays, self._settings, *self._sizes(sums))
        total = mean_loss(self._network, losses.sum(dtype=np.float64))
        return total / self.weight if self.weight else np.nan

    def _sizes(self, sums):
        return len(sums), self._rows.size, self._rows.size


def scored_by(scoring, probe, X, y, weights):
    """The score that a scorer of scikit-learn's gives, as a function of the outputs.

    ``probe`` is an estimator with the network's weights; asked to predict X it does not
    compute the outputs again.
    """
    from sklearn.metrics import check_scoring

    scorer, warned = check_scoring(probe, scoring=scoring), []
    options = {} if weights is None else {"sample_weight": weights}
    compute = probe._outputs

    def score(outputs, loss):
        if not np.isfinite(outputs).all():
            return np.nan  # where scorers would raise

        def known_outputs(data, as_classes=False):
            if data is not X:
                return compute(data, as_classes)
            return class_numbers(outputs) if as_classes else outputs

        probe._outputs = known_outputs
        try:
            return scorer(probe, X, y, **options)
        except ValueError as error:  # of a rare class there may be no sample
            if not warned:
                warned.append(error)
                warnings.warn(f"There is no validation score: {error}", stacklevel=2)
            return np.nan

    return score
