"""Schedules against PyTorch's, their ends and ways, and what a fit makes of them."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknn import MLPRegressor
from sknn.schedules import (
    SCHEDULES,
    Cosine,
    Exponential,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    Warmup,
    as_schedule,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
TARGET = X[:, 0] + X[:, 1] * X[:, 2]
N_STEPS = 50
T = np.linspace(0, 1, N_STEPS + 1)


def of_torch(name, metrics=None, **settings):
    """PyTorch's factors at the start and after each step."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = getattr(torch.optim.lr_scheduler, name)(optimizer, **settings)
    factors = [optimizer.param_groups[0]["lr"]]
    for i in range(N_STEPS):
        optimizer.step()
        schedule.step(*([metrics[i]] if metrics is not None else []))
        factors.append(optimizer.param_groups[0]["lr"])
    return np.array(factors)


@pytest.mark.parametrize(
    ("schedule", "name", "settings"),
    [
        (Cosine(), "CosineAnnealingLR", {"T_max": N_STEPS}),
        (Cosine(final=0.2), "CosineAnnealingLR", {"T_max": N_STEPS, "eta_min": 0.2}),
        (Exponential(final=0.1), "ExponentialLR", {"gamma": 0.1 ** (1 / N_STEPS)}),
    ],
)
def test_factors_against_torch(schedule, name, settings):
    expected = of_torch(name, **settings)
    np.testing.assert_allclose(schedule.factors(T), expected, rtol=1e-9, atol=1e-15)


def test_one_cycle_against_torch():
    schedule = OneCycle(rise=0.4, start=0.1, final=1e-3)
    expected = of_torch(
        "OneCycleLR", max_lr=1.0, total_steps=N_STEPS + 1, pct_start=0.4,
        div_factor=10, final_div_factor=100, cycle_momentum=False,
    )  # fmt: skip
    # PyTorch's top lies a step before that share of the steps
    top = 0.4 * (N_STEPS + 1) - 1
    progress = np.interp(np.arange(N_STEPS + 1), [0, top, N_STEPS], [0, 0.4, 1])
    np.testing.assert_allclose(schedule.factors(progress), expected, rtol=1e-9)


def test_reduce_on_plateau_against_torch():
    losses = np.where(RNG.random(N_STEPS) < 0.2, -np.arange(N_STEPS), 1000.0)
    expected = of_torch(
        "ReduceLROnPlateau", losses, factor=0.3, patience=2, min_lr=0.01, threshold=0
    )
    schedule = ReduceOnPlateau(factor=0.3, patience=2, min_rate=0.01)
    rates, best, n_in_vain = [1.0], np.inf, 0
    for loss in losses:
        n_in_vain = 0 if loss < best else n_in_vain + 1
        best = min(best, loss)
        rates.append(schedule.after_epoch(rates[-1], n_in_vain))
    np.testing.assert_allclose(rates, expected)
    assert min(rates) == 0.01 and len(set(rates)) > 3
    assert schedule.after_epoch(1e-3, 3) == 1e-3  # never raised to the smallest


@pytest.mark.parametrize(
    ("schedule", "knots"),
    [
        ("constant", {0: 1, 1: 1}),
        ("reduce_on_plateau", {0: 1, 1: 1}),
        ("cosine", {0: 1, 1: 0}),
        (Cosine(final=1.0), {0: 1, 1: 1}),
        ("flat_cos", {0: 1, 0.5: 1, 1: 0}),
        ("one_cycle", {0: 0.04, 0.3: 1, 1: 1e-4}),
        ("exponential", {0: 1, 1: 0.01}),
        ("coslog4", dict(zip((2 ** (np.arange(9) / 2) - 1) / 15, [0, 1] * 4 + [0]))),
        (Warmup(), {0: 0, 0.05: 1, 1: 1}),
        (Warmup("cosine", fraction=0.2), {0: 0, 0.2: 1, 1: 0}),
        (Warmup(Exponential(0.5), 0.9), {0: 0, 0.9: 1, 1: 0.5}),
    ],
)
def test_monotone_between_ends_and_turns(schedule, knots):
    schedule = as_schedule(schedule)
    places, factors = np.array([*knots]), np.array([*knots.values()])
    np.testing.assert_allclose(schedule.factors(places), factors, rtol=1e-9, atol=1e-12)
    for i, rise in enumerate(np.sign(np.diff(factors))):
        way = schedule.factors(np.linspace(places[i], places[i + 1], 40))
        assert (rise * np.diff(way) >= -1e-12).all()
        assert (way >= 0).all() and (way <= 1 + 1e-12).all()


def net(**params):
    settings = {"hidden_layer_sizes": (4,), "max_iter": 6, "batch_size": 25}
    return MLPRegressor(**settings | {"random_state": 0, "tol": 0.0} | params)


def weights(**params):
    return net(**params).fit(X, TARGET).coefs_[0]


@pytest.mark.parametrize("solver", ["sgd", "adam", "lion"])
@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"reduce_on_plateau"}))
def test_a_fit_takes_the_rate_of_each_step(name, solver):
    schedule = SCHEDULES[name]
    ours = weights(solver=solver, learning_rate=name)
    steps = iter(schedule.factors(np.arange(18) / 18))
    by_hand = weights(solver=solver, learning_rate=lambda progress: next(steps))
    constant = weights(solver=solver)
    assert np.array_equal(ours, by_hand)
    assert np.array_equal(ours, constant) == (name == "constant")


@pytest.mark.parametrize("solver", ["sgd", "adamw", "rmsprop"])
def test_factors_are_of_the_initial_rate(solver):
    expected = weights(solver=solver, learning_rate_init=0.005)
    params = {"solver": solver, "learning_rate_init": 0.01}
    halves = weights(learning_rate=lambda progress: 0.5, **params)
    assert np.array_equal(halves, expected)


@pytest.mark.parametrize("solver", ["adam", "adamw", "lion"])
@pytest.mark.parametrize("name", ["invscaling", "adaptive"])
def test_the_schedules_of_sgd_are_for_sgd(name, solver):
    settings = {"solver": solver, "tol": 10.0, "n_iter_no_change": 1}
    assert np.array_equal(weights(learning_rate=name, **settings), weights(**settings))


def test_progress_of_a_fit():
    seen = []
    net(learning_rate=lambda progress: seen.append(progress) or 1.0).fit(X, TARGET)
    assert seen == [i / 18 for i in range(18)]
    assert all(type(progress) is float for progress in seen)


def test_progress_of_partial_fits():
    seen = []
    model = net(learning_rate=lambda progress: seen.append(progress) or 1.0)
    for _ in range(8):
        model.partial_fit(X, TARGET)
    assert seen == [min(i / 18, 1) for i in range(24)]


def test_partial_fits_make_up_a_fit():
    model = net(learning_rate="one_cycle", shuffle=False, solver="adamw")
    for _ in range(6):
        model.partial_fit(X, TARGET)
        model = pickle.loads(pickle.dumps(model))
    expected = weights(learning_rate="one_cycle", shuffle=False, solver="adamw")
    assert np.array_equal(model.coefs_[0], expected)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("around", [lambda plateau: plateau, Warmup])
def test_reduce_on_plateau_in_a_fit(early_stopping, around):
    plateau = around(ReduceOnPlateau(factor=0.5, patience=1, min_rate=1e-5))
    # no epoch but the first counts as an improvement
    model = net(
        learning_rate=plateau, tol=1e3, max_iter=8, n_iter_no_change=100,
        early_stopping=early_stopping,
    ).fit(X, TARGET)  # fmt: skip
    assert model._optimizer.learning_rate == 1e-3 / 2**3


def test_reduce_on_plateau_goes_on_from_one_partial_fit_to_the_next():
    model = net(learning_rate=ReduceOnPlateau(0.5, 1), tol=1e3)
    for _ in range(8):
        model.partial_fit(X, TARGET)
    assert model._optimizer.learning_rate == 1e-3 / 2**3


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf, None, "a"])
@pytest.mark.parametrize("around", [lambda function: function, Warmup])
def test_a_function_must_return_a_good_number(bad, around):
    def falls_ill(progress):
        return bad if progress > 0.5 else 1.0

    model = net(learning_rate=around(falls_ill))
    with pytest.raises(TypeError if bad is None else ValueError):
        model.fit(X, TARGET)
    assert not hasattr(model, "coefs_")


def test_a_bad_factor_is_named():
    with pytest.raises(ValueError, match=r"non-negative .* Got -1.0 at a"):
        net(learning_rate=lambda progress: -1.0).fit(X, TARGET)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (Cosine(final=-0.1), "The 'final' parameter of Cosine must be a float in"),
        (Exponential(final=0), "The 'final' parameter of Exponential must be a float"),
        (OneCycle(rise=0), "The 'rise' parameter of OneCycle must be a float in"),
        (OneCycle(start="a"), "The 'start' parameter of OneCycle must be a float in"),
        (Warmup(fraction=1), "The 'fraction' parameter of Warmup must be a float in"),
        (Warmup(Cosine(2)), "The 'final' parameter of Cosine must be a float in"),
        (Warmup("invscaling"), "A schedule must be a str among .*'invscaling'"),
        (
            ReduceOnPlateau(factor=1),
            "The 'factor' parameter of ReduceOnPlateau",
        ),
        (ReduceOnPlateau(patience=0.5), "The 'patience' parameter of ReduceOnPlateau"),
        (ReduceOnPlateau(min_rate=-1), "The 'min_rate' parameter of ReduceOnPlateau"),
        (Cosine, "A schedule must be a str among .* Got <class"),
        ("cosin", "The 'learning_rate' parameter of MLPRegressor must be a str among"),
    ],
)
def test_bad_schedules(schedule, message):
    with pytest.raises(ValueError, match=message):
        net(learning_rate=schedule).fit(X, TARGET)


def test_a_schedule_of_ones_own():
    class Halves(Schedule):
        def factors(self, progress):
            return 0.5

    expected = weights(learning_rate=lambda progress: 0.5)
    assert np.array_equal(weights(learning_rate=Halves()), expected)


def test_a_schedule_is_a_parameter_like_any_other():
    model = net(learning_rate=Warmup(Cosine(final=0.1)), max_iter=2)
    assert "learning_rate=Warmup(schedule=Cosine(final=0.1))" in repr(model)
    assert clone(model).learning_rate.schedule.final == 0.1
    grid = {"learning_rate__schedule__final": [0.0, 0.5]}
    search = GridSearchCV(model, grid, cv=2).fit(X, TARGET)
    assert search.best_estimator_.learning_rate.schedule.final in (0.0, 0.5)


def test_a_schedule_changed_between_partial_fits_stays_what_it_was():
    model, twin = net(learning_rate=Cosine()), net(learning_rate=Cosine())
    for each in (model, twin):
        each.partial_fit(X, TARGET)
    model.set_params(learning_rate__final=1.0)
    for each in (model, twin):
        each.partial_fit(X, TARGET)
    assert np.array_equal(model.coefs_[0], twin.coefs_[0])
