"""Losses against scikit-learn's, SciPy's and PyTorch's, and finite differences."""

import pickle
import re

import numba
import numpy as np
import pytest
from scipy import special
from sklearn._loss import loss as oracles
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from sknn.loss_pieces import LINKS
from sknn.losses import (
    LOSSES,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    PointwiseLoss,
    Quantile,
    Tweedie,
    loss_of,
)
from sknn.params import padded, zeros

DTYPES = [np.float32, np.float64]
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
N_SAMPLES = 37
LEVELS = [0.1, 0.5, 0.7, 0.95]


def _block(matrix, dtype):
    """A matrix of a row for each sample as a block, of a padded row for each column."""
    matrix = np.asarray(matrix).reshape(len(matrix), -1)
    flat = zeros(matrix.shape[1] * padded(len(matrix), dtype), dtype)
    rows = flat.reshape(matrix.shape[1], -1)[:, : len(matrix)]
    rows[:] = matrix.T
    return flat, rows.T


def outputs_of(loss, z, dtype=np.float64):
    """What predicting makes of these weighted sums."""
    flat, outputs = _block(z, dtype)
    n, n_outputs = outputs.shape
    stride, settings = padded(n, dtype), loss.settings(n_outputs)
    scratch = zeros(stride, dtype)
    LINKS[loss.out_activation](flat, scratch, settings, n_outputs, stride, n)
    return outputs


def train(loss, z, y, weights=None, dtype=np.float64):
    """What training makes of these weighted sums: losses, derivatives."""
    (flat, sums), (targets, _) = _block(z, dtype), _block(y, dtype)
    n, n_outputs = sums.shape
    flat_weights, _ = _block(np.ones(n) if weights is None else weights, dtype)
    flat_deltas, deltas = _block(np.full((n, n_outputs), np.nan), dtype)
    flat_losses, losses = _block(np.full(n, np.nan), dtype)
    settings = loss.settings(n_outputs)
    arrays = flat, targets, flat_weights, flat_deltas, flat_losses, settings
    loss.train(*arrays, n_outputs, padded(n, dtype), n)
    return losses.ravel(), deltas


class Smooth:
    """An oracle in NumPy, in the words of scikit-learn's."""

    def __init__(self, loss, gradient):
        self.loss, self.gradient = loss, gradient

    def constant_to_optimal_zero(self, y):
        return 0


def _log_cosh(y, z):
    return np.logaddexp(z - y, y - z) - np.log(2)


def _soft(y, smoothing):
    return y * (1 - smoothing) + smoothing / 2


def _soft_log_loss(y, z):
    return -special.log_expit(z) * _soft(y, 0.2) - special.log_expit(-z) * (
        1 - _soft(y, 0.2)
    )


# Each loss with its oracle and the targets that it takes.
CASES = {
    "squared_error": ("squared_error", oracles.HalfSquaredError(), "real"),
    "absolute_error": ("absolute_error", oracles.AbsoluteError(), "real"),
    "huber": ("huber", oracles.HuberLoss(delta=1.0), "real"),
    "huber of 0.3": (Huber(0.3), oracles.HuberLoss(delta=0.3), "real"),
    "quantile": ("quantile", oracles.PinballLoss(quantile=0.5), "real"),
    "quantile of 0.9": (Quantile(0.9), oracles.PinballLoss(quantile=0.9), "real"),
    "log_cosh": ("log_cosh", Smooth(_log_cosh, lambda y, z: np.tanh(z - y)), "real"),
    "poisson": ("poisson", oracles.HalfPoissonLoss(), "count"),
    "gamma": ("gamma", oracles.HalfGammaLoss(), "positive"),
    "tweedie": ("tweedie", oracles.HalfTweedieLoss(power=1.5), "count"),
    **{
        f"tweedie of {power}": (
            Tweedie(power),
            oracles.HalfTweedieLoss(power=power),
            kind,
        )
        for power, kind in [
            (-1.5, "real"),
            (0, "real"),
            (1, "count"),
            (1.2, "count"),
            (2, "positive"),
            (3, "positive"),
        ]
    },
    "binary": ("binary_cross_entropy", oracles.HalfBinomialLoss(), "label"),
    "smooth binary": (
        BinaryCrossEntropy(0.2),
        Smooth(_soft_log_loss, lambda y, z: special.expit(z) - _soft(y, 0.2)),
        "label",
    ),
}
LINK = {"identity": lambda z: z, "exp": np.exp, "logistic": special.expit}
every_case = pytest.mark.parametrize("case", CASES)


def _without_addresses(value):
    """A test's name that is the same in each process."""
    return re.sub(" at 0x[0-9a-f]+", "", str(value))


def _targets(kind, shape):
    rng = np.random.default_rng(1)
    draws = {
        "real": rng.normal(size=shape),
        "count": rng.poisson(1.0, shape),
        "positive": rng.gamma(2.0, size=shape),
        "label": rng.integers(0, 2, shape),
    }
    # numbers that both dtypes have
    return draws[kind].astype(np.float32).astype(np.float64)


def _sums(shape, scale=2.0):
    z = np.random.default_rng(0).normal(scale=scale, size=shape)
    return z.astype(np.float32).astype(np.float64)


def _weights():
    weights = np.random.default_rng(2).uniform(0, 2, N_SAMPLES).astype(np.float32)
    weights[3] = 0
    return weights.astype(np.float64)


@pytest.mark.parametrize("n_outputs", [1, 3])
@every_dtype
@every_case
def test_against_oracle(case, dtype, n_outputs):
    loss, oracle, kind = CASES[case]
    loss, shape = loss_of(loss), (N_SAMPLES, n_outputs)
    z, y, weights = _sums(shape), _targets(kind, shape), _weights()
    losses, deltas = train(loss, z, y, weights, dtype)
    expected, gradient = np.zeros(N_SAMPLES), np.empty(shape)
    for j in range(n_outputs):
        target, raw = y[:, j].copy(), z[:, j].copy()
        expected += oracle.loss(target, raw) + oracle.constant_to_optimal_zero(target)
        gradient[:, j] = oracle.gradient(target, raw)
    tolerance = {"rtol": 300 * np.finfo(dtype).eps, "atol": 30 * np.finfo(dtype).eps}
    np.testing.assert_allclose(losses, weights * expected, **tolerance)
    np.testing.assert_allclose(deltas, weights[:, None] * gradient, **tolerance)
    np.testing.assert_allclose(
        outputs_of(loss, z, dtype), LINK[loss.out_activation](z), **tolerance
    )


STRUCTURED = {
    "quantiles": (Quantile(LEVELS), 4, [1]),
    "classes": (CrossEntropy(), 4, [4]),
    "smooth classes": (CrossEntropy(0.3), 4, [4]),
    "groups": (CrossEntropy(n_classes=[2, 1, 4]), 7, [2, 1, 4]),
    "smooth groups": (CrossEntropy(0.3, [2, 4]), 6, [2, 4]),
}


def _structured(name, scale=2.0):
    """A loss that sees several outputs at once, with weighted sums and targets."""
    loss, n_outputs, n_classes = STRUCTURED[name]
    rng = np.random.default_rng(3)
    y = np.column_stack([rng.integers(0, k, N_SAMPLES) for k in n_classes])
    y = _targets("real", (N_SAMPLES, 1)) if name == "quantiles" else y
    return loss, _sums((N_SAMPLES, n_outputs), scale), y


@pytest.mark.parametrize("case", [*CASES, *STRUCTURED])
def test_derivative_against_finite_differences(case):
    if case in STRUCTURED:
        loss, z, y = _structured(case)
    else:
        loss, _, kind = CASES[case]
        loss, shape = loss_of(loss), (N_SAMPLES, 3)
        z, y = _sums(shape, scale=0.7), _targets(kind, shape)
    weights, step = _weights(), 1e-6
    _, deltas = train(loss, z, y, weights)
    for j in range(z.shape[1]):
        move = step * np.eye(z.shape[1])[j]
        above, below = (train(loss, z + m, y, weights)[0] for m in (move, -move))
        numeric = (above - below) / (2 * step)
        np.testing.assert_allclose(deltas[:, j], numeric, rtol=1e-6, atol=1e-7)


@every_dtype
def test_quantiles_against_oracle_and_without_crossing(dtype):
    loss, z, y = _structured("quantiles", scale=30.0)
    weights = _weights()
    losses, _ = train(loss, z, y, weights, dtype)
    outputs = outputs_of(loss, z, dtype)
    assert np.all(np.diff(outputs, axis=1) >= 0)
    gaps = np.logaddexp(0, z[:, 1:])
    expected = np.cumsum(np.column_stack([z[:, :1], gaps]), axis=1)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)
    pinballs = [
        oracles.PinballLoss(quantile=level).loss(y[:, 0].copy(), column.copy())
        for level, column in zip(LEVELS, expected.T, strict=True)
    ]
    np.testing.assert_allclose(losses, weights * sum(pinballs), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in STRUCTURED if name != "quantiles"])
@every_dtype
def test_classes_against_softmax(name, dtype):
    loss, z, y = _structured(name, scale=5.0)
    weights, n_classes = _weights(), STRUCTURED[name][2]
    losses, deltas = train(loss, z, y, weights, dtype)
    groups = np.split(z, np.cumsum(n_classes)[:-1], axis=1)
    expected, gradient = 0, []
    for group, of_class in zip(groups, y.T, strict=True):
        k, smoothing = group.shape[1], loss.label_smoothing
        target = np.eye(k)[of_class] * (1 - smoothing) + smoothing / k
        expected -= (target * special.log_softmax(group, axis=1)).sum(axis=1)
        gradient.append(special.softmax(group, axis=1) - target)
    tolerance = {"rtol": 300 * np.finfo(dtype).eps, "atol": 30 * np.finfo(dtype).eps}
    np.testing.assert_allclose(losses, weights * expected, **tolerance)
    gradient = weights[:, None] * np.hstack(gradient)
    np.testing.assert_allclose(deltas, gradient, **tolerance)
    probabilities = np.hstack([special.softmax(group, axis=1) for group in groups])
    outputs = outputs_of(loss, z, dtype)
    np.testing.assert_allclose(outputs, probabilities, **tolerance)


@every_dtype
def test_group_is_a_softmax_of_its_own(dtype):
    loss, z, y = _structured("groups")
    losses, deltas = train(loss, z, y, dtype=dtype)
    alone = [
        train(CrossEntropy(), group, of_class, dtype=dtype)
        for group, of_class in zip(np.split(z, [2, 3], axis=1), y.T, strict=True)
    ]
    assert np.array_equal(losses, sum(each[0] for each in alone))
    assert np.array_equal(deltas, np.hstack([each[1] for each in alone]))


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (Huber(0.7), lambda nn: nn.HuberLoss(delta=0.7, reduction="none")),
        (Huber(), lambda nn: nn.HuberLoss(reduction="none")),
        (LOSSES["absolute_error"], lambda nn: nn.L1Loss(reduction="none")),
        (
            CrossEntropy(0.1),
            lambda nn: nn.CrossEntropyLoss(label_smoothing=0.1, reduction="none"),
        ),
    ],
    ids=_without_addresses,
)
def test_against_torch(ours, theirs):
    torch = pytest.importorskip("torch")
    z, y = _sums((N_SAMPLES, 1)), _targets("real", N_SAMPLES)
    y[:2] = z[:2, 0]  # no error at all
    if isinstance(ours, CrossEntropy):
        z, y = _sums((N_SAMPLES, 5), 9.0), np.arange(N_SAMPLES) % 5
    raw = torch.tensor(z, requires_grad=True)
    expected = theirs(torch.nn)(raw if z.shape[1] > 1 else raw[:, 0], torch.tensor(y))
    expected.sum().backward()
    losses, deltas = train(ours, z, y)
    np.testing.assert_allclose(losses, expected.detach(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(deltas, raw.grad, rtol=1e-12, atol=1e-14)


@every_dtype
def test_large_errors(dtype):
    z, y = np.array([[-1e30], [1e30], [-200.0], [200.0]]), np.zeros(4)
    expected = {"absolute_error": 0, "huber": -0.5, "log_cosh": -np.log(2)}
    for name, offset in expected.items():
        losses, deltas = train(LOSSES[name], z, y, dtype=dtype)
        np.testing.assert_allclose(losses, np.abs(z[:, 0]) + offset, rtol=1e-6)
        assert np.array_equal(deltas, np.sign(z))


@every_dtype
def test_small_errors_of_log_cosh(dtype):
    z = np.array([[0.0], [1e-15], [-1e-9], [1e-4], [0.1], [-0.4999], [0.5]])
    losses, _ = train(LOSSES["log_cosh"], z, np.zeros(7), dtype=dtype)
    z = z[:, 0].astype(dtype).astype(float)
    expected = np.log1p(2 * np.sinh(z / 2) ** 2)
    np.testing.assert_allclose(losses, expected, rtol=20 * np.finfo(dtype).eps)


@every_dtype
def test_outputs_of_zero_of_deviances_of_zero(dtype):
    z, y = np.array([[-1e4]]), np.zeros(1)
    for loss in (LOSSES["poisson"], Tweedie(1.01), Tweedie(1.5)):
        losses, deltas = train(loss, z, y, dtype=dtype)
        assert outputs_of(loss, z, dtype) == 0
        assert losses == pytest.approx(0, abs=1e-18)
        assert deltas == pytest.approx(0, abs=1e-18)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@every_dtype
def test_extreme_outputs_of_cross_entropies(dtype, smoothing):
    for loss, y in (
        (BinaryCrossEntropy(smoothing), [[0, 1, 0]] * 2),
        (CrossEntropy(smoothing), [1, 1]),
    ):
        z = np.array([[-1e4, 1e4, -1e4], [1e4, -1e4, 1e4]])
        losses, deltas = train(loss, z, y, dtype=dtype)
        assert np.all(np.isfinite(losses)) and losses[1] > losses[0] >= 0
        assert np.all(np.abs(deltas) <= 1) and np.abs(deltas[1]).max() >= 0.5


@pytest.mark.parametrize("case", [*CASES, *STRUCTURED])
@every_dtype
def test_nan_stays_visible(case, dtype):
    loss = STRUCTURED[case][0] if case in STRUCTURED else loss_of(CASES[case][0])
    n_outputs = STRUCTURED[case][1] if case in STRUCTURED else 1
    z, y = np.full((3, n_outputs), np.nan), np.zeros((3, n_outputs))
    losses, deltas = train(loss, z, y, dtype=dtype)
    assert np.all(np.isnan(losses)) and np.all(np.isnan(deltas))


def test_special_powers_of_tweedie_are_these_losses():
    assert Tweedie(1.0).train is LOSSES["poisson"].train
    assert Tweedie(2).train is LOSSES["gamma"].train


# Losses of users' own


def _poisson(output, target):
    return output - target * np.log(output)


def _poisson_derivative(output, target):
    return 1 - target / output


def _brier(output, target):
    return (output - target) ** 2


def _brier_derivative(output, target):
    return 2 * (output - target)


def _scaled(factor):
    """Functions of one and the same name, whatever the factor."""
    return PointwiseLoss(
        lambda output, target: factor * (output - target) ** 2,
        lambda output, target: 2 * factor * (output - target),
    )


@every_dtype
@pytest.mark.parametrize("compiled", [False, True])
def test_own_loss(dtype, compiled):
    z, y = _sums((N_SAMPLES, 2)), _targets("count", (N_SAMPLES, 2))
    functions = _poisson, _poisson_derivative
    if compiled:
        functions = [numba.njit(function) for function in functions]
    own = PointwiseLoss(*functions, link="exp")
    losses, deltas = train(own, z, y, _weights(), dtype)
    expected = train(LOSSES["poisson"], z, y, _weights(), dtype)
    constant = _weights() * (y - special.xlogy(y, y)).sum(axis=1)
    tolerance = {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(losses, expected[0] + constant, **tolerance)
    np.testing.assert_allclose(deltas, expected[1], **tolerance)


def test_own_loss_of_a_probability():
    own = PointwiseLoss(_brier, _brier_derivative, link="logistic")
    z, y = _sums((N_SAMPLES, 1)), _targets("label", N_SAMPLES)
    losses, deltas = train(own, z, y)
    p = special.expit(z[:, 0])
    np.testing.assert_allclose(losses, (p - y) ** 2, rtol=1e-12)
    expected = 2 * (p - y) * p * (1 - p)
    np.testing.assert_allclose(deltas[:, 0], expected, rtol=1e-12)


def test_own_loss_is_never_another_one_from_the_disk():
    z, y = np.ones((1, 1)), np.zeros(1)
    for factor in (1.0, 7.0):
        losses, deltas = train(_scaled(factor), z, y)
        assert (losses, deltas) == (factor, 2 * factor)


def test_copies_of_an_own_loss_share_its_machine_code():
    own = PointwiseLoss(_brier, _brier_derivative, link="logistic")
    for copy in (clone(own), pickle.loads(pickle.dumps(own))):
        assert copy.train is own.train
        assert copy.out_activation == "logistic"


# Losses as parameters


@pytest.mark.parametrize(
    "loss",
    [
        Huber(2.0),
        Quantile(0.1),
        Quantile(LEVELS),
        Tweedie(1.2),
        PointwiseLoss(_brier, _brier_derivative),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_is_a_parameter_of_scikit_learn(loss):
    name = type(loss).__name__
    assert repr(loss).startswith(f"{name}(") and len(repr(loss)) > len(name) + 2
    for copy in (clone(loss), pickle.loads(pickle.dumps(loss))):
        assert repr(copy) == repr(loss)
        assert copy.train is loss.train
        assert np.array_equal(copy.settings(4), loss.settings(4))


def test_settings_can_be_searched():
    losses = [clone(Huber()).set_params(**p) for p in ParameterGrid({"delta": [1, 3]})]
    assert [loss.settings(1) for loss in losses] == [1, 3]


@pytest.mark.parametrize(
    "loss, message",
    [
        (Huber(0), r"'delta' parameter of Huber .* \(0.0, inf\). Got 0"),
        (Huber(np.nan), "'delta' parameter of Huber"),
        (Huber(np.inf), "'delta' parameter of Huber"),
        (Huber("1"), "'delta' parameter of Huber .* Got '1'"),
        (Quantile(1), r"'level' parameter of Quantile .* \(0.0, 1.0\)"),
        (Quantile([0.5, 0.5]), "must be in .* and increase .* Got .0.5, 0.5."),
        (Quantile([0.9, 0.1]), "increase"),
        (Quantile([0.0, 0.1]), "in the range"),
        (Quantile([0.5, np.nan]), "in the range"),
        (Quantile([]), "in the range"),
        (Quantile([[0.1, 0.2]]), "in the range"),
        (Tweedie(0.5), r"'power' parameter of Tweedie .* \[1.0, inf\). Got 0.5"),
        (Tweedie(np.inf), "'power' parameter of Tweedie"),
        (BinaryCrossEntropy(-0.1), "'label_smoothing' parameter"),
        (CrossEntropy(1.1), "'label_smoothing' parameter"),
        (PointwiseLoss(_brier, None), "'derivative' parameter"),
        (PointwiseLoss(_brier, _brier, link="relu"), "'link' parameter"),
    ],
    ids=_without_addresses,
)
def test_refuses_bad_settings(loss, message):
    with pytest.raises(ValueError, match=message):
        loss.settings(1)
    with pytest.raises(ValueError, match=message):
        loss.check_targets(np.ones((2, 1)))


@pytest.mark.parametrize(
    "loss, smallest",
    [
        ("squared_error", -np.inf),
        ("huber", -np.inf),
        ("poisson", 0),
        ("gamma", 1e-300),
        (Tweedie(-1), -np.inf),
        (Tweedie(0), -np.inf),
        (Tweedie(1), 0),
        (Tweedie(1.9), 0),
        (Tweedie(2), 1e-300),
        (Tweedie(3), 1e-300),
    ],
)
def test_refuses_targets_without_a_loss(loss, smallest):
    loss = loss_of(loss)
    for y in (-1.0, 0.0, 1e-300, 2.0):
        if y >= smallest:
            loss.check_targets(np.array([y, 3.0]))
        else:
            kind = "non-negative" if smallest == 0 else "positive"
            message = f"requires {kind} y, got a smallest value of {y}"
            with pytest.raises(ValueError, match=message):
                loss.check_targets(np.array([3.0, y]))


def test_number_of_outputs():
    assert Huber().n_outputs(3) == Quantile(0.2).n_outputs(3) == 3
    assert Quantile(LEVELS).n_outputs(1) == 4
    assert CrossEntropy(n_classes=[2, 5]).n_outputs(2) == 7
    with pytest.raises(ValueError, match="needs a y of one column, got 2"):
        Quantile(LEVELS).n_outputs(2)
    with pytest.raises(ValueError, match="n_classes .* each of 2 targets"):
        CrossEntropy(n_classes=[4]).n_outputs(2)
