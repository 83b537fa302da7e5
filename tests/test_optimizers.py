"""The update rules against PyTorch's, and optimizers as parameters of an estimator."""

import ctypes
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknn import MLPClassifier, MLPRegressor
from sknn.optimizers import (
    OPTIMIZERS,
    Adagrad,
    Lion,
    RMSprop,
    as_optimizer,
    bias_correction,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
TARGET = X[:, 0] + X[:, 1] * X[:, 2]
LABELS = (TARGET > 0).astype(int)
STOCHASTIC = [name for name, optimizer in OPTIMIZERS.items() if optimizer.update]
N_STEPS, SIZE, WHOLE = 20, 37, 64
START = RNG.normal(size=SIZE)
GRADS = RNG.normal(size=(N_STEPS, SIZE)) * 10.0 ** RNG.integers(-3, 2, SIZE)
LEARNING_RATES = RNG.uniform(0.01, 0.1, N_STEPS)
# estimators whose settings are nobody's defaults
MLP = MLPRegressor(beta_1=0.8, beta_2=0.99, epsilon=1e-3)


def train(solver, grads=GRADS, decay=0.0, dtype=np.float64):
    """The parameters after each step, with PyTorch's L2 penalty."""
    optimizer = as_optimizer(solver)
    rule = ctypes.CFUNCTYPE(
        None, *[ctypes.c_void_p] * 3, *[ctypes.c_ssize_t] * 2, *[ctypes.c_void_p] * 2,
        *[ctypes.c_double] * 2,
    )(optimizer.update.address(np.dtype(dtype)))  # fmt: skip
    # parts of vectors, of whatever width, and what lies behind them
    p, moments = np.ones(WHOLE, dtype), np.ones((optimizer.n_moments, WHOLE), dtype)
    p[:SIZE], moments[:, :SIZE] = START, 0
    settings = optimizer.settings(MLP)
    # in two epochs: the second has to know how many steps were made before
    rates = [optimizer.rates(LEARNING_RATES[:7], 0, settings)]
    rates += [optimizer.rates(LEARNING_RATES[7:], 7, settings)]
    path = []
    for g, row in zip(grads, np.concatenate(rates), strict=True):
        g = np.append(g, np.ones(WHOLE - SIZE)).astype(dtype)
        arrays = [array.ctypes.data for array in (p, g, moments)]
        numbers = settings.ctypes.data, row.ctypes.data, 0.5, decay
        rule(*arrays, WHOLE, SIZE, *numbers)
        path.append(p[:SIZE].copy())
    assert (p[SIZE:] == 1).all()
    assert (moments[:, SIZE:] == 1).all()
    return np.array(path)


@pytest.mark.parametrize("beta", [0, 0.1, 0.5, 0.9, 0.99, 0.999, 0.999999])
def test_bias_correction_is_the_same_without_tiny_powers(beta):
    t = np.arange(1, 50_001)
    with np.errstate(under="ignore"):
        expected = 1 - beta**t
    assert np.array_equal(bias_correction(beta, t), expected)


def of_torch(monkeypatch, name, decay, **settings):
    """What PyTorch makes of the same: the samples' sum times a half, and L2."""
    torch = pytest.importorskip("torch")
    # NAdam keeps a product in the default dtype
    monkeypatch.setattr(torch, "get_default_dtype", lambda: torch.float64)
    p = torch.nn.Parameter(torch.tensor(START))
    optimizer = getattr(torch.optim, name)([p], weight_decay=decay, **settings)
    path = []
    for g, rate in zip(GRADS, LEARNING_RATES, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        p.grad = torch.tensor(0.5 * g)
        optimizer.step()
        path.append(p.detach().numpy().copy())
    return np.array(path)


BETAS = {"betas": (0.8, 0.99), "eps": 1e-3}


@pytest.mark.parametrize(
    ("solver", "decay", "name", "settings"),
    [
        ("adamw", 0.0, "AdamW", BETAS),
        ("adamw", 0.2, "Adam", BETAS),
        ("nadam", 0.2, "NAdam", BETAS),
        ("rmsprop", 0.2, "RMSprop", {}),
        (RMSprop(rho=0.5, epsilon=1e-2), 0.2, "RMSprop", {"alpha": 0.5, "eps": 1e-2}),
        ("adagrad", 0.2, "Adagrad", {}),
        (Adagrad(epsilon=1e-2), 0.2, "Adagrad", {"eps": 1e-2}),
    ],
)
def test_update_against_torch(solver, decay, name, settings, monkeypatch):
    expected = of_torch(monkeypatch, name, decay, **settings)
    np.testing.assert_allclose(train(solver, decay=2 * decay), expected, rtol=1e-10)


class Naive:
    """The update rules in plain NumPy: each returns the step of the t-th gradient."""

    def __init__(self):
        self.m, self.v, self.momenta = np.zeros(SIZE), np.zeros(SIZE), 1.0

    def _means(self, grad, t):
        self.m = 0.8 * self.m + 0.2 * grad
        self.v = 0.99 * self.v + 0.01 * grad**2
        return self.m / (1 - 0.8**t), np.sqrt(self.v / (1 - 0.99**t)) + 1e-3

    def adam(self, grad, t):
        self._means(grad, t)
        rate = np.sqrt(1 - 0.99**t) / (1 - 0.8**t)
        return rate * self.m / (np.sqrt(self.v) + 1e-3)

    def adamw(self, grad, t):
        mean, root = self._means(grad, t)
        return mean / root

    def nadam(self, grad, t):
        _, root = self._means(grad, t)
        momentum, coming = (0.8 * (1 - 0.5 * 0.96 ** (s / 250)) for s in (t, t + 1))
        self.momenta *= momentum
        ahead = coming * self.m / (1 - self.momenta * coming)
        return ((1 - momentum) * grad / (1 - self.momenta) + ahead) / root

    def rmsprop(self, grad, t):
        self.v = 0.99 * self.v + 0.01 * grad**2
        return grad / (np.sqrt(self.v) + 1e-8)

    def adagrad(self, grad, t):
        self.v = self.v + grad**2
        return grad / (np.sqrt(self.v) + 1e-10)

    def lion(self, grad, t):
        step = np.sign(0.7 * self.m + 0.3 * grad)
        self.m = 0.95 * self.m + 0.05 * grad
        return step


# whose settings are not the estimator's
OBJECTS = {"lion": Lion(beta_1=0.7, beta_2=0.95)}


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-10), (np.float32, 1e-4)])
@pytest.mark.parametrize("solver", [name for name in vars(Naive) if name[0] != "_"])
def test_update_against_numpy(solver, dtype, rtol):
    p, path, step_of = START.copy(), [], getattr(Naive(), solver)
    for t, (grad, rate) in enumerate(zip(GRADS, LEARNING_RATES, strict=True), 1):
        p = p - rate * step_of(0.5 * (grad + 0.2 * p), t)
        path.append(p)
    ours = train(OBJECTS.get(solver, solver), decay=0.2, dtype=dtype)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, path, rtol=rtol, atol=1e-5 * (dtype == np.float32))


@pytest.mark.parametrize("solver", STOCHASTIC)
def test_nan_stays_visible_and_no_gradient_is_no_step(solver):
    grads = np.zeros_like(GRADS)
    grads[0, 3] = np.nan
    path = train(solver, grads)
    assert np.isnan(path[:, 3]).all()
    still = np.delete(path, 3, axis=1) == np.delete(START, 3)
    assert still.all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("solver", STOCHASTIC)
def test_every_solver_learns(solver, dtype):
    settings = {"max_iter": 100, "batch_size": 20}
    settings["learning_rate_init"] = 0.1 if solver in ("sgd", "adagrad") else 0.01
    net = MLPClassifier(10, solver=solver, random_state=0, **settings)
    assert net.fit(X.astype(dtype), LABELS).score(X.astype(dtype), LABELS) > 0.9
    assert net.coefs_[0].dtype == dtype


@pytest.mark.parametrize(
    ("name", "same", "other"),
    [
        ("rmsprop", RMSprop(), RMSprop(rho=0.1)),
        ("adagrad", Adagrad(), Adagrad(epsilon=1.0)),
        ("lion", Lion(), Lion(beta_1=0.1)),
    ],
)
def test_a_string_stands_for_the_default_object(name, same, other):
    settings = {"max_iter": 5, "batch_size": 10, "random_state": 0}
    of_name, of_object, of_other = (
        MLPRegressor(solver=solver, **settings).fit(X, TARGET).coefs_[0]
        for solver in (name, same, other)
    )
    assert np.array_equal(of_name, of_object)
    assert not np.array_equal(of_name, of_other)


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (RMSprop(rho=1.0), "The 'rho' parameter of RMSprop must be a float in"),
        (RMSprop(epsilon=0), "The 'epsilon' parameter of RMSprop must be a float in"),
        (Adagrad(epsilon=None), "The 'epsilon' parameter of Adagrad must be a float"),
        (Lion(beta_1=-0.1), "The 'beta_1' parameter of Lion must be a float in"),
        (Lion(beta_2="a"), "The 'beta_2' parameter of Lion must be a float in"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_settings(solver, message, method):
    net = MLPRegressor(solver=solver)
    with pytest.raises(ValueError, match=message):
        getattr(net, method)(X, TARGET)
    assert not hasattr(net, "coefs_")


def test_a_class_is_no_solver():
    with pytest.raises(ValueError, match="The 'solver' parameter of MLPRegressor must"):
        MLPRegressor(solver=RMSprop).fit(X, TARGET)
    assert not hasattr(MLPRegressor(solver=RMSprop), "partial_fit")


def test_an_optimizer_is_a_parameter_like_any_other():
    net = MLPClassifier(solver=RMSprop(rho=0.9), max_iter=2)
    assert repr(net) == "MLPClassifier(max_iter=2, solver=RMSprop(rho=0.9))"
    cloned = clone(net)
    assert cloned.solver.rho == 0.9 and cloned.solver is not net.solver
    search = GridSearchCV(net, {"solver__rho": [0.5, 0.95]}, cv=2).fit(X, LABELS)
    assert search.best_estimator_.solver.rho in (0.5, 0.95)
    assert net.solver.rho == 0.9


def partly_fitted(solver, n_calls=2):
    net = MLPRegressor(
        hidden_layer_sizes=4, solver=solver, random_state=0, shuffle=False
    )
    for _ in range(n_calls):
        net.partial_fit(X, TARGET)
    return net


@pytest.mark.parametrize("solver", [*STOCHASTIC, Lion(beta_2=0.9)])
def test_training_goes_on_after_a_pickle(solver):
    copied = pickle.loads(pickle.dumps(partly_fitted(solver)))
    expected = partly_fitted(solver, 3)
    assert np.array_equal(copied.partial_fit(X, TARGET).coefs_[0], expected.coefs_[0])


@pytest.mark.parametrize(
    ("params", "goes_on"),
    [
        ({"solver": RMSprop()}, True),
        ({"solver": "rmsprop"}, True),
        ({"solver__rho": 0.99}, True),
        ({"solver__rho": 0.5}, False),
        ({"solver": "lion"}, False),
        ({"solver": Lion()}, False),
    ],
)
def test_what_counts_as_the_same_solver(params, goes_on):
    net, fresh = partly_fitted(RMSprop()), partly_fitted(RMSprop())
    fresh._optimizer = None
    for each in (net, fresh):
        each.set_params(**{k: clone(v, safe=False) for k, v in params.items()})
        each.partial_fit(X, TARGET)
    assert np.array_equal(net.coefs_[0], fresh.coefs_[0]) != goes_on


@pytest.mark.parametrize("solver", ["adam", "adamw", "nadam", RMSprop(epsilon=1e39)])
def test_an_epsilon_beyond_float32(solver):
    X = np.linspace(-1, 1, 60, dtype=np.float32).reshape(-1, 2)
    net = MLPRegressor(
        hidden_layer_sizes=4, solver=solver, epsilon=1e39, max_iter=2, random_state=0
    )
    net.fit(X, X[:, 0])  # by steps of zero
    begun = MLPRegressor(solver="sgd", learning_rate_init=1e-30, max_iter=1)
    begun.set_params(hidden_layer_sizes=4, random_state=0).fit(X, X[:, 0])
    if solver != "adamw":  # which lets weights decay
        np.testing.assert_allclose(net.coefs_[0], begun.coefs_[0], rtol=1e-6)
