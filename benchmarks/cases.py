"""What is fitted: ordinary tabular networks, from iris to 784-512-512-10."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from sklearn.datasets import load_digits, load_iris
from sklearn.preprocessing import StandardScaler


@dataclass(frozen=True)
class Case:
    """A data set, a network and how it is trained."""

    name: str
    n_samples: int
    n_features: int
    n_classes: int  # 0: regression
    hidden: tuple
    batch: int
    epochs: int  # a fit of about half a second in scikit-learn
    activation: str = "relu"
    dtype: str = "float64"

    @property
    def n_outputs(self):
        return self.n_classes if self.n_classes > 2 else 1

    @property
    def layer_units(self):
        return (self.n_features, *self.hidden, self.n_outputs)

    @property
    def label(self):
        return f"{self.name}, {self.activation}, {self.dtype}"

    def flops(self):
        """Floating-point operations of all matrix products of one epoch.

        Three products per layer (outputs, weight gradients, input gradients), of two
        operations per weight and sample; nobody needs the gradient of the inputs.
        """
        weights = [a * b for a, b in pairwise(self.layer_units)]
        return self.n_samples * (6 * sum(weights) - 2 * weights[0])

    def forward_flops(self):
        """The same of one row's prediction."""
        return 2 * sum(a * b for a, b in pairwise(self.layer_units))

    def smoke(self):
        """The same case in a fraction of a second."""
        n_samples = min(self.n_samples, 300)
        batch = min(self.batch, n_samples)
        return replace(self, n_samples=n_samples, batch=batch, epochs=2)


CASES = {
    case.name: case
    for case in [
        Case("iris (100)", 150, 4, 3, (100,), 150, 400),
        Case("digits (100)", 1797, 64, 10, (100,), 200, 50),
        Case("24-(64, 48)-2, batch 32", 10_000, 24, 2, (64, 48), 32, 5),
        Case("24-(64, 48)-2, batch 256", 10_000, 24, 2, (64, 48), 256, 10),
        Case("40-(128, 96)-5", 20_000, 40, 5, (128, 96), 200, 5),
        Case("12-(50, 50)-regression", 20_000, 12, 0, (50, 50), 200, 8),
        Case("400-(300, 200)-10", 10_000, 400, 10, (300, 200), 200, 3),
        Case("784-(512, 512)-10", 6_000, 784, 10, (512, 512), 200, 2),
    ]
}


def data(case):
    """Standardised X and labels or targets y, float ones in the case's dtype."""
    loaders = {"iris (100)": load_iris, "digits (100)": load_digits}
    if case.name in loaders:
        X, y = loaders[case.name](return_X_y=True)
    else:
        X, y = _teacher(case)
    shuffled = np.random.default_rng(0).permutation(len(X))[: case.n_samples]
    X = StandardScaler().fit_transform(X[shuffled])
    y = y[shuffled].astype(np.int64 if case.n_classes else case.dtype)
    return np.ascontiguousarray(X, dtype=case.dtype), y


def _teacher(case):
    """Normal X, and what a small random network makes of it."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((case.n_samples, case.n_features))
    hidden = np.tanh(X @ rng.standard_normal((case.n_features, 16)) / 3)
    scores = hidden @ rng.standard_normal((16, max(case.n_classes, 1)))
    if not case.n_classes:
        return X, scores[:, 0]
    return X, scores.argmax(axis=1)
