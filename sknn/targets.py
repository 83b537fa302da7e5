"""Targets are what the outputs are compared with: classes by number, labels as 0 and 1.

Here users' labels become targets, outputs become labels, and weights of classes
weights of samples.
"""

from functools import cached_property

import numpy as np
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import type_of_target, unique_labels

from .losses import BinaryCrossEntropy, CrossEntropy

YES_OR_NO = np.arange(2)


def labels_of(y):
    """What the labels are that ``y`` has: `Labels`, or `LabelColumns`."""
    integers = neighbouring_integers(y)
    if integers is not None:
        return Labels(integers, "multiclass" if integers.size > 2 else "binary")
    kind = type_of_target(y)
    if kind == "multiclass-multioutput":
        return LabelColumns(np.unique(column) for column in _columns(y))
    return Labels(y, kind)


def neighbouring_integers(y):
    """The different labels of a column, if they are integers near one another.

    For these one look is enough, where `type_of_target` takes three.
    """
    if not isinstance(y, np.ndarray) or y.ndim != 1 or y.size == 0:
        return None
    if y.dtype.kind not in "iu" or not np.can_cast(y.dtype, np.intp):
        return None
    smallest, largest = int(y.min()), int(y.max())
    if largest - smallest >= y.size // 4:
        return None
    counts = np.bincount(y.astype(np.intp) - smallest)
    return (np.flatnonzero(counts) + smallest).astype(y.dtype)


def labels_among(classes, y):
    """The same where all ``classes`` are given, and ``y`` may lack some."""
    if are_of_columns(classes):
        return LabelColumns(np.unique(column) for column in classes)
    kind = type_of_target(y)
    if kind.startswith("multilabel"):
        return Labels(y, kind)
    return Labels(classes, type_of_target(classes))


def are_of_columns(classes):
    """Whether these are the classes of several columns, a list of arrays."""
    return classes is not None and len(classes) > 0 and np.ndim(classes[0]) > 0


def _columns(y):
    """The columns of y, which may be sparse."""
    return (y.toarray() if hasattr(y, "toarray") else np.asarray(y)).T


def unique_labels_of(y):
    """`unique_labels` of one column, without a second look at what kind it is."""
    try:
        return np.unique(y)
    except TypeError:  # what cannot be compared: let it say so
        return unique_labels(y)


def _fitted_binarizer(y):
    # Imported here, for it is a third of the time that this package takes.
    from sklearn.preprocessing import LabelBinarizer

    return LabelBinarizer().fit(y)


def class_numbers(outputs):
    """The number of each sample's likeliest class; a single output is the second's."""
    if outputs.shape[1] > 1:
        return outputs.argmax(axis=1)
    return (outputs.ravel() > 0.5).astype(np.int64)


class Labels:
    """One column of labels, or a column of indicators for each of several labels."""

    def __init__(self, y, kind):
        self._kind = kind
        self.is_multiclass = kind == "multiclass"
        if kind in ("binary", "multiclass"):
            self.classes = unique_labels_of(y)
        else:
            self.binarizer = _fitted_binarizer(y)  # which refuses what is no label
            self.classes = self.binarizer.classes_

    @cached_property
    def binarizer(self):
        """scikit-learn's, with the same classes."""
        return _fitted_binarizer(self.classes)

    def loss(self, label_smoothing):
        """The loss that such labels call for."""
        kind = CrossEntropy if self.is_multiclass else BinaryCrossEntropy
        return kind(label_smoothing)

    @property
    def is_multilabel(self):
        """Whether each sample may have several of the labels."""
        return self._kind.startswith("multilabel")

    @property
    def has_one_likeliest(self):
        """Whether a label is the likeliest of several classes, not of one alone."""
        return not self.is_multilabel and len(self.classes) > 1

    @property
    def n_outputs(self):
        """Outputs of the network: one is enough for two classes."""
        several = self.is_multilabel or self.is_multiclass
        return len(self.classes) if several else 1

    @property
    def classes_of_columns(self):
        """The classes of each column of y."""
        if self.is_multilabel:
            return [YES_OR_NO] * len(self.classes)
        return [self.classes]

    def found(self, y):
        """The labels that ``y`` has."""
        return unique_labels(y)

    def knows(self, found):
        """Whether these are among the classes."""
        return np.setdiff1d(found, self.classes).size == 0

    def are(self, found):
        """Whether these are the classes, all of them."""
        return set(found) == set(self.classes)

    def encode(self, y):
        """Targets: the number of the class, or a column of 0 and 1 for each label."""
        one_column = np.ndim(y) == 1  # which has not to be looked at again
        is_multilabel = not one_column and type_of_target(y).startswith("multilabel")
        if is_multilabel != self.is_multilabel:
            was = "was" if self.is_multilabel else "was not"
            raise ValueError(f"The object {was} fitted with multilabel input.")
        if self.is_multilabel:
            return self.binarizer.transform(y).astype(bool)
        if self.is_multiclass:
            return np.searchsorted(self.classes, y).reshape(-1, 1)
        second = y == self.classes[-1]
        return second.reshape(-1, 1) & (len(self.classes) > 1)

    def labels(self, targets):
        """The labels that `encode` made these targets of."""
        if self.is_multiclass:
            return self.named(targets.ravel().astype(np.int64))
        return self.decode(targets)

    def named(self, numbers):
        """The classes of these numbers, which may be the same array."""
        return numbers if self._are_numbers else self.classes[numbers]

    @cached_property
    def _are_numbers(self):
        """Whether each class is its own number: then nothing has to be copied."""
        numbers = np.arange(len(self.classes))
        same_kind = self.classes.dtype == numbers.dtype == np.int64
        return same_kind and np.array_equal(self.classes, numbers)

    def decode(self, outputs):
        """The labels that these outputs predict."""
        if self.has_one_likeliest:
            return self.named(class_numbers(outputs))
        outputs = outputs.ravel() if outputs.shape[1] == 1 else outputs
        return self.binarizer.inverse_transform(outputs)

    def hits(self, outputs, targets):
        """Whether `decode` finds all labels of each of these samples."""
        if self.has_one_likeliest:
            return class_numbers(outputs) == targets.ravel()
        certain = len(self.classes) == 1
        return certain | ((outputs > 0.5) == targets).all(axis=1)

    def probabilities(self, outputs):
        """The probabilities of the classes, or of each label."""
        if self.n_outputs > 1:
            return outputs
        return np.concatenate([1 - outputs, outputs], axis=1)


class LabelColumns:
    """Several columns of labels, each with classes of its own."""

    is_multiclass = True  # in each column
    has_one_likeliest = False  # but one in each

    def __init__(self, classes):
        self.classes = list(classes)
        self.n_classes = [len(each) for each in self.classes]
        self.n_outputs = sum(self.n_classes)

    def loss(self, label_smoothing):
        """The loss that such labels call for."""
        return CrossEntropy(label_smoothing, self.n_classes)

    @property
    def classes_of_columns(self):
        """The classes of each column of y."""
        return self.classes

    def found(self, y):
        """The labels that each column of ``y`` has."""
        return [np.unique(column) for column in self._columns(y)]

    def knows(self, found):
        """Whether these are among the classes."""
        pairs = zip(found, self.classes)
        return all(np.setdiff1d(few, all_).size == 0 for few, all_ in pairs)

    def are(self, found):
        """Whether these are the classes, all of them."""
        return all(set(few) == set(all_) for few, all_ in zip(found, self.classes))

    def encode(self, y):
        """Targets: the numbers of the classes."""
        pairs = zip(self.classes, self._columns(y))
        return np.column_stack([np.searchsorted(*pair) for pair in pairs])

    def labels(self, targets):
        """The labels that `encode` made these targets of."""
        pairs = zip(self.classes, targets.T.astype(int))
        return np.column_stack([classes[numbers] for classes, numbers in pairs])

    def decode(self, outputs):
        """The labels that these outputs predict."""
        return self.labels(self._likeliest(outputs))

    def hits(self, outputs, targets):
        """Whether `decode` finds all labels of each of these samples."""
        return (self._likeliest(outputs) == targets).all(axis=1)

    def probabilities(self, outputs):
        """The probabilities of the classes of each column, a list of arrays."""
        return np.split(outputs, np.cumsum(self.n_classes)[:-1], axis=1)

    def _likeliest(self, outputs):
        """The numbers of the most probable classes."""
        parts = self.probabilities(outputs)
        return np.column_stack([part.argmax(axis=1) for part in parts])

    def _columns(self, y):
        columns = _columns(y)
        if columns.ndim != 2 or len(columns) != len(self.classes):
            raise ValueError(
                f"The object was fitted with {len(self.classes)} columns of labels, "
                f"y has the shape {np.shape(y)}."
            )
        return columns


def accuracy(y, predicted, weights):
    """The share of the samples whose labels are all predicted right."""
    from sklearn.metrics import accuracy_score

    multilabel = [type_of_target(a).startswith("multilabel") for a in (y, predicted)]
    if predicted.ndim == 2 and not all(multilabel):
        hits = (predicted == np.asarray(y)).all(axis=1)
        return float(np.average(hits, weights=weights))
    return accuracy_score(y, predicted, sample_weight=weights)


def logarithms(probabilities):
    """Those of probabilities, or of those of each column."""
    if isinstance(probabilities, list):
        return [np.log(of_column) for of_column in probabilities]
    return np.log(probabilities)


def mean_and_scale(targets, weights, positive=False):
    """Weighted mean and standard deviation of each column; 1 for a constant one.

    Of positive targets, zero and the mean: their zero must stay where it is.
    """
    targets = targets.astype(np.float64)
    mean = np.average(targets, axis=0, weights=weights)
    if positive:
        return np.zeros_like(mean), np.where(mean > 0, mean, 1.0)
    variance = np.average((targets - mean) ** 2, axis=0, weights=weights)
    # what rounding leaves of a constant column; negative weights may leave less
    least = (len(targets) * np.finfo(float).eps * mean) ** 2
    return mean, np.sqrt(np.where(variance > least, variance, 1.0))


def weights_of_classes(class_weight, classes_of_columns, targets):
    """The weight of each sample: that of its class, or the product over its columns.

    As scikit-learn's `compute_sample_weight`, but a class that is known and does not
    occur may have a weight.
    """
    n_columns = len(classes_of_columns)
    if class_weight != "balanced" and n_columns > 1:
        _check_class_weights(class_weight, n_columns)
    weights = np.ones(len(targets))
    for column, classes in enumerate(classes_of_columns):
        numbers = targets[:, column].astype(int)
        if class_weight == "balanced":
            present = np.unique(numbers)
            of_present = compute_class_weight("balanced", classes=present, y=numbers)
            weights *= of_present[np.searchsorted(present, numbers)]
        else:
            given = class_weight[column] if n_columns > 1 else class_weight
            of_class = compute_class_weight(given, classes=classes, y=classes)
            weights *= of_class[numbers]
    return weights


def _check_class_weights(class_weight, n_columns):
    """Say of several columns what `compute_sample_weight` says of them."""
    if not isinstance(class_weight, list):
        raise ValueError(
            "For multi-output, class_weight should be a list of dicts, or the string "
            "'balanced'."
        )
    if len(class_weight) != n_columns:
        raise ValueError(
            "For multi-output, number of elements in class_weight should match number "
            f"of outputs. Got {len(class_weight)} element(s) while having {n_columns} "
            "outputs."
        )
