"""Validation sets: given or set aside, scored as one likes, with losses and best epoch.

The oracles are scikit-learn's metrics and scorers, put to the fitted estimator.
"""

from inspect import signature

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn import metrics
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import MLPClassifier, MLPRegressor, base

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X, X_VAL = RNG.normal(size=(80, 4)), RNG.normal(size=(40, 4))
WEIGHTS = RNG.integers(0, 4, 40)


def three(X):
    return np.array(["a", "b", "c"])[np.digitize(X[:, 0] + X[:, 1], [-0.7, 0.7])]


def two(X):
    return np.where(X[:, 0] * X[:, 1] > 0, "yes", "no")


def labels(X):
    return (X[:, :3] + X[:, 1:] > 0.2).astype(int)


def number(X):
    return X[:, 0] + X[:, 1] * X[:, 2]


def numbers(X):
    return np.stack([number(X), np.abs(X[:, 1])], axis=1)


def count(X):
    return np.floor(np.exp(X[:, 0]))


def log_loss(y, model, weights=None):
    return metrics.log_loss(y, model.predict_proba(X_VAL), sample_weight=weights)


def log_loss_of_labels(y, model, weights=None):
    p = model.predict_proba(X_VAL)
    losses = -np.log(np.where(y == 1, p, 1 - p)).sum(axis=1)
    return np.average(losses, weights=weights)


def half_squared_error(y, model, weights=None):
    predicted = model.predict(X_VAL)
    return metrics.mean_squared_error(y, predicted, sample_weight=weights) / 2


def half_poisson_deviance(y, model, weights=None):
    predicted = model.predict(X_VAL)
    return metrics.mean_poisson_deviance(y, predicted, sample_weight=weights) / 2


PROBLEMS = {
    "two": (two, {}, log_loss),
    "three": (three, {}, log_loss),
    "labels": (labels, {}, log_loss_of_labels),
    "number": (number, {"loss": "squared_error"}, half_squared_error),
    "numbers": (numbers, {"loss": "squared_error"}, half_squared_error),
    "count": (count, {"loss": "poisson"}, half_poisson_deviance),
}
problems = pytest.mark.parametrize(
    ("target", "params", "loss"), PROBLEMS.values(), ids=PROBLEMS
)
all_solvers = pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])


def network(target, **params):
    defaults = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
    defaults |= {"learning_rate_init": 0.01}
    is_regression = target in (number, numbers, count)
    make = MLPRegressor if is_regression else MLPClassifier
    return make(**defaults | params)


def fit(target, sample_weight_val=None, **params):
    """A network that had X_VAL for validation."""
    return network(target, **params).fit(
        X,
        target(X),
        X_val=X_VAL,
        y_val=target(X_VAL),
        sample_weight_val=sample_weight_val,
    )


def weights(model):
    return np.hstack([w.ravel() for w in [*model.coefs_, *model.intercepts_]])


# --- what is recorded ----------------------------------------------------------------


@problems
@all_solvers
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_last_score_and_loss_are_those_of_the_model(
    target, params, loss, solver, weights
):
    model = fit(target, weights, solver=solver, alpha=1.0, **params)
    y = target(X_VAL)
    assert len(model.validation_loss_curve_) == model.n_iter_
    assert len(model.validation_scores_) == model.n_iter_
    score = model.score(X_VAL, y, sample_weight=weights)
    assert model.validation_scores_[-1] == pytest.approx(score, rel=1e-9)
    expected = loss(y, model, weights)
    assert model.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-9)


@problems
@all_solvers
def test_without_early_stopping_nothing_else_changes(target, params, loss, solver):
    watched = fit(target, solver=solver, **params)
    plain = network(target, solver=solver, **params).fit(X, target(X))
    np.testing.assert_array_equal(weights(watched), weights(plain))
    assert watched.loss_ == plain.loss_
    if solver != "lbfgs":
        assert plain.validation_scores_ is plain.validation_loss_curve_ is None
        assert watched.best_validation_score_ is watched.best_n_iter_ is None
        assert watched.best_loss_ == plain.best_loss_


def test_a_weight_of_two_is_the_sample_twice():
    repeated = X_VAL.repeat(WEIGHTS, axis=0)
    model = network(three).fit(X, three(X), X_val=repeated, y_val=three(repeated))
    weighted = fit(three, WEIGHTS)
    np.testing.assert_allclose(
        weighted.validation_loss_curve_, model.validation_loss_curve_
    )
    np.testing.assert_allclose(weighted.validation_scores_, model.validation_scores_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_and_validation_may_differ_in_kind(dtype):
    """Sparse or dense, in other dtypes and orders, with labels as lists."""
    y, y_val = three(X), three(X_VAL)
    ways = [
        (X.astype(dtype), X_VAL),
        (X.astype(dtype), sparse.csc_array(X_VAL)),
        (sparse.csr_array(X.astype(dtype)), np.asfortranarray(X_VAL)),
        (sparse.csr_array(X.astype(dtype)), sparse.csr_matrix(X_VAL)),
    ]
    curves = [
        network(three).fit(x, y, X_val=v, y_val=list(y_val)).validation_loss_curve_
        for x, v in ways
    ]
    for curve in curves[1:]:
        np.testing.assert_allclose(curve, curves[0], rtol=1e-4)


# --- scoring -------------------------------------------------------------------------


def fewest_of_a(model, X, y):
    """Not one of scikit-learn's, and looks at a part of X only."""
    return -model.predict_proba(X[:20])[:, 0].mean()


SCORINGS = [
    (three, "neg_log_loss"),
    (three, "balanced_accuracy"),
    (three, "roc_auc_ovr"),
    (three, fewest_of_a),
    (two, "roc_auc"),
    (labels, "f1_macro"),
    (number, "neg_mean_absolute_error"),
    (numbers, metrics.make_scorer(metrics.mean_squared_error)),
    (number, "explained_variance"),
]


@pytest.mark.parametrize("target", [two, three])
def test_accuracy_is_the_score_of_classes_by_default(target):
    default, asked = (
        fit(target, scoring=each, max_iter=30) for each in (None, "accuracy")
    )
    assert default.validation_scores_ == pytest.approx(asked.validation_scores_)
    assert len(set(default.validation_scores_)) > 1


@pytest.mark.parametrize(("target", "scoring"), SCORINGS)
def test_any_scorer_is_asked(target, scoring):
    model = fit(target, scoring=scoring)
    scorer = metrics.get_scorer(scoring)
    expected = scorer(model, X_VAL, target(X_VAL))
    assert model.validation_scores_[-1] == pytest.approx(expected)
    assert len(set(model.validation_scores_)) > 1


def test_scorers_are_given_weights():
    model = fit(three, WEIGHTS, scoring="neg_log_loss")
    assert model.validation_scores_[-1] == pytest.approx(
        -log_loss(three(X_VAL), model, WEIGHTS)
    )


@problems
def test_the_loss_is_a_score_when_negated(target, params, loss):
    model = fit(target, scoring="loss", early_stopping=True, **params)
    np.testing.assert_array_equal(
        model.validation_scores_, np.negative(model.validation_loss_curve_)
    )
    assert model.best_validation_score_ == pytest.approx(-loss(target(X_VAL), model))


@pytest.mark.parametrize("scoring", ["neg_log_loss", "accuracy", "loss"])
def test_scoring_sees_the_samples_set_aside(scoring):
    model = network(three, early_stopping=True, scoring=scoring).fit(X, three(X))
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == 5
    if scoring == "accuracy":
        default = network(three, early_stopping=True).fit(X, three(X))
        assert model.validation_scores_ == default.validation_scores_


@pytest.mark.parametrize("scoring", ["no_score", 3, metrics.accuracy_score])
def test_no_scorer(scoring):
    with pytest.raises(ValueError, match="scor"):
        fit(three, scoring=scoring)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_scorer_is_spared_what_is_no_number():
    model = network(
        number, activation="identity", solver="sgd", learning_rate_init=1e200,
        scoring="neg_mean_squared_error", early_stopping=True,
    )  # fmt: skip
    with pytest.raises(ValueError, match="No validation score was a number"):
        model.fit(X, number(X))


# --- stopping and the best epoch -----------------------------------------------------


@problems
@pytest.mark.parametrize("scoring", [None, "loss"])
def test_the_best_epoch_is_what_remains(target, params, loss, scoring):
    params = params | {"scoring": scoring, "learning_rate_init": 0.3, "max_iter": 60}
    model = fit(target, early_stopping=True, **params)
    scores = model.validation_scores_
    assert model.best_validation_score_ == max(scores)
    assert model.best_n_iter_ == np.argmax(scores) + 1
    best_loss = model.validation_loss_curve_[model.best_n_iter_ - 1]
    assert best_loss == pytest.approx(loss(target(X_VAL), model))
    assert model.best_loss_ is None
    # the same fit, cut off there
    cut_off = fit(target, **params | {"max_iter": model.best_n_iter_})
    np.testing.assert_array_equal(weights(cut_off), weights(model))


def test_it_stops_when_the_validation_loss_does_not_fall():
    model = fit(
        three, early_stopping=True, scoring="loss", max_iter=500, n_iter_no_change=3
    )
    assert model.n_iter_ < 500
    assert model.best_n_iter_ >= model.n_iter_ - 3 - 1


def test_a_set_that_is_given_is_like_one_set_aside(monkeypatch):
    parts = []

    def recorded(*args):
        parts.extend(split(*args))
        return parts

    split = base.split
    monkeypatch.setattr(base, "split", recorded)
    model = network(number, early_stopping=True, shuffle=False, batch_size=16)
    aside = weights(model.fit(X, number(X))), model.validation_scores_
    train, held_out = parts
    x, v = X[train], X[held_out]
    model.fit(x, number(x), X_val=v, y_val=number(v))
    assert len(parts) == 2  # nothing was set aside
    np.testing.assert_allclose(weights(model), aside[0], rtol=1e-10)
    np.testing.assert_allclose(model.validation_scores_, aside[1], rtol=1e-10)


def test_lbfgs_records_but_does_not_stop():
    model = fit(three, solver="lbfgs", early_stopping=True, max_iter=50)
    plain = network(three, solver="lbfgs", max_iter=50).fit(X, three(X))
    np.testing.assert_array_equal(weights(model), weights(plain))
    assert not hasattr(model, "best_n_iter_")


@pytest.mark.parametrize("change", [{"scoring": "loss"}, {"scoring": "accuracy"}])
def test_a_warm_start_compares_like_with_like(change):
    """The best score so far is that of the weights it begins with, by its own rule."""
    model = fit(three, early_stopping=True, warm_start=True, max_iter=30)
    model.set_params(learning_rate_init=1e-250, max_iter=1, **change)
    best = model.best_n_iter_
    model.fit(X, three(X), X_val=X_VAL, y_val=three(X_VAL))
    assert model.best_validation_score_ == model.validation_scores_[-1]
    assert model.best_n_iter_ == (best if change["scoring"] == "accuracy" else 30)


def test_warm_starts_extend_the_curves():
    model = fit(three, warm_start=True)
    model.fit(X, three(X), X_val=X_VAL, y_val=three(X_VAL))
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == 10
    model.set_params(warm_start=False).fit(X, three(X))
    assert model.validation_scores_ is model.validation_loss_curve_ is None


# --- pipelines -----------------------------------------------------------------------


def test_a_pipeline_transforms_the_validation_set():
    request = {"X_val": True, "y_val": True, "sample_weight_val": True}
    scaler = StandardScaler().fit(X * 9)
    given = {"y_val": three(X_VAL), "sample_weight_val": WEIGHTS}
    with sklearn.config_context(enable_metadata_routing=True):
        net = network(three, early_stopping=True).set_fit_request(**request)
        pipeline = make_pipeline(StandardScaler(), net, transform_input=["X_val"])
        pipeline.fit(X * 9, three(X), X_val=X_VAL * 9, **given)
    plain = network(three, early_stopping=True)
    plain.fit(scaler.transform(X * 9), three(X), X_val=scaler.transform(X_VAL * 9),
              **given)  # fmt: skip
    np.testing.assert_array_equal(weights(net), weights(plain))


def test_feature_names():
    pd = pytest.importorskip("pandas")
    names = ["p", "q", "r", "s"]
    frame, frame_val = (pd.DataFrame(x, columns=names) for x in (X, X_VAL))
    model = network(three, scoring="neg_log_loss")
    model.fit(frame, three(X), X_val=frame_val, y_val=three(X_VAL))
    assert (
        model.validation_scores_
        == fit(three, scoring="neg_log_loss").validation_scores_
    )
    other = frame_val.rename(columns={"p": "z"})
    with pytest.raises(ValueError, match="X_val .*feature names should match"):
        model.fit(frame, three(X), X_val=other, y_val=three(X_VAL))


# --- what is refused -----------------------------------------------------------------


@pytest.mark.skipif(
    "X_val" not in signature(HistGradientBoostingClassifier.fit).parameters,
    reason="scikit-learn has them from 1.7 on",
)
@pytest.mark.parametrize("given", [{"X_val": X_VAL}, {"y_val": three(X_VAL)}])
def test_one_without_the_other(given):
    """In the words of HistGradientBoosting."""
    booster = HistGradientBoostingClassifier(max_iter=1, early_stopping=True)
    with pytest.raises(ValueError) as theirs:
        booster.fit(X, three(X), **given)
    with pytest.raises(ValueError) as ours:
        network(three).fit(X, three(X), **given)
    assert str(ours.value) == str(theirs.value)


Y_VAL, Y_TWO = three(X_VAL), numbers(X_VAL)
REFUSED = [
    (three, {"sample_weight_val": WEIGHTS}, "sample_weight_val is provided"),
    (three, {"X_val": X_VAL[:, :3], "y_val": Y_VAL}, "X_val .*has 3 features"),
    (three, {"X_val": X_VAL[:9], "y_val": Y_VAL}, "X_val .*inconsistent numbers"),
    (three, {"X_val": X_VAL, "y_val": ["d"] * 40}, "y_val .*classes not in"),
    (three, {"X_val": X_VAL, "y_val": labels(X_VAL)}, "y_val .*classes not in"),
    (labels, {"X_val": X_VAL, "y_val": labels(X_VAL)[:, 0]}, "y_val .*multilabel"),
    (labels, {"X_val": X_VAL, "y_val": labels(X_VAL)[:, :2]}, "y_val"),
    (number, {"X_val": X_VAL, "y_val": Y_TWO}, "y_val has 2 outputs, y has 1"),
    (number, {"X_val": X_VAL * np.nan, "y_val": Y_TWO}, "X_val .*NaN"),
    (count, {"X_val": X_VAL, "y_val": -count(X_VAL)}, "y_val .*non-negative"),
    (
        number,
        {"X_val": X_VAL, "y_val": X_VAL[:, 0], "sample_weight_val": 0 * WEIGHTS},
        "X_val .*non-zero",
    ),
]


@pytest.mark.parametrize(("target", "given", "words"), REFUSED)
def test_validation_sets_that_do_not_fit(target, given, words):
    loss = {"loss": "poisson"} if target is count else {}
    model = network(target, **loss).fit(X, target(X))
    before = vars(model).copy()
    with pytest.raises(ValueError, match=words):
        model.fit(X, target(X), **given)
    assert vars(model) == before
