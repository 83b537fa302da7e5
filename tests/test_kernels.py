"""The kernels against their naive twins, and gradients against finite differences."""

from itertools import pairwise

import naive
import numpy as np
import pytest
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning

from sknn import MLPClassifier, MLPRegressor, _tile, plans, products
from sknn.activations import ACTIVATIONS
from sknn.architecture import Architecture, Layers
from sknn.columns import place_ramps, slices
from sknn.losses import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, LOSSES, POISSON
from sknn.optimizers import OPTIMIZERS
from sknn.params import pack, padded, parts, views, zeros
from sknn.plans import BLOCK_ROWS, Network, TrainingPlan
from sknn.samples import freeze
from sknn.targets import class_numbers
from sknn.team import Team

DTYPES = [np.float32, np.float64]
BATCH_SIZE = 7


def _matrix(array, extra=0):
    """A padded copy of a matrix in a flat buffer, and the distance of its rows."""
    stride = padded(array.shape[1] + extra, array.dtype)
    flat = zeros(array.shape[0] * stride, array.dtype)
    flat.reshape(-1, stride)[:, : array.shape[1]] = array
    return flat, stride


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize("reading", [0, 1, products.TRANSPOSED_FROM_AFAR])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("epilogue", [_tile.AS_SUMMED, _tile.RECTIFIED, _tile.GATED])
@pytest.mark.parametrize(
    "m, n, depth",
    [
        (1, 1, 1),
        (8, 32, 5),
        (15, 50, 1),
        (9, 17, 300),
        (3, 100, 257),
        (65, 48, 33),
        (31, 80, 512),
        (77, 170, 700),
        (600, 70, 140),
    ],
)
def test_product(m, n, depth, dtype, reading, accumulate, epilogue):
    soon = zeros(m * padded(n, dtype), dtype)
    n_soon = m % 2 * soon.size
    transposed = reading != products.AS_IT_IS
    rng = np.random.default_rng(0)
    A = rng.normal(size=(m, depth)).astype(dtype)
    B = rng.normal(size=(depth, n)).astype(dtype)
    C = rng.normal(size=(m, n)).astype(dtype)
    a, a_stride = _matrix(A.T if transposed else A)
    b, b_stride = _matrix(B)
    gates = rng.choice([0, -0.0, 1, -2, np.inf, np.nan], size=C.shape).astype(dtype)
    c, c_stride = _matrix(C)
    gate, _ = _matrix(gates)
    packed = zeros(products.PACKED, dtype)
    products.product(
        a, a_stride, reading, b, b_stride, c, c_stride, m, c_stride, depth,
        accumulate, epilogue, gate, packed, soon, n_soon, m % 3,
    )  # fmt: skip
    expected = A.astype(float) @ B + accumulate * C
    if epilogue == _tile.RECTIFIED:
        expected = np.maximum(expected, 0)
    elif epilogue == _tile.GATED:
        expected[gates == 0] = 0
    result = c.reshape(m, c_stride)
    np.testing.assert_allclose(
        result[:, :n], expected, atol=2e2 * np.finfo(dtype).eps * np.sqrt(depth)
    )
    assert not result[:, n:].any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m, n", [(8, 48), (15, 70), (1, 33)])
@pytest.mark.parametrize("cut", [1, 2, 20])
def test_a_sum_that_is_resumed_is_the_same_bit_for_bit(m, n, cut, dtype):
    depth = 21
    rng = np.random.default_rng(0)
    a, a_stride = _matrix(rng.normal(size=(m, depth)).astype(dtype))
    b, b_stride = _matrix(rng.normal(size=(depth, n)).astype(dtype))
    packed = zeros(products.PACKED, dtype)
    results = []
    for ends in [(0, depth), (0, cut, depth)]:
        c = zeros(m * b_stride, dtype)
        for start, end in pairwise(ends):
            products.product(
                a[start:], a_stride, products.AS_IT_IS, b[start * b_stride :], b_stride,
                c, b_stride, m, b_stride, end - start, int(start > 0),
                _tile.AS_SUMMED, c, packed, c, 0, 0,
            )  # fmt: skip
        results.append(c)
    assert np.array_equal(*results)


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "m, n, depth", [(1, 1, 1), (8, 3, 16), (9, 4, 17), (3, 2, 100), (50, 5, 7)]
)
def test_dot_products(m, n, depth, dtype, accumulate):
    rng = np.random.default_rng(0)
    A = rng.normal(size=(m, depth)).astype(dtype)
    B = rng.normal(size=(n, depth)).astype(dtype)
    C = rng.normal(size=(m, n)).astype(dtype)
    (a, a_stride), (b, b_stride), (c, c_stride) = (_matrix(each) for each in (A, B, C))
    for rows, stride in (a, a_stride), (b, b_stride):
        rows.reshape(-1, stride)[:, depth:] = np.nan  # of samples before
    products.dot_products(
        a, a_stride, b, b_stride, c, c_stride, m, n, depth, accumulate
    )
    expected = A.astype(float) @ B.T + accumulate * C
    result = c.reshape(m, c_stride)
    np.testing.assert_allclose(
        result[:, :n], expected, atol=2e2 * np.finfo(dtype).eps * np.sqrt(depth)
    )
    assert not result[:, n:].any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m, n", [(1, 1), (16, 16), (17, 33), (40, 7), (64, 48)])
def test_transpose_of_whole_vectors(m, n, dtype):
    m, n = padded(m, dtype), padded(n, dtype)
    A = np.random.default_rng(0).normal(size=(m, n)).astype(dtype)
    a, stride = _matrix(A)
    t = zeros(n * m, dtype)
    # what is not a whole vector is rounded up
    products.transpose(a, stride, t, m, m - 3, n - 3)
    assert np.array_equal(t.reshape(n, m), A.T)


class Case:
    """A small network with samples, laid out for the kernels and for NumPy."""

    def __init__(
        self, activation, loss, *, n_samples=30, sparse=False, weighted=True,
        hidden=(19, 6), **options,
    ):  # fmt: skip
        rng = np.random.default_rng(0)
        n_outputs = 1 if loss == BINARY_CROSS_ENTROPY else 3
        self.activation, self.loss, self.alpha = activation, loss, 0.5
        embeddings = options.get("embeddings", ())
        n_columns = sum(each.n_columns for each in embeddings) or 4
        self.X = rng.normal(size=(n_samples, n_columns))
        self._encode(rng, embeddings)
        if sparse:
            self.X *= rng.random(self.X.shape) < 0.3
        self.weights = rng.uniform(0.5, 2, n_samples) if weighted else None
        self.targets = self._targets(rng, n_samples, n_outputs)
        n_inputs = sum(each.n_units for each in embeddings) or 4
        units = [n_inputs, *hidden, n_outputs]
        architecture = Architecture(
            tuple(units),
            (ACTIVATIONS[activation],) * len(hidden),
            sparse_input=sparse,
            **options,
        )
        self.layers = Layers(architecture, np.float64)
        self.coefs = [
            rng.normal(scale=0.3, size=s)
            for s in zip(units[:-1], units[1:], strict=True)
        ]
        self.intercepts = [rng.normal(scale=0.3, size=n) for n in units[1:]]
        parts = {"coefs_": self.coefs, "intercepts_": self.intercepts}
        parts |= self._further_parts(rng)
        self.params = pack(parts, self.layers)
        place_ramps(
            Network(self.params, self.layers, loss), self.X, np.arange(n_samples)
        )
        X = scipy.sparse.csr_array(self.X) if sparse else self.X
        self.samples = freeze(X, np.float64, self.targets, self.weights)

    def _encode(self, rng, embeddings):
        """Make columns that are embedded as codes codes, some of them unseen."""
        for each, columns in zip(embeddings, slices(embeddings)):
            if each.name == "categories":
                shape = len(self.X), 1
                self.X[:, columns] = rng.integers(-1, each.size + 1, shape)

    def _further_parts(self, rng):
        """Parameters of normalisations, projections and embeddings, if any."""
        parts = views(np.zeros(self.layers.n_params), self.layers)
        del parts["coefs_"], parts["intercepts_"]
        return {
            name: [rng.uniform(0.1, 0.4, view.shape) for view in views]
            for name, views in parts.items()
        }

    def _targets(self, rng, n_samples, n_outputs):
        if self.loss == CROSS_ENTROPY:
            return rng.integers(0, n_outputs, (n_samples, 1))
        if self.loss == BINARY_CROSS_ENTROPY:
            return rng.integers(0, 2, (n_samples, n_outputs))
        if self.loss == POISSON:
            return rng.poisson(1.0, (n_samples, n_outputs))
        if LOSSES[self.loss].out_activation == "exp":
            return rng.exponential(size=(n_samples, n_outputs))
        return rng.normal(size=(n_samples, n_outputs))

    def run(
        self, order, solver="lbfgs", batch_size=None, n_steps=1, learning_rate=0.1,
        n_threads=1,
    ):  # fmt: skip
        """Loss of one epoch; params change and grads are left in ``self.grads``."""
        network = Network(self.params, self.layers, self.loss)
        optimizer = OPTIMIZERS[solver]
        with Team(n_threads) as team:
            plan = TrainingPlan(
                network, self.samples, batch_size or order.size, team, optimizer.update
            )
            moments = np.zeros(optimizer.n_moments * self.params.size)
            settings = optimizer.settings(MLPRegressor())
            plan.remember(moments, settings)
            rates = optimizer.rates(np.full(n_steps, learning_rate), 0, settings)
            self.grads = plan.grads
            return plan.run_epochs(order[np.newaxis], rates, self.alpha)[0]

    def naive(self, rows):
        y = self.targets
        if self.loss == CROSS_ENTROPY:
            y = naive.one_hot(y, 3)
        weights = np.ones(len(y)) if self.weights is None else self.weights
        return naive.loss_and_grads(
            self.coefs, self.intercepts, self.X[rows], y[rows], weights[rows],
            self.activation, self.loss, self.alpha,
        )  # fmt: skip


every_network = pytest.mark.parametrize(
    "activation, loss", [(a, c) for a in ACTIVATIONS for c in naive.LOSS]
)


def assert_gradient(case, n_directions=40):
    """Finite differences of the loss; random numbers are the same in every run."""
    rows, weight = np.arange(len(case.X)), case.weights.sum()
    case.run(rows)
    grads = case.grads / weight
    start, step = case.params.copy(), 1e-6
    trained = np.flatnonzero(start * _is_trained(case))  # not the padding
    for i in np.random.default_rng(1).choice(trained, n_directions, replace=False):
        losses = []
        for sign in (1, -1):
            case.params[:] = start
            case.params[i] += sign * step
            losses.append(case.run(rows)[0])
        numeric = (losses[0] - losses[1]) / (2 * step)
        assert grads[i] == pytest.approx(numeric, rel=1e-4, abs=1e-7)


def _is_trained(case):
    mask = np.zeros(case.params.size)
    for part, view in parts(mask, case.layers):
        view[:] = part.is_trained
    return mask


@pytest.mark.parametrize("sparse", [False, True])
@every_network
def test_gradient_against_finite_differences(activation, loss, sparse):
    assert_gradient(Case(activation, loss, sparse=sparse))


@pytest.mark.parametrize("dropout", [(), (0.3, 0.4, 0.5)])
@pytest.mark.parametrize(
    "hidden, skips", [((9, 6), 0), ((9, 6), 1), ((9, 3), 1), ((6, 6), 1)]
)
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_of_every_combination(
    activation, loss, normalization, hidden, skips, dropout
):
    options = {"normalization": normalization, "skip_connections": bool(skips)}
    options |= {"dropout": dropout, "noise": 0.1, "hidden": hidden}
    assert_gradient(Case(activation, loss, **options), n_directions=3)


@pytest.mark.parametrize("n_samples", [30, 2 * BLOCK_ROWS + 5])
@pytest.mark.parametrize("sparse", [False, True])
@every_network
def test_loss_and_gradient_against_numpy(activation, loss, sparse, n_samples):
    case = Case(activation, loss, sparse=sparse, n_samples=n_samples)
    rows = np.random.default_rng(2).permutation(n_samples)
    value, penalty = case.run(rows)
    expected, coef_grads, intercept_grads = case.naive(rows)
    assert value + penalty == pytest.approx(expected, rel=1e-12)
    grads = views(case.grads, case.layers)
    total = case.weights.sum()
    for coef, grad, expected_grad in zip(
        case.coefs, grads["coefs_"], coef_grads, strict=True
    ):
        computed = (grad + case.alpha * coef) / total
        np.testing.assert_allclose(computed, expected_grad, atol=1e-12)
    for grad, expected_grad in zip(grads["intercepts_"], intercept_grads, strict=True):
        np.testing.assert_allclose(grad / total, expected_grad, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_adam_epoch_against_numpy(sparse, weighted):
    case = Case("tanh", CROSS_ENTROPY, sparse=sparse, weighted=weighted)
    order = np.random.default_rng(3).permutation(30)
    n_steps = -(-30 // BATCH_SIZE)
    value, penalty = case.run(order, "adam", BATCH_SIZE, n_steps, learning_rate=0.01)
    expected_loss = 0.0
    m = [[np.zeros_like(p) for p in case.coefs + case.intercepts] for _ in range(2)]
    for step in range(n_steps):
        rows = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
        loss, coef_grads, intercept_grads = case.naive(rows)
        expected_loss += loss * len(rows) / 30
        params = case.coefs + case.intercepts
        for i, grad in enumerate(coef_grads + intercept_grads):
            naive.adam(params[i], grad, m[0][i], m[1][i], step + 1, rate=0.01)
    assert value + penalty == pytest.approx(expected_loss, rel=1e-10)
    for trained, expected in zip(
        sum(views(case.params, case.layers).values(), []),
        case.coefs + case.intercepts,
        strict=True,
    ):
        np.testing.assert_allclose(trained, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", OPTIMIZERS)
# from eight cache lines on, rows have one more where that makes their number odd
@pytest.mark.parametrize("hidden_layer_sizes", [(3, 21), (128, 64)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_padding_stays_zero(solver, hidden_layer_sizes, dtype):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 5)).astype(dtype), rng.normal(size=(50, 2))
    net = MLPRegressor(
        hidden_layer_sizes=hidden_layer_sizes, solver=solver, max_iter=5, random_state=0
    ).fit(X, y)
    fitted, *_ = net._network
    params, layers = fitted.params, fitted.layers
    parts = views(params.copy(), layers)
    assert np.array_equal(pack(parts, layers), params)
    assert params.size == layers.n_params > sum(c.size for c in parts["coefs_"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden_layer_sizes", [(3,), (40, 130)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_few_samples_come_out_as_among_many(hidden_layer_sizes, dtype):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 260)).astype(dtype), rng.normal(size=(300, 2))
    net = MLPRegressor(
        hidden_layer_sizes=hidden_layer_sizes, max_iter=2, random_state=0
    ).fit(X, y)
    among_many = net.predict(X)
    for n in (1, 2, 7, 8, 9, 15, 16, 17):
        assert np.array_equal(net.predict(X[-n:]), among_many[-n:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 40, 130, 300])
def test_sparse_sums_of_layers_of_any_width(width, dtype):
    X = scipy.sparse.random(60, 50, 0.1, "csr", dtype=dtype, rng=0)
    net = MLPRegressor(
        hidden_layer_sizes=width, activation="identity", max_iter=1, random_state=0
    )
    with pytest.warns(ConvergenceWarning):
        net.fit(X, np.arange(60.0))
    hidden = net.hidden_activations(X)
    expected = X @ net.coefs_[0].astype(float) + net.intercepts_[0]
    np.testing.assert_allclose(hidden, expected, atol=1e2 * np.finfo(dtype).eps)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("make", [np.asarray, scipy.sparse.csr_array])
def test_rows_are_predicted_part_by_part_as_all_at_once(make, n_jobs, monkeypatch):
    n, rng = 8000, np.random.default_rng(0)  # enough for two threads
    X, y = make(rng.normal(size=(n, 9)) * rng.integers(0, 2, (n, 9))), np.arange(n) % 3
    net = MLPClassifier((20, 70), max_iter=1, n_jobs=n_jobs).fit(X[:500], y[:500])

    def outputs():
        return net.predict(X), net.predict_proba(X), net.hidden_activations(X)

    at_once = outputs()
    monkeypatch.setattr(plans, "ROWS_AT_ONCE", 1300)
    for whole, in_parts in zip(at_once, outputs(), strict=True):
        assert np.array_equal(whole, in_parts)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 16, 17, 48, 250])
def test_predicted_class_is_the_likeliest_the_first_of_several(n, dtype):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(250, 3)).astype(dtype), np.array(list("abcde") * 50)
    net = MLPClassifier((4,), max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning):
        net.fit(X, y)
    net.coefs_[0][:] = net.intercepts_[0][:] = 1  # so that many units are the same
    net.coefs_[1][:] = rng.integers(-1, 2, size=(4, 5))
    X[1::3] = np.abs(X[1::3])
    probabilities = net.predict_proba(X[:n])
    expected = net.classes_[probabilities.argmax(axis=1)]
    assert np.array_equal(net.predict(X[:n]), expected)
    # with infinite weights there are NaNs, and in all outputs of a sample at once
    net.coefs_[1][0, 2] = np.inf
    probabilities = net.predict_proba(X[:n])
    expected = net.classes_[probabilities.argmax(axis=1)]
    assert np.array_equal(net.predict(X[:n]), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_outputs", [1, 3, 4, 5])
def test_rows_of_few_outputs_are_not_padded(n_outputs, dtype):
    activations = (ACTIVATIONS["relu"],)
    layers = Layers(Architecture((12, 50, n_outputs), activations), dtype)
    is_close = n_outputs <= 4
    assert layers.table[-1]["stride"] == (
        n_outputs if is_close else padded(n_outputs, dtype)
    )
    for name in "params", "panel_start":
        assert not (layers.table[name] % padded(1, dtype)).any()
    assert layers.panels_size % padded(1, dtype) == 0
    # the first layer has the same parameters for a sparse X
    for sparse_input in False, True:
        architecture = Architecture((12, n_outputs), (), sparse_input=sparse_input)
        assert Layers(architecture, dtype).table[-1]["stride"] == padded(1, dtype)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", DTYPES)
def test_of_equal_probabilities_the_larger_sum_is_predicted(dtype):
    X, y = np.ones((60, 3), dtype), np.arange(60) % 3
    net = MLPClassifier((4,), max_iter=1, random_state=0).fit(X, y)
    net.coefs_[1][:] = 0
    third = dtype(0.3)
    net.intercepts_[1][:] = third, np.nextafter(third, dtype(1)), 0
    probabilities = net.predict_proba(X)
    assert (probabilities[:, 0] == probabilities[:, 1]).all()
    assert (net.predict(X) == 1).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_that_overflow_change_no_other_class(dtype):
    X, y = np.zeros((40, 4), dtype), np.arange(40) % 3
    X[:, 1:] = np.random.default_rng(0).normal(size=(40, 3))
    net = MLPClassifier((), max_iter=2, random_state=0).fit(X, y)
    net.intercepts_[0][:] = 0
    net.coefs_[0][:] *= dtype(1e-18)  # all probabilities are one third
    net.coefs_[0][0] = 4, -4, 4
    expected = net.predict(X)
    assert len(set(expected)) == 3
    large = np.full((40, 4), 0.9 * np.finfo(dtype).max, dtype)
    assert np.isnan(net.predict_proba(large)).all() and not net.predict(large).any()
    assert np.array_equal(net.predict(X), expected)
    both = np.concatenate([large[:5], X])
    assert np.array_equal(net.predict(both)[5:], expected)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n", [1, 17, 250])
def test_a_half_is_the_first_of_two_classes(n):
    X, y = np.ones((250, 3)), np.arange(250) % 2
    net = MLPClassifier((4,), solver="lbfgs", max_iter=1, random_state=0).fit(X, y)
    net.coefs_[1][:] = net.intercepts_[1][:] = 0
    assert (net.predict_proba(X[:n]) == 0.5).all()
    assert not net.predict(X[:n]).any()
    net.intercepts_[1][:] = 1e-9
    assert net.predict(X[:n]).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2], [0, 2], ["a", "b"], [-1, 0, 1]])
@pytest.mark.parametrize("dtype", [None, np.int8, np.uint64])
@pytest.mark.parametrize("n", [1, 60])
def test_predicted_classes_are_the_users_own(classes, dtype, n):
    if dtype and (isinstance(classes[0], str) or min(classes) < 0):
        pytest.skip("no integers, or signed ones")
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = np.resize(np.array(classes, dtype), 60)
    net = MLPClassifier((4,), solver="lbfgs", max_iter=5, random_state=0).fit(X, y)
    predicted = net.predict(X[:n])
    assert predicted.dtype == y.dtype
    expected = net.classes_[class_numbers(net._outputs(X[:n]))]
    assert np.array_equal(predicted, expected)
    predicted[:] = y[0]  # nobody else has this array
    assert np.array_equal(net.predict(X[:n]), expected)
    assert np.array_equal(net.classes_, np.array(classes, dtype))


def test_nan_stays_visible():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    for activation in ACTIVATIONS:
        net = MLPRegressor(activation=activation, solver="lbfgs", max_iter=50, tol=0.1)
        net.fit(X, y)
        net.coefs_[0][1, 2] = np.nan
        assert np.isnan(net.predict(X)).all()
