"""Activations and their derivatives: formulas, finite differences and PyTorch."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
from elementwise import evaluate
from scipy import special
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sknn import MLPRegressor, activations, elementary
from sknn.architecture import Architecture, layers_of

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def _elu(z, alpha=1.0):
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def _softplus(z):
    return np.logaddexp(0, z)


ORACLE = {
    "leaky_relu": lambda z, slope=0.01: np.where(z > 0, z, slope * z),
    "elu": _elu,
    "selu": lambda z: 1.0507009873554805 * _elu(z, 1.6732632423543772),
    "softplus": _softplus,
    "gelu": lambda z: z * special.ndtr(z),
    "silu": lambda z: z * special.expit(z),
    "mish": lambda z: z * np.tanh(_softplus(z)),
    "hardswish": lambda z: z * np.clip(z + 3, 0, 6) / 6,
}
SETTINGS = {"leaky_relu": [(), (0.3,), (0.0,)], "elu": [(), (0.5,), (2.0,)]}
CASES = [(name, setting) for name in ORACLE for setting in SETTINGS.get(name, [()])]
KINKS = {"leaky_relu": [0], "elu": [0], "selu": [0], "hardswish": [-3, 3]}
cases = pytest.mark.parametrize(("name", "settings"), CASES)


def _value(name, z, *settings):
    module = activations if hasattr(activations, name) else elementary
    return evaluate(getattr(module, name), z, *settings)


def _derivative(name, z, *settings):
    """From the output where that is how it is written, else from the sum."""
    if hasattr(activations, f"{name}_slope"):
        slope = getattr(activations, f"{name}_slope")
        return evaluate(slope, _value(name, z, *settings), *settings)
    return evaluate(getattr(activations, f"{name}_derivative"), z)


def _sums(dtype, *more):
    rng = np.random.default_rng(0)
    return np.concatenate([rng.uniform(-12, 12, 2000), *more]).astype(dtype)


@dtypes
@cases
def test_value(name, settings, dtype):
    z = _sums(dtype, [-1e30, 0, 1e-30, 1e30])
    expected = ORACLE[name](z.astype(np.float64), *settings)
    tolerance = 16 * np.finfo(dtype).eps
    y = _value(name, z, *settings)
    np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance)


@dtypes
@cases
def test_derivative_by_finite_differences(name, settings, dtype):
    z = np.linspace(-9.01, 9.03, 1001).astype(dtype)
    h, wide = 1e-6, z.astype(np.float64)
    f = partial(_value, name)
    expected = (f(wide + h, *settings) - f(wide - h, *settings)) / (2 * h)
    tolerance = 1e-8 if dtype == np.float64 else 2e-6
    y = _derivative(name, z, *settings)
    np.testing.assert_allclose(y, expected, atol=tolerance, rtol=tolerance)


@dtypes
@cases
def test_no_overflow_and_nan_stays(name, settings, dtype):
    largest = np.finfo(dtype).max / 2  # selu is a little more than its argument
    z = np.array([-largest, largest, np.nan], dtype)
    y = _value(name, z, *settings)
    assert np.isfinite(y[:2]).all() and np.isnan(y[2])
    assert np.isfinite(_derivative(name, z[:2], *settings)).all()


@cases
def test_value_and_derivative_of_torch(name, settings):
    torch = pytest.importorskip("torch")
    kinks = KINKS.get(name, [0])
    z = _sums(np.float64, kinks, np.nextafter(kinks, -9), np.nextafter(kinks, 9))
    z = z[z < 20] if name == "softplus" else z
    function = getattr(torch.nn.functional, name)
    x = torch.tensor(z, requires_grad=True)
    y = function(x, *settings)
    y.sum().backward()
    np.testing.assert_allclose(
        _value(name, z, *settings), y.detach(), rtol=1e-13, atol=1e-14
    )
    np.testing.assert_allclose(
        _derivative(name, z, *settings), x.grad, rtol=1e-13, atol=1e-13
    )


def test_every_activation_has_an_oracle():
    older = {"identity", "logistic", "tanh", "relu"}  # tests/test_elementary.py
    missing = set(activations.ACTIVATIONS) - older - set(ORACLE)
    assert not missing, f"add {missing} to ORACLE in tests/test_activations.py"


def _own_silu(z):
    return z * elementary.logistic(z)


def _own_silu_derivative(z):
    logistic = elementary.logistic(z)
    return logistic + z * logistic * (1 - logistic)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("silu", (_own_silu, _own_silu_derivative)),
        ("silu", (activations.silu, activations.silu_derivative)),
        ("gelu", (activations.gelu, activations.gelu_derivative)),
    ],
)
@pytest.mark.filterwarnings("ignore", category=ConvergenceWarning)
def test_own_activation_of_the_functions_of_this_package(name, own):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    net = MLPRegressor(hidden_layer_sizes=4, max_iter=5, random_state=0)
    net.set_params(activation=activations.Activation(*own)).fit(X, y)
    expected = clone(net).set_params(activation=name).fit(X, y)
    np.testing.assert_allclose(net.predict(X), expected.predict(X), rtol=1e-9)


@pytest.mark.parametrize("function", [elementary.tanh, activations.silu_derivative])
def test_functions_are_the_same_in_copies_and_pickles(function):
    assert copy.deepcopy(function) is function
    assert pickle.loads(pickle.dumps(function)) is function


def test_functions_can_be_called():
    z = np.array([-1.5, 0.0, 2.5])
    ours = [elementary.tanh(x) for x in z], [activations.relu(x) for x in z]
    np.testing.assert_allclose(ours, [np.tanh(z), np.maximum(z, 0)], rtol=1e-14)


@pytest.mark.parametrize("options", [{}, {"is_parametric": True}])
def test_another_setting_compiles_nothing(options):
    kinds = [
        layers_of(
            Architecture(units=(3, 4, 1), activations=(each.formula(),), **options),
            np.dtype(np.float64),
        ).kinds
        for each in (activations.LeakyReLU(0.1), activations.LeakyReLU(0.2))
    ]
    assert kinds[0] == kinds[1]
