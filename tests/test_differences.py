"""Where sknn differs from scikit-learn on purpose: bugs of scikit-learn 1.9 not shared.

One section for each bug. The oracle is what scikit-learn's documentation promises, as
seen from outside. `STILL` is a rate of learning that leaves the weights alone, which
shows what else a fit does. Run on scikit-learn's classes, every section fails.
"""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.utils import get_tags

from sknn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::RuntimeWarning"
)

STILL = 1e-250


def regressor(**params):
    defaults = {"hidden_layer_sizes": (6,), "random_state": 0}
    return MLPRegressor(**defaults | params)


def classifier(**params):
    defaults = {"hidden_layer_sizes": (6,), "random_state": 0}
    return MLPClassifier(**defaults | params)


def regression(seed=0, n_outputs=1, n=90):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n, 4))
    y = X @ rng.standard_normal((4, n_outputs)) + rng.standard_normal((n, n_outputs))
    return X, y.squeeze()


def classification(seed=0, n_classes=3, n=90):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n, 4))
    return X, rng.permutation(np.arange(n) % n_classes)


def data_for(make, seed=0, n=90):
    return regression(seed, n=n) if make is regressor else classification(seed, n=n)


def weights(model):
    """All weights in one vector, a copy."""
    return np.hstack([w.ravel() for w in [*model.coefs_, *model.intercepts_]])


def epochs_printed(capsys):
    printed = capsys.readouterr().out.splitlines()
    return sum(line.startswith("Iteration") for line in printed)


both = pytest.mark.parametrize("make", [classifier, regressor])
stochastic = pytest.mark.parametrize("solver", ["sgd", "adam"])
seeds = pytest.mark.parametrize("seed", range(4))


# --- 1. early stopping with warm_start restores the best weights ---------------------


@stochastic
@seeds
def test_a_warm_start_that_never_improves_ends_where_it_began(solver, seed):
    X, y = regression(seed)
    model = regressor(early_stopping=True, warm_start=True, random_state=seed)
    model.set_params(solver=solver, learning_rate_init=0.03, max_iter=60).fit(X, y)
    best, score = weights(model), model.best_validation_score_
    model.set_params(solver="adam", learning_rate_init=3.0, max_iter=5).fit(X, y)
    assert max(model.validation_scores_[-5:]) < score  # it never improved
    assert model.best_validation_score_ == score
    np.testing.assert_array_equal(weights(model), best)


@seeds
def test_the_best_of_several_warm_starts_is_what_predicts(seed):
    """Whichever fit had it: on its rows, the final model scores the best score."""
    X, y = regression(seed)
    model = regressor(early_stopping=True, warm_start=True, random_state=seed)
    model.set_params(learning_rate_init=0.1, max_iter=4)
    for _ in range(5):
        model.fit(X, y)
    model.set_params(learning_rate_init=STILL, max_iter=1).fit(X, y)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.validation_scores_[-1] == model.best_validation_score_


# --- 2. ... on the same validation rows in every fit ---------------------------------


@both
@stochastic
@seeds
def test_warm_starts_hold_out_the_same_rows(make, solver, seed):
    """Of unmoving weights, only another validation set gives another score."""
    X, y = data_for(make, seed)
    model = make(early_stopping=True, warm_start=True, random_state=seed, max_iter=1)
    model.set_params(solver=solver, learning_rate_init=STILL, validation_fraction=0.3)
    for _ in range(4):
        model.fit(X, y)
    assert len(model.validation_scores_) == 4
    assert len(set(model.validation_scores_)) == 1


def test_a_cold_start_holds_out_other_rows():
    """The counterpart: a fit from the start draws anew, from a generator that is on."""
    X, y = regression()
    model = regressor(early_stopping=True, learning_rate_init=STILL, max_iter=1)
    model.set_params(random_state=np.random.RandomState(0))
    scores = {model.fit(X, y).validation_scores_[0] for _ in range(3)}
    assert len(scores) == 3


# --- 3. the split is stratified for several classes too, where it can be -------------


def share_of_one_class(y, seed):
    """The share, among 20 % held-out rows, of the class a constant model predicts."""
    model = classifier(early_stopping=True, random_state=seed, max_iter=1)
    model.set_params(learning_rate_init=STILL, validation_fraction=0.2)
    return model.fit(np.zeros((len(y), 2)), y).validation_scores_[0]


@pytest.mark.parametrize("seed", range(10))
def test_several_classes_are_stratified(seed):
    y = np.random.RandomState(seed).permutation(np.repeat([0, 1, 2], [60, 30, 10]))
    assert share_of_one_class(y, seed) in (12 / 20, 6 / 20, 2 / 20)


@pytest.mark.parametrize("seed", range(10))
def test_two_classes_are_stratified(seed):
    y = np.random.RandomState(seed).permutation(np.repeat(["a", "b"], [80, 20]))
    assert share_of_one_class(y, seed) in (16 / 20, 4 / 20)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_a_class_of_one_member_is_no_error(n_classes):
    X, y = classification(n_classes=n_classes)
    y[y == 1] = 0
    y[7] = 1
    model = classifier(early_stopping=True, max_iter=3).fit(X, y)
    assert len(model.validation_scores_) == 3
    assert list(model.classes_) == list(range(n_classes))


@pytest.mark.parametrize("fraction", [0.05, 0.95])
def test_more_classes_than_rows_in_one_part_is_no_error(fraction):
    X, y = classification(n_classes=8, n=60)
    model = classifier(early_stopping=True, validation_fraction=fraction, max_iter=3)
    assert len(model.fit(X, y).validation_scores_) == 3


@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_the_best_validation_score_is_an_accuracy(n_classes):
    """It counts hits among held-out rows, which are some of the hits of `predict`."""
    X, y = classification(n_classes=n_classes, n=200)
    model = classifier(early_stopping=True, validation_fraction=0.5, max_iter=5)
    hits = np.sum(model.fit(X, y).predict(X) == y)
    held_out_hits = model.best_validation_score_ * 100
    assert held_out_hits == pytest.approx(round(held_out_hits))
    assert hits - 100 <= round(held_out_hits) <= hits


# --- 4. a minibatch whose weights are all zero is skipped ----------------------------


@both
@stochastic
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_minibatch_without_weight_does_no_harm(make, solver, shuffle):
    X, y = data_for(make, n=40)
    model = make(solver=solver, batch_size=5, shuffle=shuffle)
    model.set_params(max_iter=20, n_iter_no_change=np.inf)
    model.fit(X, y, sample_weight=(np.arange(40) >= 30).astype(float))
    assert np.isfinite(weights(model)).all()
    assert np.isfinite(model.loss_curve_).all()
    assert model.t_ == 20 * 40


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_a_minibatch_without_weight_is_as_if_it_were_not_there(momentum):
    X, y = regression(n=40)
    sample_weight = np.repeat([2.0, 0.0, 1.0, 0.5], 10)
    kept = sample_weight > 0
    params = {"solver": "sgd", "batch_size": 10, "shuffle": False, "alpha": 0.1}
    params |= {"momentum": momentum, "max_iter": 3}
    one = regressor(**params).fit(X, y, sample_weight)
    other = regressor(**params).fit(X[kept], y[kept], sample_weight[kept])
    np.testing.assert_allclose(weights(one), weights(other), rtol=1e-10)


# --- 5. lbfgs on several outputs minimises what it says ------------------------------


@pytest.mark.parametrize("n_outputs", [1, 5, 10])
@pytest.mark.parametrize("alpha", [1, 30])
@seeds
def test_lbfgs_finds_the_ridge_regression_of_several_outputs(n_outputs, alpha, seed):
    """The network without hidden layers is linear, and its optimum is known."""
    X, Y = regression(seed, n_outputs)
    model = regressor(hidden_layer_sizes=(), solver="lbfgs", tol=1e-9, max_iter=500)
    model.set_params(alpha=alpha, random_state=seed).fit(X, Y)
    ridge = Ridge(alpha=alpha).fit(X, Y)
    coef, intercept = np.atleast_2d(ridge.coef_).T, np.atleast_1d(ridge.intercept_)
    np.testing.assert_allclose(model.coefs_[0], coef, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(model.intercepts_[0], intercept, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("alpha", [0, 0.5])
def test_the_loss_of_several_outputs_is_still_their_mean(alpha):
    X, Y = regression(n_outputs=3)
    model = regressor(solver="lbfgs", alpha=alpha).fit(X, Y)
    penalty = 0.5 * alpha * sum(np.sum(w**2) for w in model.coefs_) / len(X)
    loss = 0.5 * np.mean((model.predict(X) - Y) ** 2) + penalty
    assert model.loss_ == pytest.approx(loss, rel=1e-9)


# --- 6. lbfgs has no partial_fit -----------------------------------------------------


def test_no_partial_fit_for_lbfgs():
    assert not hasattr(regressor(solver="lbfgs"), "partial_fit")
    assert not hasattr(classifier(solver="lbfgs"), "partial_fit")
    assert hasattr(regressor(solver="sgd"), "partial_fit")


# --- 7. partial_fit with warm_start takes a batch that lacks a class -----------------


@stochastic
def test_partial_fit_takes_part_of_the_classes_under_warm_start(solver):
    X, y = classification()
    some = y < 2
    models = [classifier(solver=solver, warm_start=warm) for warm in (True, False)]
    for model in models:
        model.partial_fit(X, y, classes=[0, 1, 2])
        model.partial_fit(X[some], y[some])
        model.partial_fit(X[~some], y[~some])
    np.testing.assert_array_equal(weights(models[0]), weights(models[1]))
    assert models[0].t_ == 2 * len(y)


# --- 8. a warm start after set_params works or says what is wrong --------------------


@stochastic
@pytest.mark.parametrize(
    ("sizes", "words"),
    [((6, 5), r"6.*6, 5"), ((9,), r"6.*9"), ((), "6"), (7, r"6.*7")],
)
def test_a_warm_start_refuses_other_layers(solver, sizes, words):
    """In words that name the sizes of old and of new."""
    X, y = regression()
    model = regressor(solver=solver, warm_start=True).fit(X, y)
    before = weights(model)
    model.set_params(hidden_layer_sizes=sizes)
    with pytest.raises(ValueError, match=words):
        model.fit(X, y)
    with pytest.raises(ValueError, match=words):
        model.partial_fit(X, y)
    np.testing.assert_array_equal(weights(model), before)
    model.set_params(hidden_layer_sizes=[6]).fit(X, y)


def test_a_warm_start_refuses_another_number_of_outputs():
    X, Y = regression(n_outputs=3)
    model = regressor(warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match=r"3.*2"):
        model.fit(X, Y[:, :2])
    assert model.predict(X).shape == Y.shape


@both
@pytest.mark.parametrize("first", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("second", ["sgd", "adam", "lbfgs"])
def test_a_warm_start_takes_another_solver(make, first, second):
    """The first fit of a solver that keeps a loss curve begins one."""
    X, y = data_for(make)
    model = make(solver=first, warm_start=True, max_iter=6)
    loss = model.fit(X, y).loss_
    model.set_params(solver=second).fit(X, y)
    assert model.loss_ < loss
    n_epochs = 6 * ((first != "lbfgs") + (second != "lbfgs"))
    assert len(getattr(model, "loss_curve_", [])) == n_epochs


@both
@stochastic
@pytest.mark.parametrize("before", [False, True])
def test_a_warm_start_takes_early_stopping_on_and_off(make, solver, before):
    X, y = data_for(make)
    model = make(solver=solver, warm_start=True, max_iter=4, early_stopping=before)
    model.fit(X, y).set_params(early_stopping=not before).fit(X, y)
    assert len(model.loss_curve_) == 8
    assert len(model.validation_scores_) == 4
    assert np.isfinite(weights(model)).all()


# --- 9. poisson wants no negative targets --------------------------------------------


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_poisson_refuses_negative_targets(solver):
    X, y = regression()
    y, third = np.abs(y), np.arange(len(y)) == 3
    model = regressor(loss="poisson", solver=solver).fit(X, y)
    before = weights(model)
    with pytest.raises(ValueError, match="poisson"):
        model.fit(X, np.where(third, -0.5, y))
    np.testing.assert_array_equal(weights(model), before)
    model.fit(X, np.where(third, 0, y))


def test_poisson_refuses_negative_targets_in_partial_fit():
    X, y = regression()
    with pytest.raises(ValueError, match="poisson"):
        regressor(loss="poisson").partial_fit(X, y)


# --- 10. lbfgs heeds verbose ---------------------------------------------------------


@both
@pytest.mark.parametrize("verbose", [True, 1, 10])
def test_lbfgs_prints_its_iterations(make, verbose, capsys):
    model = make(solver="lbfgs", verbose=verbose, max_iter=9).fit(*data_for(make))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.n_iter_ == 9
    assert [line.split()[1].rstrip(",") for line in lines] == [*"123456789"]
    losses = [float(line.rsplit(" ", 1)[1]) for line in lines]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(model.loss_, abs=2e-8)


def test_lbfgs_is_silent_otherwise(capsys):
    regressor(solver="lbfgs", verbose=False).fit(*regression())
    assert capsys.readouterr().out == ""


# --- 11. a loss that is no number stops the fit --------------------------------------


def diverging(**params):
    sizes, rate = (9, 9), 50.0
    model = regressor(hidden_layer_sizes=sizes, activation="identity", solver="sgd")
    model.set_params(learning_rate_init=rate, max_iter=500, verbose=True)
    return model.set_params(**params)


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("learning_rate", ["constant", "adaptive", "invscaling"])
def test_a_diverging_fit_does_not_run_to_its_end(learning_rate, warm_start, capsys):
    model = diverging(learning_rate=learning_rate, power_t=0, warm_start=warm_start)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter"):
        model.fit(*regression())
    assert 1 <= epochs_printed(capsys) < 60


def test_a_diverging_fit_with_early_stopping_keeps_the_best(capsys):
    model = diverging(early_stopping=True, n_iter_no_change=np.inf).fit(*regression())
    assert np.isfinite(weights(model)).all()
    assert model.n_iter_ == epochs_printed(capsys) < 60


# --- 12. the regressor says that it takes several outputs ----------------------------


def test_the_regressor_is_tagged_for_several_outputs():
    assert get_tags(regressor()).target_tags.multi_output
