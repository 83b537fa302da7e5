"""Weights of classes.

The oracles are scikit-learn's `compute_sample_weight`, whose weights given as sample
weights must make the same network, and what its other classifiers say.
"""

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.utils.class_weight import compute_sample_weight

from sknn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4))
THREE = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + X[:, 1], [-1.0, 1.5])]
LABELS = (X[:, :3] + RNG.normal(size=(90, 3)) > [0.2, 0.6, 1.0]).astype(int)
GIVEN = RNG.uniform(0.5, 2, 90)
CASES = {
    "dict": (THREE, {"a": 2.0, "b": 0.5, "c": 7.0}),
    "part": (THREE, {"c": 7.0}),
    "balanced": (THREE, "balanced"),
    "two": (THREE == "a", "balanced"),
    "two, part": ((THREE == "a").astype(int), {1: 3.0}),
    "one": (np.zeros(90, int), "balanced"),
    "labels": (LABELS, [{0: 1.0, 1: 5.0}, {1: 2.0}, {0: 1.0, 1: 1.0}]),
    "labels balanced": (LABELS, "balanced"),
}
cases = pytest.mark.parametrize(("y", "class_weight"), CASES.values(), ids=CASES)


def classifier(**params):
    defaults = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
    return MLPClassifier(**defaults | params)


def assert_same(one, other):
    for ours, theirs in zip(one.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@cases
@pytest.mark.parametrize("given", [None, GIVEN])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_weights_of_classes_multiply_those_of_samples(y, class_weight, given, solver):
    factors = compute_sample_weight(class_weight, y)
    weights = factors if given is None else factors * given
    one = classifier(class_weight=class_weight, solver=solver).fit(X, y, given)
    other = classifier(solver=solver).fit(X, y, weights)
    assert_same(one, other)


def test_a_sparse_table_of_labels_is_weighted_like_a_dense_one():
    y, class_weight = CASES["labels"]
    model = classifier(class_weight=class_weight)
    assert_same(
        model.fit(X, y), classifier(**model.get_params()).fit(X, sparse.csr_array(y))
    )


@cases
def test_the_samples_set_aside_are_weighted_too(y, class_weight):
    """As by HistGradientBoosting, whose weights are complete before the split."""
    params = {"early_stopping": True, "validation_fraction": 0.4}
    weights = compute_sample_weight(class_weight, y)
    one = classifier(class_weight=class_weight, **params).fit(X, y)
    other = classifier(**params).fit(X, y, weights)
    assert one.validation_scores_ == other.validation_scores_


def test_a_batch_may_lack_classes():
    class_weight = {"a": 2.0, "b": 0.5, "c": 7.0}
    one, other = classifier(class_weight=class_weight), classifier()
    some = THREE == "b"
    for rows in (slice(None), some):
        y = THREE[rows]
        one.partial_fit(X[rows], y, classes=["a", "b", "c"])
        weights = np.vectorize(class_weight.get)(y)
        other.partial_fit(X[rows], y, weights, classes=["a", "b", "c"])
    assert_same(one, other)


def message_of(model, method, *args, **kwargs):
    with pytest.raises(ValueError) as caught:
        getattr(model, method)(*args, **kwargs)
    return str(caught.value)


def test_no_balance_in_batches():
    call = {"X": X, "y": THREE, "classes": ["a", "b", "c"]}
    models = [classifier(), SGDClassifier()]
    ours, theirs = (
        message_of(model.set_params(class_weight="balanced"), "partial_fit", **call)
        for model in models
    )
    assert ours == theirs


@pytest.mark.parametrize(
    ("y", "class_weight"),
    [
        (LABELS, {0: 1.0, 1: 2.0}),
        (LABELS, [{0: 1.0, 1: 2.0}]),
        (THREE, {"d": 1.0}),
        (THREE, [{"a": 1.0}]),
    ],
)
def test_weights_of_other_classes_are_refused(y, class_weight):
    """In scikit-learn's words."""
    forest = RandomForestClassifier(1, class_weight=class_weight)
    words = message_of(forest, "fit", X, y)
    assert message_of(classifier(class_weight=class_weight), "fit", X, y) == words


@pytest.mark.parametrize("class_weight", ["balance", 3, (1, 2)])
def test_anything_else_is_refused(class_weight):
    with pytest.raises(ValueError, match="The 'class_weight' parameter of MLPClass"):
        classifier(class_weight=class_weight).fit(X, THREE)


def test_classes_of_no_weight_are_refused():
    with pytest.raises(ValueError, match="at least one non-zero"):
        classifier(class_weight=dict.fromkeys("abc", 0)).fit(X, THREE)


def test_real_numbers_have_no_classes():
    with pytest.raises(TypeError, match="class_weight"):
        MLPRegressor(class_weight="balanced")
