"""The estimators for raw tables: what they accept, members, epochs, calibration."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknn import TabularMLPClassifier, TabularMLPRegressor, members
from sknn.base_tabular import BaseTabularMLP
from sknn.callbacks import History
from sknn.losses import Quantile
from sknn.validation import part_of_fold

SMALL = {"n_members": 2, "hidden_layer_sizes": (16,), "max_iter": 8, "random_state": 0}
WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "Minibatches, folds and quantiles of repeated samples are others than those of "
        "weighted ones; scikit-learn's own ensembles are excused likewise."
    )
}
both = pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
THEIR_CHECKS = parametrize_with_checks(
    [TabularMLPClassifier(**SMALL), TabularMLPRegressor(**SMALL)],
    expected_failed_checks=lambda estimator: WEIGHTS,
)


@pytest.mark.parametrize(
    THEIR_CHECKS.args[0], list(THEIR_CHECKS.args[1]), **THEIR_CHECKS.kwargs
)
def test_estimator_checks(estimator, check):
    check(estimator)


def raw_table(n=200):
    """A table with all that tables have, the classes and the numbers in it."""
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    number = rng.normal(size=n)
    color = rng.choice(["red", "green", "blue"], n)
    city = rng.choice([f"city {i}" for i in range(20)], n)
    X = pandas.DataFrame(
        {
            "number": np.where(rng.random(n) < 0.1, np.nan, number),
            "outlier": np.where(rng.random(n) < 0.02, 1e12, rng.normal(size=n)),
            "constant": 1.0,
            "color": pandas.Series(color).where(rng.random(n) > 0.1, None),
            "city": pandas.Series(city, dtype="category"),
            "flag": rng.random(n) < 0.5,
            "empty": np.nan,
        }
    )
    signal = number + 2 * (color == "red")
    return X, np.where(signal > 1, "high", "low"), signal


@both
def test_raw_tables_are_read_as_they_are(estimator):
    X, labels, numbers = raw_table()
    y = labels if estimator is TabularMLPClassifier else numbers
    net = estimator(**SMALL | {"max_iter": 32}).fit(X[:150], y[:150])
    assert net.score(X[150:], y[150:]) > 0.6
    new = X[150:].copy()
    new["color"], new["city"] = "violet", "Atlantis"
    assert np.isfinite(net.predict(new) == y[150:]).all()
    assert list(net.feature_names_in_) == list(X.columns)
    net.fit(X.to_numpy(), y)
    assert not hasattr(net, "feature_names_in_")


@both
def test_same_seed_same_network_for_any_number_of_jobs(estimator):
    X, labels, numbers = raw_table()
    y = labels if estimator is TabularMLPClassifier else numbers
    predict = "predict_proba" if estimator is TabularMLPClassifier else "predict"
    alone, together = (
        getattr(estimator(**SMALL, n_jobs=n).fit(X, y), predict)(X) for n in (1, 2)
    )
    np.testing.assert_array_equal(alone, together)


def test_outputs_are_means_over_the_members():
    X, y = load_iris(return_X_y=True)
    net = TabularMLPClassifier(**SMALL).fit(X, y)
    encoded = net.encoder_.transform(X)
    members = [member.predict_proba(encoded) for member in net.members_]
    np.testing.assert_allclose(net.predict_proba(X), np.mean(members, axis=0))
    assert abs(members[0] - members[1]).max() > 0.01
    X, y = load_diabetes(return_X_y=True)
    net = TabularMLPRegressor(**SMALL).fit(X, y)
    encoded = net.encoder_.transform(X)
    members = [member.predict(encoded) for member in net.members_]
    expected = np.clip(np.mean(members, axis=0), y.min(), y.max())
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-5)


def test_folds_are_stratified_and_each_sample_is_in_one():
    strata = np.repeat([0, 1, 2], [50, 7, 3])
    parts = [part_of_fold(k, 5, strata, seed=0) for k in range(5)]
    np.testing.assert_array_equal(
        np.sort(np.concatenate([inside for _, inside in parts])), np.arange(60)
    )
    for outside, inside in parts:
        assert np.intersect1d(outside, inside).size == 0
        assert np.bincount(strata[inside], minlength=3)[:2].tolist() in (
            [10, 1],
            [10, 2],
        )


def test_members_are_validated_on_folds_of_their_own_or_on_the_users():
    X, y = load_iris(return_X_y=True)
    net = TabularMLPClassifier(**SMALL).fit(X[::2], y[::2])
    sizes = [member.t_ // member.n_iter_ for member in net.members_]
    assert sizes == [60, 60]
    net.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    sizes = [member.t_ // member.n_iter_ for member in net.members_]
    assert sizes == [75, 75]
    encoded = net.encoder_.transform(X[1::2])
    for member, epoch in zip(net.members_, net.best_n_iter_, strict=True):
        outputs = member.predict_proba(encoded) ** net.temperature_
        outputs /= outputs.sum(axis=1, keepdims=True)
        best = member.validation_loss_curve_[epoch - 1]
        assert log_loss(y[1::2], outputs) == pytest.approx(best, rel=1e-4)


@pytest.mark.parametrize("best_epoch", ["member", "joint", "last"])
def test_members_keep_the_epoch_that_is_asked_for(best_epoch):
    X, _ = load_diabetes(return_X_y=True)
    y = np.random.default_rng(0).normal(size=len(X))  # which overfits at once
    params = SMALL | {"max_iter": 12, "best_epoch": best_epoch}
    net = TabularMLPRegressor(**params).fit(
        X[:300], y[:300], X_val=X[300:], y_val=y[300:]
    )
    curves = np.array([member.validation_loss_curve_ for member in net.members_])
    chosen = {
        "member": curves.argmin(axis=1),
        "joint": np.repeat(curves.mean(axis=0).argmin(), 2),
        "last": [11, 11],
    }[best_epoch]
    assert (curves.argmin(axis=1) != 11).any()
    encoded = net.encoder_.transform(X[300:])
    for member, curve, epoch in zip(net.members_, curves, chosen, strict=True):
        error = mean_squared_error(y[300:], member.predict(encoded)) / 2
        loss = error / member.target_scale_[0] ** 2
        assert loss == pytest.approx(curve[epoch], rel=1e-4)


def test_refitted_members_are_trained_on_all_samples_up_to_the_best_epoch():
    X, y = load_diabetes(return_X_y=True)
    net = TabularMLPRegressor(**SMALL, best_epoch="joint", refit=False).fit(X, y)
    mean = np.mean([member.validation_loss_curve_ for member in net.members_], axis=0)
    net.set_params(refit=True).fit(X, y)
    for member in net.members_:
        assert member.n_iter_ == mean.argmin() + 1
        assert member.t_ == len(X) * member.n_iter_


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
def test_temperature_minimises_the_loss_of_the_folds(load):
    X, y = load(return_X_y=True)
    kwargs = SMALL | {"max_iter": 16, "n_members": 5}
    net = TabularMLPClassifier(**kwargs).fit(X, y)
    plain = TabularMLPClassifier(**kwargs, calibrate=False).fit(X, y)
    ratios = [
        np.abs(ours.coefs_[-1]).sum() / np.abs(theirs.coefs_[-1]).sum()
        for ours, theirs in zip(net.members_, plain.members_, strict=True)
    ]
    np.testing.assert_allclose(ratios, 1 / net.temperature_, rtol=1e-5)

    def loss(temperature):
        # of a member on its fold, from the sums of the last layer
        losses = []
        for member, fold in zip(plain.members_, folds_of(plain, y), strict=True):
            hidden = member.hidden_activations(plain.encoder_.transform(X[fold]))
            sums = hidden @ member.coefs_[-1] + member.intercepts_[-1]
            p = expit(sums / temperature) if sums.shape[1] == 1 else None
            p = (
                np.hstack([1 - p, p])
                if p is not None
                else softmax(sums / temperature, 1)
            )
            losses += list(-np.log(p[np.arange(len(fold)), y[fold]]))
        return np.mean(losses) + np.log(temperature) ** 2 / 2 / len(losses)

    best = loss(net.temperature_)
    assert best < min(loss(net.temperature_ * 1.05), loss(net.temperature_ / 1.05))


def test_temperature_is_not_extreme_for_few_samples():
    X, y = load_breast_cancer(return_X_y=True)
    net = TabularMLPClassifier(**SMALL | {"max_iter": 64}).fit(X[:30], y[:30])
    assert 0.4 < net.temperature_ < 2.5


def folds_of(net, y):
    """The validation rows of each member."""
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    return [part_of_fold(k, 5, y, seed)[1] for k in range(net.n_members)]


@both
def test_time_limit_shortens_the_schedule(estimator):
    X, y = load_breast_cancer(return_X_y=True)
    params = SMALL | {"max_iter": 1_000_000, "random_state": 0}
    net = estimator(**params, time_limit=2).fit(X, y)
    # the schedule is planned for the epochs that there is time for
    assert 1 <= net.n_iter_ <= net.members_[0].max_iter < 100_000


def test_callbacks_see_the_ensemble():
    X, y = load_diabetes(return_X_y=True)
    history = History()
    net = TabularMLPRegressor(**SMALL).set_callbacks(history).fit(X, y)
    assert history.curves["loss"] == net.loss_curve_
    assert history.curves["validation_score"] == net.validation_scores_
    assert len(net.loss_curve_) == net.n_iter_ == 8

    class Stop(History):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            super().on_fit_task_end(
                estimator, context, fitted_estimator=fitted_estimator
            )
            if fitted_estimator is not None:
                self.predicted = fitted_estimator.predict(X)
            return True

    stop = Stop()
    net = TabularMLPRegressor(**SMALL).set_callbacks(stop).fit(X, y)
    assert net.n_iter_ == 1
    np.testing.assert_allclose(net.predict(X), stop.predicted)


def test_verbose_prints_each_epoch(capsys):
    X, y = load_iris(return_X_y=True)
    TabularMLPClassifier(**SMALL, verbose=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8 and lines[-1].startswith("Epoch 8 of 8: loss ")


@both
@pytest.mark.parametrize("n_samples", [2, 4, 7])
def test_there_may_be_more_members_than_samples(estimator, n_samples):
    X, y = np.arange(n_samples)[:, np.newaxis], np.arange(n_samples) % 2
    net = estimator(**SMALL | {"n_members": 9}).fit(X, y)
    assert net.predict(X).shape == (n_samples,) and min(net.best_n_iter_) >= 1


def test_predictions_beside_a_large_mean_are_not_rounded():
    X, y = load_diabetes(return_X_y=True)
    near, far = (TabularMLPRegressor(**SMALL).fit(X, y + m) for m in (0, 1e9))
    np.testing.assert_allclose(far.predict(X) - 1e9, near.predict(X), rtol=1e-4)


def test_where_scores_are_no_numbers_the_last_epoch_is_kept():
    X, y = load_iris(return_X_y=True)
    last = TabularMLPClassifier(**SMALL, best_epoch="last").fit(X, y)
    for best_epoch in ("member", "joint"):
        params = SMALL | {"best_epoch": best_epoch}
        net = TabularMLPClassifier(**params, scoring=lambda *args: np.nan).fit(X, y)
        np.testing.assert_array_equal(net.predict_proba(X), last.predict_proba(X))


@both
def test_an_interrupt_ends_the_fit_with_the_epoch(estimator, monkeypatch):
    X, y = load_iris(return_X_y=True)
    wait, calls = members.wait, []

    def interrupted(epochs):
        calls.append(epochs)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return wait(epochs)

    monkeypatch.setattr(members, "wait", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        net = estimator(**SMALL, refit=True).fit(X, y)
    assert len(calls) == 4
    assert [member.n_iter_ for member in net.members_] == [3, 3]
    assert net.members_[0].t_ == 3 * 120  # and is not followed by a refit
    assert net.score(X, y) > 0.3


@both
@pytest.mark.parametrize("while_beginning", [False, True])
def test_an_interrupted_refit_leaves_the_members_of_the_folds(
    estimator, while_beginning, monkeypatch
):
    X, y = load_iris(return_X_y=True)
    expected = estimator(**SMALL, best_epoch="joint").fit(X, y).predict(X)
    wait, calls, run = members.wait, [], members.Members.run

    def interrupted(epochs):
        calls.append(epochs)
        if len(calls) == SMALL["max_iter"] + 1:
            raise KeyboardInterrupt
        return wait(epochs)

    def never_run(group, *args):
        if calls:
            raise KeyboardInterrupt
        calls.append(group)
        run(group, *args)

    if while_beginning:
        monkeypatch.setattr(members.Members, "run", never_run)
    else:
        monkeypatch.setattr(members, "wait", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        net = estimator(**SMALL, refit=True).fit(X, y)
    np.testing.assert_array_equal(net.predict(X), expected)


@pytest.mark.parametrize("time_limit", [None, 600])
def test_folds_without_a_rare_class_have_no_score(time_limit):
    X, y = load_iris(return_X_y=True)
    X, y = np.concatenate([X, X[:2]]), np.append(y, [3, 3])
    net = TabularMLPClassifier(
        **SMALL | {"n_members": 5}, scoring="neg_log_loss", time_limit=time_limit
    )
    with pytest.warns(UserWarning, match="There is no validation score: "):
        net.fit(X, y)
    scores = np.array([member.validation_scores_ for member in net.members_])
    assert sorted(np.isnan(scores).mean(axis=1)) == [0, 0, 1, 1, 1]
    known = scores[~np.isnan(scores).any(axis=1)]
    np.testing.assert_allclose(net.validation_scores_, known.mean(axis=0))
    with pytest.warns(UserWarning, match="There is no validation score: "):
        joint = clone(net).set_params(best_epoch="joint").fit(X, y)
    assert set(joint.best_n_iter_) == {np.argmax(joint.validation_scores_) + 1}


def test_a_pilot_needs_no_weights_that_are_not_zero():
    X, y = np.random.default_rng(0).normal(size=(60_000, 2)), np.arange(60_000) % 7
    weights = np.zeros(len(y))
    weights[1::12_000] = 1  # none of the samples that the pilot takes
    params = SMALL | {"n_members": 1, "max_iter": 1, "batch_size": 20_000}
    net = TabularMLPRegressor(**params, time_limit=600)
    assert np.isfinite(net.fit(X, y, sample_weight=weights).predict(X[:5])).all()


@both
def test_a_fold_never_has_weights_of_zero_alone(estimator):
    X, y = load_iris(return_X_y=True)
    weights = np.zeros(len(y))
    weights[[0, 10, 20, 60, 70, 80, 110, 120, 130, 140]] = 1
    net = estimator(**SMALL | {"n_members": 5}).fit(X, y, sample_weight=weights)
    scores = [member.validation_loss_curve_ for member in net.members_]
    assert np.isfinite(scores).all()
    with pytest.raises(ValueError, match="n_samples = 1, those with a weight of 0"):
        net.fit(X, y, sample_weight=np.arange(len(y)) == 3)


def test_with_samples_to_validate_on_a_refit_has_nothing_to_add():
    X, y = load_diabetes(return_X_y=True)
    kwargs = {"X_val": X[300:], "y_val": y[300:]}
    joint, refit = (
        TabularMLPRegressor(**SMALL, best_epoch=best_epoch, refit=refit)
        .fit(X[:300], y[:300], **kwargs)
        .predict(X)
        for best_epoch, refit in (("joint", False), ("member", True))
    )
    np.testing.assert_array_equal(joint, refit)


@both
def test_weights_of_zero_take_samples_out(estimator):
    X, y = load_breast_cancer(return_X_y=True)
    wrong, weights = y.copy(), np.ones(len(y))
    wrong[::2], weights[::2] = 1 - y[::2], 0
    net = estimator(**SMALL | {"max_iter": 16}).fit(X, wrong, sample_weight=weights)
    assert net.score(X[1::2], y[1::2]) > 0.7


def test_several_outputs_and_labels():
    X, y = load_iris(return_X_y=True)
    columns = np.column_stack([y, y > 0])
    net = TabularMLPClassifier(**SMALL | {"max_iter": 16}).fit(X, columns)
    assert net.score(X, columns) > 0.8 and len(net.predict_proba(X)) == 2
    # what is predicted may have no class but 0 and 1, as indicators have
    assert net.score(X[:100], columns[:100]) > 0.8
    assert net.score(X[:50], columns[:50] + 2) == 0
    labels = np.column_stack([y == 0, y > 1]).astype(int)
    net.fit(X, labels)
    assert net.predict(X).shape == net.predict_proba(X).shape == (150, 2)
    targets = X[:, :2]
    net = TabularMLPRegressor(**SMALL | {"max_iter": 16}).fit(X[:, 2:], targets)
    assert net.predict(X[:, 2:]).shape == (150, 2)
    assert (net.predict(X[:, 2:] * 100) <= targets.max(axis=0)).all()


def test_several_quantiles_stay_in_the_range_of_the_targets():
    X, y = load_diabetes(return_X_y=True)
    net = TabularMLPRegressor(loss=Quantile([0.1, 0.9]), **SMALL).fit(X, y)
    predicted = net.predict(X * 100)
    assert y.min() <= predicted.min() < predicted.max() <= y.max()


def test_counts_are_not_clipped_and_positive():
    X, y = load_diabetes(return_X_y=True)
    net = TabularMLPRegressor(loss="poisson", **SMALL | {"max_iter": 16}).fit(X, y)
    assert (net.predict(X) > 0).all() and net.score(X, y) > 0.2


@both
def test_a_table_of_constants_is_learned_from_like_no_table(estimator):
    y = np.arange(20) % 2
    with pytest.warns(UserWarning, match="No column of X has an output"):
        net = estimator(**SMALL).fit(np.ones((20, 3)), y)
    assert net.encoder_.left_out_ == [0, 1, 2]
    assert len(np.unique(net.predict(np.zeros((4, 3))))) == 1


@both
def test_a_failed_fit_changes_nothing(estimator):
    X, y = load_iris(return_X_y=True)
    net = estimator(**SMALL).fit(X, y)
    before = net.predict(X)
    with pytest.raises(ValueError, match="inconsistent"):
        net.fit(X, y[:-1])
    np.testing.assert_array_equal(net.predict(X), before)


@both
@pytest.mark.filterwarnings("ignore:No column of X has an output")
def test_one_sample_is_refused(estimator):
    with pytest.raises(ValueError, match="n_samples = 1"):
        estimator(**SMALL).fit([[1.0]], [1])


def test_pickle_clone_and_search():
    X, y = load_iris(return_X_y=True)
    net = TabularMLPClassifier(**SMALL).fit(X, y)
    copy = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(copy.predict_proba(X), net.predict_proba(X))
    # members do not keep the moments of their optimizers
    assert all(member._optimizer is None for member in net.members_)
    assert not hasattr(clone(net), "members_")
    search = GridSearchCV(net, {"dropout": [0.0, 0.2]}, cv=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search.fit(X, y)
    assert search.best_score_ > 0.7


def test_class_weight_and_rare_classes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = (X[:, 0] > 2.0).astype(int)
    assert 2 <= y.sum() < 20
    params = SMALL | {"max_iter": 16}
    plain = TabularMLPClassifier(**params).fit(X, y)
    balanced = TabularMLPClassifier(**params, class_weight="balanced").fit(X, y)
    means = [net.predict_proba(X)[:, 1].mean() for net in (plain, balanced)]
    assert means[1] > means[0]


def test_parameters_of_the_base_are_those_of_both():
    names = set(TabularMLPClassifier().get_params())
    assert names >= set(BaseTabularMLP._parameter_constraints)
    names = set(TabularMLPRegressor().get_params())
    assert names >= set(BaseTabularMLP._parameter_constraints)


def test_log_probabilities():
    X, y = load_iris(return_X_y=True)
    net = TabularMLPClassifier(**SMALL).fit(X, y)
    log_proba = net.predict_log_proba(X)
    np.testing.assert_allclose(np.exp(log_proba), net.predict_proba(X), rtol=1e-5)
