"""Embeddings, scaling and parametric activations, against NumPy and PyTorch."""

import copy
import pickle

import naive
import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from test_kernels import Case, assert_gradient

from sknn import MLPClassifier, MLPRegressor
from sknn.activations import ELU
from sknn.embeddings import Embedding, Periodic, PiecewiseLinear
from sknn.losses import CROSS_ENTROPY, SQUARED_ERROR
from sknn.params import views
from sknn.samples import freeze

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

WAVES = Embedding("periodic", 2, 2 * 4, 5, 0.1)
RAMPS = Embedding("piecewise_linear", 3, 3 * 3, 4)
CODES = Embedding("categories", 1, 3, 4)
AS_IS = Embedding("as_is", 2, 2)
KINDS = {
    "waves": {"embeddings": (WAVES,)},
    "ramps": {"embeddings": (RAMPS,)},
    "codes": {"embeddings": (CODES, CODES)},
    "all": {"embeddings": (CODES, WAVES, AS_IS, RAMPS, CODES, WAVES)},
    "scales": {"scales_inputs": True},
    "mixed": {"is_parametric": True},
    "everything": {
        "embeddings": (WAVES, CODES, AS_IS),
        "scales_inputs": True,
        "is_parametric": True,
    },
}
AROUND = [
    {},
    {"normalization": "batch"},
    {"normalization": "layer", "skip_connections": True, "hidden": (6, 6)},
    {"skip_connections": True, "dropout": (0.2, 0.3, 0.4), "noise": 0.1},
    {"n_samples": 600},  # several blocks, in several chunks
]


@pytest.mark.parametrize("around", AROUND, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind, around):
    assert_gradient(Case("tanh", SQUARED_ERROR, **KINDS[kind], **around))


# Of each kind of formula: slopes from outputs, with a setting or none, and from sums.
@pytest.mark.parametrize("name", ["relu", "selu", "elu", "mish"])
def test_gradients_of_mixed_activations(name):
    assert_gradient(Case(name, CROSS_ENTROPY, **KINDS["everything"]))


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_sums_over_blocks_do_not_depend_on_threads(kind, n_threads):
    """Nor on how many samples a block has, but for rounding."""
    case = Case("relu", SQUARED_ERROR, n_samples=1_100, **KINDS[kind])
    case.run(np.arange(1_100), n_threads=n_threads)
    alone = Case("relu", SQUARED_ERROR, n_samples=1_100, **KINDS[kind])
    alone.run(np.arange(1_100))
    assert np.array_equal(case.grads, alone.grads)
    parts = np.zeros_like(case.grads)
    for start in range(0, 1_100, 100):
        alone.run(np.arange(start, start + 100))
        parts += alone.grads
    np.testing.assert_allclose(parts, case.grads, atol=1e-9)


def samples(n_samples=80, seed=0):
    """Two numbers, five codes, a bit, another number, three codes; and a target."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 6))
    X[:, 2], X[:, 3] = np.arange(n_samples) % 5, np.arange(n_samples) % 2
    X[:, 5] = rng.integers(0, 3, n_samples)
    return X, np.sin(3 * X[:, 0]) + np.sqrt(X[:, 2]) * X[:, 3]


X, Y = samples()
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
EVERYTHING = {
    "numerical_embedding": "periodic",
    "categorical_features": [2, 5],
    "category_embedding_size": 3,
    "input_scaling": True,
    "parametric_activation": True,
}
EACH = [
    {"numerical_embedding": "periodic"},
    {"numerical_embedding": PiecewiseLinear(n_bins=5, n_outputs=2)},
    {"categorical_features": [2, 5]},
    {"input_scaling": True},
    {"parametric_activation": True},
    EVERYTHING,
    EVERYTHING | {"numerical_embedding": "piecewise_linear"},
]


def regressor(**params):
    return MLPRegressor(**PLAIN | params)


def naive_predictions(net, X):
    """What a fitted network predicts, as its attributes have it."""
    embeddings = net._network[0].layers.architecture.embeddings
    outputs = naive.embedded(X, embeddings, views(*vars_of(net))) if embeddings else X
    if net.input_scaling:
        outputs = outputs * net.input_scales_[0]
    last = len(net.coefs_) - 1
    for level, (coef, intercept) in enumerate(zip(net.coefs_, net.intercepts_)):
        sums = outputs @ coef + intercept
        mixed = level < last and net.parametric_activation
        weights = net.activation_weights_[level] if mixed else 1
        outputs = sums + weights * (np.tanh(sums) - sums) if level < last else sums
    return outputs[:, 0]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("hidden", [(), (7, 6)])
@pytest.mark.parametrize("params", EACH, ids=str)
def test_predictions_are_what_the_attributes_say(params, hidden, dtype):
    net = regressor(hidden_layer_sizes=hidden, dtype=dtype, **params).fit(X, Y)
    Z = X + 0.3
    Z[:, [2, 5]] = X[:, [2, 5]]
    if net.categorical_features:
        Z[:5, 2] = -1, 5, 1e30, 0.5, -1e30  # no codes
    atol = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(net.predict(Z), naive_predictions(net, Z), atol=atol)


def start_of(net):
    """The same estimator, fitted with steps of no length."""
    return clone(net).set_params(learning_rate_init=1e-300, max_iter=1).fit(X, Y)


class Peer:
    """The same fit in PyTorch, with its groups of parameters."""

    def __init__(self, net):
        self.torch = pytest.importorskip("torch")
        start = start_of(net)
        self.embeddings = start._network[0].layers.architecture.embeddings
        self.parts = {
            name: [self.torch.tensor(each.copy(), requires_grad=True) for each in part]
            for name, part in views(*vars_of(start)).items()
        }

    def groups(self, factors, decays=None, rate=0.01):
        """Of all that is trained; ``factors`` of names, by default 1."""
        for name, tensors in self.parts.items():
            for tensor in tensors:
                factor, decay = factors.get(name, 1.0), (decays or {}).get(name, 0.0)
                if factor == "ntk":  # decays as if the factor were 1
                    factor = tensor.shape[0] ** -0.5
                    decay /= factor
                yield {"params": [tensor], "lr": rate * factor, "weight_decay": decay}

    def outputs(self, rows):
        torch, of = self.torch, {name: iter(p) for name, p in self.parts.items()}
        x, inputs, column = torch.tensor(X[rows]), [], 0
        for each in self.embeddings:
            z = x[:, column : column + each.n_columns]
            column += each.n_columns
            if each.name == "as_is":
                inputs.append(z)
            elif each.name == "categories":
                numbers = next(of["category_embeddings_"])
                inputs.append(
                    torch.nn.functional.embedding(z[:, 0].long() + 1, numbers)
                )
            else:
                turns = next(of["frequencies_"]) * z[:, None] + next(of["phases_"])
                values = torch.cos(2 * np.pi * turns)
                weights = next(of["embedding_coefs_"])
                weights = weights.reshape(each.size, -1, each.n_columns)
                sums = torch.einsum("ihj,hkj->ijk", values, weights)
                sums = sums + next(of["embedding_intercepts_"]).T
                inputs.append(torch.cat([z[:, :, None], sums], 2).flatten(1))
        x = torch.cat(inputs, 1) * next(of["input_scales_"])
        for coef, intercept in zip(self.parts["coefs_"], self.parts["intercepts_"]):
            x = x @ coef + intercept
            if coef is not self.parts["coefs_"][-1]:
                x = x + next(of["activation_weights_"]) * (torch.tanh(x) - x)
        return x[:, 0]

    def fit(self, optimizer, before_step=lambda progress: None):
        for step, start in enumerate(list(range(0, 80, 20)) * 4):
            rows = slice(start, start + 20)
            before_step(step / 16)
            optimizer.zero_grad()
            errors = self.outputs(rows) - self.torch.tensor(Y[rows])
            (0.5 * (errors**2).mean()).backward()
            optimizer.step()

    def assert_equal(self, net):
        for name, tensors in self.parts.items():
            for array, tensor in zip(getattr(net, name), tensors, strict=True):
                np.testing.assert_allclose(array, tensor.detach(), rtol=1e-5, atol=1e-7)


def vars_of(net):
    network, _ = net._network
    return network.params, network.layers


FACTORS = [
    {},
    {"coefs": "ntk"},
    {"coefs": 2.0, "intercepts": 0.1, "embeddings": 0.5},
    {"input_scales": 6, "activation_weights": 0.1, "embeddings": 0},
]
OF_GROUPS = {
    "coefs": ["coefs_"],
    "intercepts": ["intercepts_"],
    "input_scales": ["input_scales_"],
    "activation_weights": ["activation_weights_"],
    "embeddings": [
        "embedding_coefs_", "embedding_intercepts_", "frequencies_", "phases_",
        "category_embeddings_",
    ],
}  # fmt: skip


@pytest.mark.parametrize("solver", ["adamw", "sgd"])
@pytest.mark.parametrize("factors", FACTORS, ids=str)
def test_training_against_torch(factors, solver):
    net = regressor(solver=solver, learning_rate_factors=factors, **EVERYTHING)
    net.set_params(weight_decay={"coefs": 0.3, "input_scales": 0.1})
    peer, of_parts = Peer(net), {}
    for group, names in OF_GROUPS.items():
        of_parts |= dict.fromkeys(names, factors.get(group, 1.0))
    if solver == "sgd":
        net.set_params(weight_decay=0.0, nesterovs_momentum=False)
        optimizer = peer.torch.optim.SGD(peer.groups(of_parts), lr=1, momentum=0.9)
    else:
        decays = {"coefs_": 0.3, "input_scales_": 0.1}
        optimizer = peer.torch.optim.AdamW(peer.groups(of_parts, decays))
    peer.fit(optimizer)
    peer.assert_equal(net.fit(X, Y))


def test_a_schedule_of_decay_against_torch():
    net = regressor(solver="adamw", weight_decay=0.3, **EVERYTHING)
    net.set_params(regularization_schedule=lambda progress: 1 - progress)
    net.set_params(learning_rate_factors={"coefs": 0.5})
    peer = Peer(net)
    optimizer = peer.torch.optim.AdamW(peer.groups({"coefs_": 0.5}, {"coefs_": 0.3}))
    decays = [group["weight_decay"] for group in optimizer.param_groups]

    def before_step(progress):
        for group, decay in zip(optimizer.param_groups, decays):
            group["weight_decay"] = decay * (1 - progress)

    peer.fit(optimizer, before_step)
    peer.assert_equal(net.fit(X, Y))


def test_a_schedule_of_dropout():
    """Of ten units that are one: what they add up to varies by p / (1 - p) / 10."""
    ones, zeros = np.ones((20_000, 1)), np.zeros(20_000)
    net = MLPRegressor(
        hidden_layer_sizes=10, activation="identity", max_iter=4, random_state=0,
        learning_rate_init=1e-300, alpha=0.0, dropout=0.8, batch_size=10_000,
        regularization_schedule=lambda progress: progress,
    )  # fmt: skip
    net.partial_fit(ones, zeros)
    net.coefs_ = [np.ones((1, 10)), np.full((10, 1), 0.1)]
    net.intercepts_ = [np.zeros(10), np.zeros(1)]
    for rates in (0.2, 0.3), (0.4, 0.5), (0.6, 0.7):  # of two steps in each epoch
        net.partial_fit(ones, zeros)
        variance = np.mean([p / (1 - p) / 10 for p in rates])
        assert 2 * net.loss_ - 1 == pytest.approx(variance, rel=0.2)


@pytest.mark.parametrize("factor", [0, 1])
def test_a_constant_schedule_and_no_factors_change_nothing(factor):
    plain = regressor(dropout=0.3, weight_decay=0.1).fit(X, Y)
    net = regressor(dropout=0.3 * factor, weight_decay=0.1 * factor)
    same = regressor(dropout=0.3, weight_decay=0.1, learning_rate_factors={"coefs": 1})
    same.set_params(regularization_schedule=lambda progress: factor)
    expected = plain if factor else net.fit(X, Y)
    np.testing.assert_allclose(same.fit(X, Y).coefs_[0], expected.coefs_[0])


@pytest.mark.parametrize("params", EACH, ids=str)
def test_calls_pickles_and_threads_change_nothing(params):
    whole = regressor(averaging="ema", max_grad_norm=1.0, l1=0.01, **params).fit(X, Y)
    parts = clone(whole).set_params(n_jobs=2)
    for _ in range(4):
        parts = pickle.loads(pickle.dumps(copy.deepcopy(parts).partial_fit(X, Y)))
    assert np.array_equal(parts.predict(X), whole.predict(X))
    assert np.isfinite(whole.predict(X[:1])).all()


@pytest.mark.parametrize("params", EACH, ids=str)
def test_lbfgs_finds_the_minimum_of_what_adam_goes_towards(params):
    net = regressor(solver="lbfgs", max_iter=20, **params)
    adam = regressor(max_iter=1, **params).fit(X, Y)
    assert net.fit(X, Y).loss_ < 0.5 * adam.loss_


@pytest.mark.parametrize("params", EACH, ids=str)
def test_warm_starts_go_on_and_validation_watches(params):
    net = regressor(warm_start=True, early_stopping=True, scoring="r2", **params)
    first = net.fit(X, Y).loss_curve_[0]
    net.fit(X, Y, X_val=X[:9], y_val=Y[:9])
    assert len(net.validation_scores_) == 8 and net.loss_curve_[4] < first
    assert net.hidden_activations(X[:3]).shape == (3, 6)


def test_the_l2_and_l1_penalties_are_of_weights_only():
    for params in ({"alpha": 1e6}, {"l1": 1e6, "solver": "sgd", "momentum": 0}):
        plain, net = regressor(**EVERYTHING), regressor(**EVERYTHING | params)
        plain.set_params(learning_rate_init=1e-300, max_iter=1).fit(X, Y)
        net.set_params(learning_rate_factors={"coefs": 1e-9}, max_iter=1)
        net.fit(X, Y)
        start = plain.category_embeddings_[0]
        assert abs(net.category_embeddings_[0] - start).max() < 0.1


def test_ramps_go_from_quantile_to_quantile():
    net = regressor(numerical_embedding=PiecewiseLinear(4), averaging="ema").fit(X, Y)
    starts, slopes = net.ramp_starts_[0], net.ramp_slopes_[0]
    edges = np.quantile(X[:, :3], [0, 0.25, 0.5, 0.75, 1], axis=0)
    np.testing.assert_allclose(starts, edges[:-1])
    np.testing.assert_allclose(starts + 1 / slopes, edges[1:])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_of_few_or_close_values(dtype):
    """Of one or two there is nothing to embed, and no ramp is infinitely steep."""
    columns = np.zeros((80, 5), dtype)
    columns[:, 1] = np.arange(80) % 2
    columns[::9, 2] = 1, 2, 3, 1, 2, 3, 1, 2, 3  # most quantiles are the same
    columns[:, 3] = np.finfo(dtype).smallest_subnormal * np.arange(80)
    columns[:, 4] = dtype(1e-30) * np.arange(80)
    net = regressor(numerical_embedding=PiecewiseLinear(8)).fit(columns, Y)
    assert net.coefs_[0].shape[0] == 2 + 3 * 4
    assert np.isfinite(net.predict(columns)).all()
    assert not net.ramp_slopes_[0][:, 1].any() and net.ramp_slopes_[0][:, 2].all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_waves_of_numbers_far_away_are_numbers(dtype):
    net = regressor(numerical_embedding=Periodic(), dtype=dtype).fit(X, Y)
    net.coefs_[0][::4] = 0  # the numbers themselves
    net.coefs_[0][3 * 4 :] = 0
    far = [1e3, 1e8, -1e12, 1e20, -3e38]
    outputs = net.predict(np.repeat(far, 6).reshape(5, 6))
    assert abs(outputs).max() < 100


@pytest.mark.parametrize("size", [1, 2])
def test_attributes_have_the_shapes_that_the_docs_say(size):
    waves = Periodic(n_frequencies=size, n_outputs=1)
    net = regressor(numerical_embedding=waves, categorical_features=[2, 5]).fit(X, Y)
    shapes = [each.shape for each in net.embedding_coefs_ + net.phases_]
    assert shapes == 2 * [(size, 2), (size, 1)]
    assert [each.shape for each in net.category_embeddings_] == [(6, 8), (4, 8)]


@pytest.mark.parametrize("kind", ["mask", "indices", "negative", "names"])
def test_categorical_features_may_be_said_in_many_ways(kind):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdef"))
    categorical = {
        "mask": np.array([0, 0, 1, 0, 0, 1], bool),
        "indices": (5, 2),
        "negative": [-1, -4],
        "names": ["f", "c"],
    }[kind]
    net = regressor(categorical_features=categorical).fit(frame, Y)
    expected = regressor(categorical_features=[2, 5]).fit(X, Y)
    assert np.array_equal(net.predict(frame), expected.predict(X))
    net.partial_fit(frame, Y)


def test_codes_that_the_fit_has_not_seen_are_the_mean_of_none():
    net = regressor(categorical_features=[2]).fit(X, Y)
    assert not net.category_embeddings_[0][0].any()
    unseen = X[:4].copy()
    unseen[:, 2] = -1, 5, 1.5, 1e9
    known = X[:4].copy()
    known[:, 2] = -7
    assert np.array_equal(net.predict(unseen), net.predict(known))


def test_monotonic_networks_may_have_categories_and_embeddings_of_others():
    signs = [0, 1, 0, -1, 0, 0]
    net = regressor(categorical_features=[2, 5], monotonic_cst=signs, max_iter=20)
    further = X + np.array([0, 1, 0, -1, 0, 0])
    assert (net.fit(X, Y).predict(further) >= net.predict(X)).all()
    net.set_params(monotonic_cst=[0, 0, 0, 1, 0, 0], numerical_embedding="periodic")
    net.fit(X, Y)
    further = X + np.array([0, 0, 0, 1, 0, 0])
    assert (net.predict(further) >= net.predict(X)).all()


@pytest.mark.parametrize("params", EACH[:4], ids=str)
def test_a_sparse_x_is_refused(params):
    sparse = scipy.sparse.csr_array(X)
    net = regressor(**params)
    for fit in (net.fit, net.partial_fit):
        with pytest.raises(ValueError, match="dense X"):
            fit(sparse, Y)
    net.fit(X, Y)
    for call in (net.predict, net.hidden_activations, lambda Z: net.partial_fit(Z, Y)):
        with pytest.raises(ValueError, match="dense X"):
            call(sparse)
    with pytest.raises(ValueError, match="dense X"):
        net.fit(X, Y, X_val=sparse, y_val=Y)


def test_other_weights_must_fit_the_embeddings():
    net = regressor(**EVERYTHING).fit(X, Y)
    before = net.predict(X)
    net.coefs_[0][:] *= 2
    assert not np.allclose(net.predict(X), before)
    for n_inputs in (1, 6, 100):
        net.coefs_ = [np.ones((n_inputs, 7)), *net.coefs_[1:]]
        with pytest.raises(ValueError, match="rows, but X is embedded as"):
            net.predict(X)
    net.coefs_ = [np.ones((18, 1))]
    net.intercepts_ = [np.ones(1)]
    with pytest.raises(ValueError, match="embedded"):
        net.predict(X)


@pytest.mark.parametrize(
    "name, value",
    [
        ("numerical_embedding", "piecewise_linear"),
        ("numerical_embedding", Periodic(n_frequencies=3)),
        ("numerical_embedding", None),
        ("categorical_features", [2]),
        ("category_embedding_size", 4),
        ("input_scaling", False),
        ("parametric_activation", False),
    ],
)
def test_what_a_fit_that_continues_cannot_change(name, value):
    net = regressor(**EVERYTHING).fit(X, Y).set_params(**{name: value})
    before = net.predict(X)
    with pytest.raises(ValueError, match=f"cannot change .*{name}"):
        net.partial_fit(X, Y)
    assert np.array_equal(net.predict(X), before)
    plain = regressor().fit(X, Y).set_params(**{name: EVERYTHING[name]})
    if name != "category_embedding_size":
        with pytest.raises(ValueError, match=f"cannot change .*{name}"):
            plain.partial_fit(X, Y)


BAD = {
    "a class": ({"numerical_embedding": Periodic}, r"write Periodic\(\)"),
    "no embedding": ({"numerical_embedding": "ple"}, "numerical_embedding"),
    "no bins": ({"numerical_embedding": PiecewiseLinear(0)}, "n_bins"),
    "no codes": ({"categorical_features": [0]}, "OrdinalEncoder"),
    "an index too far": ({"categorical_features": [6]}, "indices or names"),
    "an index before": ({"categorical_features": [-7]}, "indices or names"),
    "a short mask": ({"categorical_features": [True, False]}, "mask, indices"),
    "a matrix": ({"categorical_features": [[0, 1]]}, "mask, indices"),
    "numbers": ({"categorical_features": [0.5]}, "mask, indices"),
    "a string": ({"categorical_features": "abc"}, "array-like"),
    "names of nothing": ({"categorical_features": ["a"]}, "X has none"),
    "a constraint of a wave": (
        {"monotonic_cst": [1, 0, 0, 0, 0, 0], "numerical_embedding": "periodic"},
        "have an order",
    ),
    "a constraint of codes": (
        {"monotonic_cst": [0, 0, 1, 0, 0, 0], "categorical_features": [2]},
        "have an order",
    ),
    "constraints and scales": (
        {"monotonic_cst": [1, 0, 0, 0, 0, 0], "input_scaling": True},
        "input_scaling",
    ),
    "constraints and mixtures": (
        {"monotonic_cst": [1, 0, 0, 0, 0, 0], "parametric_activation": True},
        "parametric_activation",
    ),
    "a mixture of the same": (
        {"parametric_activation": True, "activation": "identity"},
        "excludes",
    ),
    "an unknown group": ({"learning_rate_factors": {"weights": 1}}, "weights"),
    "a negative factor": ({"learning_rate_factors": {"coefs": -1}}, "not negative"),
    "ntk of others": ({"learning_rate_factors": {"intercepts": "ntk"}}, "'coefs'"),
    "factors for lbfgs": (
        {"learning_rate_factors": {"coefs": 2}, "solver": "lbfgs"},
        "lbfgs",
    ),
    "a schedule for lbfgs": (
        {"regularization_schedule": "cosine", "solver": "lbfgs"},
        "lbfgs",
    ),
    "a schedule of what happens": (
        {"regularization_schedule": "reduce_on_plateau"},
        "progress",
    ),
    "a dropout of all": (
        {"regularization_schedule": lambda progress: 2.0, "dropout": 0.5},
        "leave nothing",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_makes_no_sense(case):
    params, words = BAD[case]
    with pytest.raises(ValueError, match=words):
        regressor(**params).fit(X, Y)


def test_an_unknown_name_is_said():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcdef"))
    with pytest.raises(ValueError, match=r"\['z'\], which X has not"):
        regressor(categorical_features=["z", "c"]).fit(frame, Y)


@pytest.mark.parametrize("params", EACH, ids=str)
def test_one_sample_and_one_feature(params):
    params = params | {
        "categorical_features": params.get("categorical_features") and [0]
    }
    net = regressor(batch_size=1, **params).fit(X[:1, 2:3], Y[:1])
    assert np.isfinite(net.partial_fit(X[:9, 2:3], Y[:9]).predict(X[:, 2:3])).all()


@pytest.mark.parametrize(
    "params", [{}, {"activation": ["relu", ELU()]}, *EACH], ids=str
)
def test_a_data_driven_start(params):
    """Sums of a variance of one, and a sum of 0 among them."""
    net = start_of(regressor(init="data_driven", hidden_layer_sizes=(40, 30), **params))
    inputs = [net._network[0].hidden_outputs(freeze(X, np.float64), np.arange(80), 0)]
    inputs += [net.hidden_activations(X, layer) for layer in (0, 1)]
    for units, coef, intercept in zip(inputs, net.coefs_, net.intercepts_):
        sums = units @ coef + intercept
        np.testing.assert_allclose(sums.std(axis=0), 1)
        assert ((sums.min(axis=0) < 0) & (sums.max(axis=0) > 0)).all()


def test_a_data_driven_start_from_sparse_or_constant_x():
    sparse = scipy.sparse.csr_array(X)
    params = {"init": "data_driven", "learning_rate_init": 1e-300, "max_iter": 1}
    dense = regressor(**params).fit(X, Y)
    np.testing.assert_allclose(
        regressor(**params).fit(sparse, Y).coefs_[0], dense.coefs_[0]
    )
    net = regressor(**params).fit(np.full((80, 6), 0.1), Y)
    assert max(abs(coef).max() for coef in net.coefs_) < 10


EXPECTED = {  # the first in scikit-learn 1.6, whatever the tags say
    "check_sample_weight_equivalence_on_sparse_data": "embeddings need a dense X",
    "check_sample_weight_equivalence_on_dense_data": "they start from samples alone",
}


@parametrize_with_checks(
    [
        MLPClassifier(
            hidden_layer_sizes=(9,), learning_rate_init=0.01, random_state=0,
            numerical_embedding="periodic", input_scaling=True,
            parametric_activation=True,
        ),
        MLPRegressor(
            hidden_layer_sizes=(9,), learning_rate_init=0.05, random_state=0,
            init="data_driven", numerical_embedding=PiecewiseLinear(4),
            learning_rate_factors={"coefs": "ntk", "embeddings": 0.1},
            regularization_schedule="flat_cos", dropout=0.1,
        ),
    ],
    expected_failed_checks=lambda net: EXPECTED,
)  # fmt: skip
def test_estimator_checks(estimator, check):
    check(estimator)
