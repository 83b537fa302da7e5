"""Targets are what the outputs are compared with: classes by number, labels as 0 and 1.

Here users' labels become targets, outputs become labels, and weights of classes
weights of samples.
"""

import numpy as np
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import type_of_target, unique_labels

from .losses import BINARY_CROSS_ENTROPY, CROSS_ENTROPY

YES_OR_NO = np.arange(2)


class Labels:
    """One column of labels, or a column of indicators for each of several labels."""

    def __init__(self, y):
        # Imported here, for it is a third of the time that this package takes.
        from sklearn.preprocessing import LabelBinarizer

        self.binarizer = LabelBinarizer().fit(y)
        self.classes = self.binarizer.classes_
        multiclass = self.binarizer.y_type_ == "multiclass"
        self.loss = CROSS_ENTROPY if multiclass else BINARY_CROSS_ENTROPY

    @property
    def is_multilabel(self):
        """Whether each sample may have several of the labels."""
        return self.binarizer.y_type_.startswith("multilabel")

    @property
    def n_outputs(self):
        """Outputs of the network: one is enough for two classes."""
        several = self.is_multilabel or self.loss == CROSS_ENTROPY
        return len(self.classes) if several else 1

    @property
    def classes_of_columns(self):
        """The classes of each column of y."""
        if self.is_multilabel:
            return [YES_OR_NO] * len(self.classes)
        return [self.classes]

    def unknown(self, y):
        """Whether some labels of ``y`` are not among the classes."""
        return np.setdiff1d(unique_labels(y), self.classes).size > 0

    def lacks(self, y):
        """Whether ``y`` has other classes, or fewer, than are known."""
        return set(unique_labels(y)) != set(self.classes)

    def encode(self, y):
        """Targets: the number of the class, or a column of 0 and 1 for each label."""
        if type_of_target(y).startswith("multilabel") != self.is_multilabel:
            was = "was" if self.is_multilabel else "was not"
            raise ValueError(f"The object {was} fitted with multilabel input.")
        if self.loss != CROSS_ENTROPY:
            return self.binarizer.transform(y).astype(bool)
        return np.searchsorted(self.classes, y).reshape(-1, 1)

    def labels(self, targets):
        """The labels that `encode` made these targets of."""
        if self.loss == CROSS_ENTROPY:
            return self.classes[targets.ravel().astype(int)]
        return self.decode(targets)

    def decode(self, outputs):
        """The labels that these outputs predict."""
        if self.loss == CROSS_ENTROPY:
            return self.classes[outputs.argmax(axis=1)]
        if not self.is_multilabel and len(self.classes) == 2:
            return self.classes[(outputs.ravel() > 0.5).astype(int)]
        outputs = outputs.ravel() if outputs.shape[1] == 1 else outputs
        return self.binarizer.inverse_transform(outputs)

    def hits(self, outputs, targets):
        """Whether `decode` finds all labels of each of these samples."""
        if self.loss == CROSS_ENTROPY:
            return outputs.argmax(axis=1) == targets.ravel()
        certain = len(self.classes) == 1
        return certain | ((outputs > 0.5) == targets).all(axis=1)


def mean_and_scale(targets, weights):
    """Weighted mean and standard deviation of each column; 1 for a constant one."""
    targets = targets.astype(np.float64)
    mean = np.average(targets, axis=0, weights=weights)
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
