"""The training toolbox: each parameter against PyTorch, or against what defines it."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sknn import MLPClassifier, MLPRegressor
from sknn.activations import ACTIVATIONS, ELU, Activation, LeakyReLU
from sknn.averaging import EMA, SWA
from sknn.callbacks import History, LearningRateScheduler
from sknn.losses import Huber, Quantile

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = make_regression(60, 5, noise=1.0, random_state=0)
Y = Y / Y.std()
LABELS = (Y > 0).astype(int)
PLAIN = {
    "hidden_layer_sizes": (7, 6),
    "activation": "tanh",
    "alpha": 0.0,
    "batch_size": 20,
    "shuffle": False,
    "max_iter": 4,
    "random_state": 0,
    "learning_rate_init": 0.01,
}


def regressor(**params):
    return MLPRegressor(**PLAIN | params)


def initial_weights(net):
    """The weights that a fit of this estimator starts from."""
    still = clone(net).set_params(learning_rate_init=1e-300, max_iter=1, averaging=None)
    still.fit(X, Y)
    return still.coefs_, still.intercepts_


class Peer:
    """The same fit in PyTorch."""

    def __init__(self, net):
        self.torch = pytest.importorskip("torch")
        self.coefs, self.intercepts = (
            [self.torch.tensor(array.copy(), requires_grad=True) for array in arrays]
            for arrays in initial_weights(net)
        )

    def outputs(self, rows):
        x = self.torch.tensor(X[rows])
        for coef, intercept in zip(self.coefs, self.intercepts, strict=True):
            x = x @ coef + intercept
            if coef is not self.coefs[-1]:
                x = self.torch.tanh(x)
        return x[:, 0]

    def fit(self, optimizer, penalty=None, max_norm=None, after_step=lambda: None):
        parameters = self.coefs + self.intercepts
        for start in list(range(0, 60, 20)) * 4:
            rows = slice(start, start + 20)
            optimizer.zero_grad()
            errors = self.outputs(rows) - self.torch.tensor(Y[rows])
            loss = 0.5 * (errors**2).mean()
            if penalty:
                loss = loss + penalty * sum(abs(c).sum() for c in self.coefs) / 20
            loss.backward()
            if max_norm:
                self.torch.nn.utils.clip_grad_norm_(parameters, max_norm)
            optimizer.step()
            after_step()

    def assert_equal(self, net):
        for name, tensors in (("coefs_", self.coefs), ("intercepts_", self.intercepts)):
            for array, tensor in zip(getattr(net, name), tensors, strict=True):
                np.testing.assert_allclose(array, tensor.detach(), rtol=1e-5, atol=1e-8)


def sgd(peer, **options):
    return peer.torch.optim.SGD(peer.coefs + peer.intercepts, lr=0.01, **options)


def test_adamw_against_torch():
    net = regressor(solver="adamw", weight_decay=0.3)
    peer = Peer(net)
    groups = [{"params": peer.coefs, "weight_decay": 0.3}]
    groups += [{"params": peer.intercepts, "weight_decay": 0.0}]
    peer.fit(peer.torch.optim.AdamW(groups, lr=0.01))
    peer.assert_equal(net.fit(X, Y))


def test_adamw_decays_by_default():
    assert not np.array_equal(
        regressor(solver="adamw").fit(X, Y).coefs_[0],
        regressor(solver="adamw", weight_decay=0).fit(X, Y).coefs_[0],
    )


@pytest.mark.parametrize("l1, max_norm", [(0.5, None), (0.0, 0.1), (0.5, 0.1)])
def test_penalty_and_clipping_against_torch(l1, max_norm):
    net = regressor(solver="sgd", momentum=0, l1=l1, max_grad_norm=max_norm)
    peer = Peer(net)
    peer.fit(sgd(peer), penalty=l1, max_norm=max_norm)
    peer.assert_equal(net.fit(X, Y))


def test_a_large_limit_clips_nothing():
    limited = regressor(max_grad_norm=1e6).fit(X, Y)
    np.testing.assert_allclose(limited.coefs_[0], regressor().fit(X, Y).coefs_[0])


def test_the_loss_has_the_l1_penalty():
    kwargs = {"l1": 2.0, "learning_rate_init": 1e-300, "max_iter": 1, "batch_size": 60}
    with_l1, without = regressor(**kwargs), regressor(**kwargs | {"l1": 0.0})
    with_l1.fit(X, Y), without.fit(X, Y)
    penalty = 2.0 * sum(abs(coef).sum() for coef in with_l1.coefs_) / 60
    assert with_l1.loss_ == pytest.approx(without.loss_ + penalty)


@pytest.mark.parametrize("warm_up", [False, True])
def test_ema_of_every_step_against_torch(warm_up):
    net = regressor(solver="sgd", momentum=0, averaging=EMA(0.8, warm_up=warm_up))
    peer, averages, step = Peer(net), [], 0

    def follow():
        nonlocal step
        kept = min(0.8, step / (step + 9)) if warm_up else 0.8 * (step > 0)
        now = [c.detach().clone() for c in peer.coefs]
        before = averages[-1] if averages else now
        averages.append([kept * a + (1 - kept) * c for a, c in zip(before, now)])
        step += 1

    peer.fit(sgd(peer), after_step=follow)
    for coef, average in zip(net.fit(X, Y).coefs_, averages[-1], strict=True):
        np.testing.assert_allclose(coef, average, rtol=1e-6, atol=1e-9)


def test_swa_is_the_mean_of_the_last_epochs():
    net = regressor(max_iter=8, averaging=SWA(start=0.5)).fit(X, Y)
    ends = [regressor(max_iter=n).fit(X, Y).coefs_[0] for n in (5, 6, 7, 8)]
    np.testing.assert_allclose(net.coefs_[0], np.mean(ends, axis=0), rtol=1e-10)
    early = regressor(max_iter=4, averaging=SWA(start=0.9)).fit(X, Y)
    np.testing.assert_allclose(early.coefs_[0], regressor().fit(X, Y).coefs_[0])


def test_swa_begins_at_a_share_that_is_no_binary_number():
    swa = SWA(start=0.55)  # of 100 it is 55, and in floats a little more
    assert swa.shares(4, 0, epochs_done=54, max_epochs=100).tolist() == [1, 1, 1, 1]
    assert swa.shares(4, 0, epochs_done=55, max_epochs=100).tolist() == [0, 0, 0, 1]
    assert swa.shares(4, 0, epochs_done=56, max_epochs=100).tolist() == [0, 0, 0, 0.5]


@pytest.mark.parametrize(
    "params",
    [
        {"averaging": "ema"},
        {"averaging": "ema", "normalization": "batch"},
        {"solver": "adamw", "learning_rate": "one_cycle"},
        {"l1": 0.1, "max_grad_norm": 1.0},
        {"skip_connections": True, "normalization": "layer"},
        {"monotonic_cst": [1, 0, 0, -1, 0]},
    ],
)
def test_partial_fit_goes_on_as_a_fit_does(params):
    """In pickles, too: nothing of what steps need is lost."""
    whole = regressor(max_iter=4, **params).fit(X, Y)
    parts = regressor(max_iter=4, **params)
    for _ in range(4):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, Y)))
    np.testing.assert_allclose(parts.predict(X), whole.predict(X), rtol=1e-12)


def test_dropout_leaves_out_a_share_of_the_units():
    """Of a linear network with weights of one: each output is a sum of the mask."""
    net = MLPRegressor(hidden_layer_sizes=1000, activation="identity", max_iter=1)
    net.set_params(dropout=0.3, learning_rate_init=1e-300, batch_size=1, random_state=0)
    net.set_params(alpha=0.0)
    ones, zeros = np.ones((400, 1)), np.zeros(400)
    net.fit(ones, zeros)
    net.coefs_ = [np.ones((1, 1000)), np.full((1000, 1), 1e-3)]
    net.intercepts_ = [np.zeros(1000), np.zeros(1)]
    net.partial_fit(ones, zeros)
    # the loss is the mean of half the squared share, scaled: mean 1, variance p / (1-p)
    variance = 0.3 / 0.7 / 1000
    assert net.loss_ == pytest.approx(0.5 * (1 + variance), rel=5e-3)
    assert net.predict(ones[:3]) == pytest.approx(1)


def test_input_noise_adds_its_variance():
    net = MLPRegressor(
        hidden_layer_sizes=(), input_noise=2.0, max_iter=1, learning_rate_init=1e-300
    )
    net.set_params(random_state=0, alpha=0.0).fit(
        np.zeros((20_000, 1)), np.zeros(20_000)
    )
    bias, slope = net.intercepts_[0][0], net.coefs_[0][0, 0]
    assert net.loss_ == pytest.approx(0.5 * (bias**2 + 4 * slope**2), rel=0.03)


def test_noise_depends_on_the_seed_and_nothing_else():
    nets = [
        regressor(dropout=0.5, input_noise=0.1, random_state=s, n_jobs=j).fit(X, Y)
        for s, j in [(1, None), (1, 2), (2, None)]
    ]
    assert np.array_equal(nets[0].coefs_[0], nets[1].coefs_[0])
    assert not np.array_equal(nets[0].coefs_[0], nets[2].coefs_[0])


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("scheme", ["glorot", "he", "lecun"])
def test_variance_of_initial_weights(scheme, distribution):
    net = MLPRegressor(
        hidden_layer_sizes=(400, 300), init=f"{scheme}_{distribution}", max_iter=1
    )
    net.set_params(learning_rate_init=1e-300, random_state=0).fit(X, Y)
    expected = {"glorot": 2 / 700, "he": 2 / 400, "lecun": 1 / 400}[scheme]
    assert net.coefs_[1].var() == pytest.approx(expected, rel=0.02)
    assert abs(net.coefs_[1].mean()) < 1e-3
    if net.init != "glorot_uniform":
        assert abs(net.intercepts_[1]).max() < 1e-200


def test_orthogonal_and_zero_weights():
    net = regressor(init="orthogonal", learning_rate_init=1e-300, max_iter=1).fit(X, Y)
    for coef in net.coefs_:
        product = coef @ coef.T if coef.shape[0] < coef.shape[1] else coef.T @ coef
        np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)
    net = regressor(init="zeros").fit(X, Y)
    assert all(np.ptp(coef) == 0 for coef in net.coefs_[:-1])  # units stay alike


MONOTONIC = [
    name for name, each in ACTIVATIONS.items() if not each or each.is_monotonic
]


@pytest.mark.parametrize("activation", MONOTONIC)
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"solver": "lbfgs"},
        {"skip_connections": True, "normalization": "batch"},
        {"averaging": "ema", "weight_decay": 0.1, "momentum": 0.99, "solver": "sgd"},
    ],
)
@pytest.mark.parametrize("make", [MLPRegressor, MLPClassifier])
def test_monotonic_networks_are_monotonic(make, params, activation):
    constraints = np.array([1, -1, 0, 0, 0])
    net = make(**PLAIN | {"activation": activation, "learning_rate_init": 0.1} | params)
    net.set_params(monotonic_cst=constraints, max_iter=20)
    y = -Y if make is MLPRegressor else 1 - LABELS  # as hard as it can be
    net.fit(X, y)
    outputs = (
        net.predict if make is MLPRegressor else lambda Z: net.predict_proba(Z)[:, 1]
    )
    rng = np.random.default_rng(0)
    Z = rng.normal(scale=3, size=(500, 5))
    further = Z + np.abs(constraints) * rng.exponential(size=Z.shape) * constraints
    assert (outputs(further) - outputs(Z)).min() >= -1e-12


def test_monotonic_networks_can_bend_both_ways():
    x = np.linspace(-3, 3, 200).reshape(-1, 1)
    for y in (np.exp(x[:, 0]) / 10, -np.exp(-x[:, 0]) / 10, np.tanh(2 * x[:, 0])):
        net = MLPRegressor(
            hidden_layer_sizes=(30, 30), solver="lbfgs", monotonic_cst=[1],
            max_iter=2000, max_fun=10**5, random_state=0, tol=1e-6,
        )  # fmt: skip
        assert net.fit(x, y).score(x, y) > 0.99


def test_a_deep_network_learns_from_scratch():
    digits, labels = load_digits(return_X_y=True)
    digits = digits / 16
    for params in (
        {"skip_connections": True},
        {"normalization": "batch"},
        {"normalization": "layer"},
        {"init": "he_normal"},
        {"max_iter": 80},
    ):
        net = MLPClassifier((32,) * 16, max_iter=40, batch_size=32, random_state=0)
        net.set_params(**params)
        assert net.fit(digits[::2], labels[::2]).score(digits[1::2], labels[1::2]) > 0.8


def test_label_smoothing_against_its_definition():
    labels = np.arange(60) % 3
    for smoothing in (0.0, 0.2):
        net = MLPClassifier(**PLAIN | {"label_smoothing": smoothing, "batch_size": 60})
        net.set_params(max_iter=1, learning_rate_init=1e-300).fit(X, labels)
        p = net.predict_proba(X)
        q = (1 - smoothing) * np.eye(3)[labels] + smoothing / 3
        assert net.loss_ == pytest.approx(-(q * np.log(p)).sum(axis=1).mean())


def cube(z):
    return z * z * z


def cube_derivative(z):
    return 3 * z * z


@pytest.mark.parametrize(
    "name, values",
    [
        ("activation", ["gelu", ["relu", "tanh"], LeakyReLU(0.2)]),
        ("activation", [Activation(cube, cube_derivative), ELU(alpha=0.5)]),
        ("activation__slope", [0.0, 0.3]),
        ("dropout", [0.1, [0.1, 0.2], [0.1, 0.2, 0.3]]),
        ("averaging", ["swa", EMA(0.9), None]),
        ("learning_rate", ["cosine", "coslog4", lambda progress: 1 - progress / 2]),
        ("loss", ["gamma", "huber", Huber(delta=0.5), Quantile(0.9)]),
        ("solver", ["nadam", "lion", "rmsprop", "adagrad"]),
    ],
)
def test_every_parameter_can_be_searched_cloned_and_printed(name, values):
    net = regressor(activation=LeakyReLU(), max_iter=2)
    search = GridSearchCV(net, {name: values}, cv=2, error_score="raise")
    best = clone(search.fit(X, Y - Y.min() + 1).best_estimator_)
    assert "MLPRegressor(" in repr(best)
    assert len(search.cv_results_["mean_test_score"]) == len(values)


BAD = {
    "dropout of one": ({"dropout": 1.0}, "dropout"),
    "dropout of one in a list": ({"dropout": [0.1, 1.0]}, "less than 1"),
    "dropout for other layers": ({"dropout": [0.1] * 4}, "4 entries"),
    "activations for other layers": ({"activation": ["relu"]}, "1 entries"),
    "an unknown activation": ({"activation": ["relu", "foo"]}, "'foo'"),
    "an unknown average": ({"averaging": "mean"}, "averaging"),
    "an average of no decay": ({"averaging": EMA(1.5)}, "decay"),
    "an unknown scheme": ({"init": "xavier"}, "init"),
    "no norm": ({"max_grad_norm": 0.0}, "max_grad_norm"),
    "a schedule with lbfgs": ({"learning_rate": "cosine", "solver": "lbfgs"}, "lbfgs"),
    "dropout with lbfgs": ({"dropout": 0.5, "solver": "lbfgs"}, "lbfgs"),
    "an average with lbfgs": ({"averaging": "ema", "solver": "lbfgs"}, "lbfgs"),
    "constraints of others": ({"monotonic_cst": [1, 0]}, "monotonic_cst"),
    "a constraint of 2": ({"monotonic_cst": [2, 0, 0, 0, 0]}, "monotonic_cst"),
    "layer and constraints": (
        {"monotonic_cst": [1, 0, 0, 0, 0], "normalization": "layer"},
        "not monotonic",
    ),
    "gelu and constraints": (
        {"monotonic_cst": [1, 0, 0, 0, 0], "activation": "gelu"},
        "'gelu'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_combinations_that_make_no_sense(case):
    params, words = BAD[case]
    with pytest.raises(ValueError, match=words):
        regressor(**params).fit(X, Y)


def test_noise_on_a_sparse_x_is_refused():
    sparse = pytest.importorskip("scipy.sparse").csr_array(X)
    for params in ({"input_noise": 0.1}, {"dropout": [0.1, 0.0, 0.0]}):
        with pytest.raises(ValueError, match="dense X"):
            regressor(**params).fit(sparse, Y)


def test_dropout_leaves_out_the_same_units_of_a_sparse_x():
    sparse = pytest.importorskip("scipy.sparse").csr_array(X)
    on_dense, on_sparse = (
        regressor(dropout=0.5, random_state=0).fit(each, Y).coefs_[0]
        for each in (X, sparse)
    )
    np.testing.assert_allclose(on_sparse, on_dense, rtol=1e-9, atol=1e-12)


def test_more_classes_than_two_have_no_positive_one():
    with pytest.raises(ValueError, match="monotonic"):
        MLPClassifier(monotonic_cst=[1, 0, 0, 0, 0]).fit(X, np.arange(60) % 3)


def test_a_schedule_that_ends_with_the_fit_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        regressor(learning_rate="cosine").fit(X, Y)
    with pytest.warns(ConvergenceWarning):
        regressor(learning_rate="reduce_on_plateau").fit(X, Y)


def wrong_derivative(z):
    return -3 * z * z


def takes_two(z, other):
    return z


def not_compiled(z):
    return [str(z)] + [z]


def calls_another(z):
    return cube(z)


def returns_text(z):
    return "text"


def test_functions_of_users_are_checked():
    with pytest.warns(UserWarning, match=r"wrong_derivative\(.*slope of"):
        regressor(activation=Activation(cube, wrong_derivative)).fit(X, Y)
    for function, words in [
        (takes_two, "of 1 number"),
        (np.tanh, "with def or lambda"),
        (not_compiled, "compiled"),
        (calls_another, "'cube'.*numba.njit"),
        (returns_text, "must return a number"),
    ]:
        with pytest.raises(ValueError, match=words):
            regressor(activation=Activation(function, cube_derivative)).fit(X, Y)
    for forgotten in ({"activation": ELU}, {"averaging": EMA}):
        with pytest.raises(ValueError, match=r"write E\w\w\(\)"):
            regressor(**forgotten).fit(X, Y)


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
def test_standardized_targets_of_exponential_outputs(loss):
    y = np.exp(0.5 * X[:, 0] + 9)
    net = regressor(loss=loss, standardize_target=True, max_iter=300).fit(X, y)
    assert net.target_mean_ == 0
    assert net.target_scale_ == pytest.approx(y.mean())
    assert net.score(X, y) > 0.9


def test_a_callback_may_set_the_rate_of_a_schedule():
    rates = []
    watch = LearningRateScheduler(lambda epoch, rate: rates.append(rate) or rate)
    regressor(learning_rate="cosine").set_callbacks(watch).fit(X, Y)
    assert rates == [0.01] * 4  # what the factors are of


def test_a_classification_of_hard_labels_improves_with_weights():
    features, labels = make_classification(300, weights=[0.95], random_state=0)
    plain = MLPClassifier(max_iter=30, random_state=0).fit(features, labels)
    balanced = clone(plain).set_params(class_weight="balanced").fit(features, labels)
    rare = labels == 1
    assert balanced.score(features[rare], labels[rare]) > plain.score(
        features[rare], labels[rare]
    )


@pytest.mark.parametrize(
    "before, after",
    [
        ({"normalization": "batch"}, {"normalization": None}),
        ({"normalization": "layer"}, {"normalization": "batch"}),
        ({"skip_connections": True}, {"skip_connections": False}),
    ],
)
def test_parameters_set_after_a_fit_wait_for_the_next(before, after):
    net = regressor(**before).fit(X, Y)
    expected = net.predict(X)
    net.set_params(**after)
    assert np.array_equal(net.predict(X), expected)
    assert np.array_equal(pickle.loads(pickle.dumps(net)).predict(X), expected)
    with pytest.raises(ValueError, match="cannot change normalization"):
        net.partial_fit(X, Y)
    fresh = regressor(**after).fit(X, Y)
    assert vars(net.fit(X, Y)).keys() == vars(fresh).keys()  # nothing is left over
    assert np.array_equal(net.predict(X), fresh.predict(X))


def test_an_average_may_begin_between_two_partial_fits():
    net = regressor().partial_fit(X, Y)
    net.set_params(averaging="ema").partial_fit(X, Y)
    assert net.predict(X).shape == Y.shape


@pytest.mark.parametrize("name", ["scales_", "skip_coefs_", "coefs_"])
def test_every_part_can_be_edited(name):
    net = regressor(normalization="layer", skip_connections=True).fit(X, Y)
    before = net.predict(X)
    setattr(net, name, [2 * array for array in getattr(net, name)])
    assert not np.allclose(net.predict(X), before)
    getattr(net, name)[0][:] /= 2


def test_batch_normalization_needs_more_than_one_sample():
    with pytest.raises(ValueError, match="more than one sample"):
        regressor(normalization="batch", batch_size=1).fit(X, Y)
    net = regressor(normalization="batch").fit(X, Y)
    with pytest.raises(ValueError, match="more than one sample"):
        net.set_params(batch_size="auto").partial_fit(X[:1], Y[:1])
    odd = regressor(normalization="batch", batch_size=2).fit(X[:59], Y[:59])
    assert odd.t_ == 4 * 58  # the last one alone is left out


def test_schedules_and_averages_count_calls_of_any_size():
    params = {"learning_rate": lambda p: seen.append(p) or 1.0, "max_iter": 4}
    seen, net = [], regressor(batch_size=20, averaging=SWA(start=0.5), **params)
    ends = []
    for size in (40, 20, 40, 20):
        net.partial_fit(X[:size], Y[:size])
        ends.append(net._optimizer.trained(net._network[0]).params.copy())
    assert seen == [0.0, 0.125, 0.25, 0.5, 0.625, 0.75]
    np.testing.assert_allclose(net._network[0].params, np.mean(ends[2:], axis=0))


@pytest.mark.parametrize("constraints", [[1, 1, 0, 0, 0], [1] * 5])
def test_deep_monotonic_networks_start_well(constraints):
    y = np.exp(0.5 * X[:, 0] + 0.3 * X[:, 1])
    net = MLPRegressor("poisson", (100, 100), monotonic_cst=constraints, max_iter=200)
    net.set_params(random_state=0, learning_rate_init=0.01).fit(X, y)
    assert net.loss_curve_[0] < 10
    assert net.score(X, y) > 0.8


def test_a_monotonic_fit_that_continues_is_monotonic():
    y = -2 * X[:, 0]
    net = regressor(warm_start=True, early_stopping=True, max_iter=100).fit(X, y)
    net.set_params(monotonic_cst=[1, 0, 0, 0, 0], max_iter=5).fit(X, y)
    further = X + np.array([1, 0, 0, 0, 0])
    assert (net.predict(further) - net.predict(X)).min() >= -1e-12


def test_scores_that_are_no_numbers_end_the_fit():
    net = regressor(early_stopping=True, scoring=lambda net, X, y: np.nan)
    with pytest.raises(ValueError, match="No validation score was a number"):
        net.fit(X, Y)


def test_a_fit_interrupted_before_its_first_score_is_kept():
    def interrupt(net, X, y):
        raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted by user"):
        net = regressor(early_stopping=True, scoring=interrupt).fit(X, Y)
    assert net.n_iter_ == 1 and net.validation_scores_ == []


def test_settings_of_an_activation_may_change_after_the_fit():
    net = regressor(activation=LeakyReLU(0.1)).fit(X, Y)
    net.set_params(activation__slope=0.5)
    copied = pickle.loads(pickle.dumps(net))
    assert np.array_equal(net.predict(X), copied.predict(X))


def test_large_gradients_are_clipped_in_float32():
    net = regressor(dtype="float32", max_grad_norm=1.0).fit(X, Y * 1e20)
    start = regressor(learning_rate_init=1e-300, max_iter=1).fit(X, Y).coefs_[0]
    assert not np.allclose(net.coefs_[0], start)


def test_history_records_the_rates_of_a_schedule():
    history = History()
    regressor(learning_rate="cosine").set_callbacks(history).fit(X, Y)
    expected = 0.005 * (1 + np.cos(np.pi * np.arange(4) / 4))
    np.testing.assert_allclose(history.curves["learning_rate"], expected)


def test_moments_lie_where_kernels_may_read_them():
    """Copies as well, which are made for every call of partial_fit."""
    net = regressor(averaging="ema", dtype="float32").partial_fit(X, Y)
    moments = net.partial_fit(X, Y)._optimizer.moments
    assert moments.ctypes.data % 64 == 0 and moments.base is not None
