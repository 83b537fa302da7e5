"""The ways through the layers: bands have every unit once, and change no bit."""

import numpy as np
import pytest
from test_kernels import DTYPES, Case

from sknn import MLPClassifier, _tile, plans, ways
from sknn.activations import ACTIVATIONS
from sknn.architecture import Architecture, Layers
from sknn.losses import SQUARED_ERROR

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
WIDE = {"hidden": (45, 37, 37)}
ONE_BAND, ONE_VECTOR = 1 << 40, 1  # bytes


@pytest.fixture
def beside(monkeypatch):
    """Any number of units finds room beside a band."""
    monkeypatch.setattr(ways, "BYTES_BESIDE", 1 << 40)


@pytest.fixture
def narrowed(monkeypatch):
    """How many records there are on each way that goes in bands."""
    sizes, narrow = [], ways._narrow

    def spy(records, *arguments):
        sizes.append(len(records))
        narrow(records, *arguments)

    monkeypatch.setattr(ways, "_narrow", spy)
    return sizes


@pytest.mark.parametrize(
    "options",
    [
        WIDE,
        {"n_samples": 700, **WIDE},
        {"sparse": True, **WIDE},
        {"monotonic": (1, 0, -1, 0), "dropout": (0, 0.1, 0.1, 0.1), **WIDE},
        {"hidden": (33, 3, 33)},  # few outputs: dot products
        {"hidden": (20, 20)},
        {"normalization": "layer", "dropout": (0.2, 0.3, 0.5, 0.1), **WIDE},
        {"normalization": "batch", "skip_connections": True, **WIDE},
        {"skip_connections": True, "noise": 0.1, "hidden": (45, 37, 20)},
    ],
    ids=str,
)
@pytest.mark.parametrize("batch_size", [10, 300])
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_bands_change_no_bit(
    beside, narrowed, monkeypatch, activation, n_threads, batch_size, options
):
    results = []
    for n_bytes in ONE_BAND, ONE_VECTOR:
        monkeypatch.setattr(ways, "BYTES_OF_A_BAND", n_bytes)
        case = Case(activation, SQUARED_ERROR, **options)
        order = np.arange(len(case.X))
        steps = "sgd", batch_size, -(-order.size // batch_size), 1e-3
        results.append((*case.run(order, *steps, n_threads=n_threads), *case.params))
    assert narrowed
    assert np.array_equal(*results)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_fit_is_the_same_in_bands(beside, narrowed, monkeypatch, dtype):
    X = np.random.default_rng(0).normal(size=(230, 6)).astype(dtype)
    fits = []
    for n_bytes in ONE_BAND, ONE_VECTOR, 20_000:
        monkeypatch.setattr(ways, "BYTES_OF_A_BAND", n_bytes)
        net = MLPClassifier((70, 50), activation="tanh", max_iter=3, random_state=0)
        fits.append(net.fit(X, X[:, 0] > 0))
    assert len(narrowed) == 4
    for other in fits[1:]:
        assert other.loss_ == fits[0].loss_
        for a, b in zip(other.coefs_, fits[0].coefs_, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize(
    ("options", "n_joined"),
    [
        (WIDE, (3, 3)),
        ({"n_samples": 700, **WIDE}, (3, 3)),
        ({"sparse": True, **WIDE}, (2, 3)),
        ({"normalization": "layer", **WIDE}, (0, 3)),  # in between
        # where others change a relu's outputs afterwards, it keeps their slopes
        ({"skip_connections": True, **WIDE}, (1, 1)),
        ({"dropout": (0, 0.1, 0, 0), **WIDE}, (2, 2)),
        ({"monotonic": (1, 0, -1, 0), **WIDE}, (0, 0)),  # reflected before and after
    ],
    ids=str,
)
@pytest.mark.parametrize("batch_size", [10, 300])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_relu_in_a_product_changes_no_bit(
    monkeypatch, n_threads, batch_size, options, n_joined
):
    there, back, seen = ways.way_forward, ways.way_back, []

    def joined(table, kinds, pieces):
        steps = list(there(table, kinds, pieces))
        seen.append(sum(step.epilogue == _tile.RECTIFIED for step in steps))
        return steps

    def joined_back(*arguments):
        steps = list(back(*arguments))
        seen.append(sum(step.epilogue == _tile.GATED for step in steps))
        return steps

    def without_relu(way):
        def apart(table, kinds, more):
            return way(table, [kind._replace(is_relu=False) for kind in kinds], more)

        return apart

    results = []
    for way_forward, way_back in (
        (joined, joined_back),
        (without_relu(there), without_relu(back)),
    ):
        monkeypatch.setattr(plans, "way_forward", way_forward)
        monkeypatch.setattr(plans, "way_back", way_back)
        case = Case("relu", SQUARED_ERROR, **options)
        order = np.arange(len(case.X))
        steps = "sgd", batch_size, -(-order.size // batch_size), 1e-3
        results.append((*case.run(order, *steps, n_threads=n_threads), *case.params))
    assert tuple(seen) == n_joined
    assert np.array_equal(*results)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_units", [1, 16, 100, 133, 1024])
@pytest.mark.parametrize("stride", [16, 112, 208])
def test_bands_have_every_unit_once(dtype, n_units, stride):
    architecture = Architecture((12, n_units, 2), (ACTIVATIONS["tanh"],))
    layers = Layers(architecture, dtype)
    pieces = [kind.forward for kind in layers.kinds]
    steps = ways.way_forward(layers.table, layers.kinds, pieces)
    dtype = layers.dtype
    records = ways.records_in_bands(steps, layers.table, dtype, stride)
    _, *bands, last = records  # the input comes first
    first = layers.table[1]
    assert last["inputs"] == first["outputs"]
    for sums, outputs in zip(bands[::2], bands[1::2], strict=True):
        assert sums["outputs"] == outputs["outputs"] == outputs["inputs"]
        assert sums["fan_out"] == outputs["fan_out"] > 0
        assert (sums["inputs"], sums["fan_in"]) == (first["inputs"], 12)
        place = sums["outputs"] - first["outputs"]
        assert sums["params"] - first["params"] == place == sums["first_of_band"]
    of_sums = bands[::2]
    ends = [each["outputs"] + each["fan_out"] for each in of_sums]
    assert ends[:-1] == [each["outputs"] for each in of_sums[1:]]
    assert ends[-1] - of_sums[0]["outputs"] == n_units
    n_bytes = stride * dtype.itemsize
    assert len(of_sums) >= n_units * n_bytes / (ways.BYTES_OF_A_BAND + 16 * n_bytes)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_units", [100, 133])
@pytest.mark.parametrize("activation, n_calls", [("tanh", 3), ("relu", 2)])
def test_bands_of_deltas_have_every_unit_once(dtype, n_units, activation, n_calls):
    layers = Layers(Architecture((12, n_units, 5), (ACTIVATIONS[activation],)), dtype)
    steps = ways.way_back(layers.table, layers.kinds, False)
    records = ways.records_in_bands(steps, layers.table, layers.dtype, 208)
    _, first, _, last = layers.table
    turned, *calls = records  # deltas of the outputs, and then some calls each
    assert turned["fan_out"] == 5
    bands = [calls[i : i + n_calls] for i in range(0, len(calls), n_calls)]
    assert len(bands) > 1
    assert len(bands[-1]) == n_calls
    end = first["outputs"]
    for back, *rest in bands:
        for each in rest:  # slopes, and turning
            assert each["outputs"] == end
            assert each["deltas"] == back["inputs"]
            assert each["fan_out"] == back["fan_in"] > 0
        # relu's slopes are in the product, which reads its outputs
        gates = _tile.GATED if activation == "relu" else _tile.AS_SUMMED
        assert (back["epilogue"], back["gate"]) == (gates, end)
        # nobody reads the deltas again; but zeros must lie behind the last
        is_last = rest[-1] is bands[-1][-1]
        assert back["inputs"] == (end if is_last else first["outputs"])
        assert (back["outputs"], back["fan_out"]) == (last["outputs"], 5)
        assert rest[-1]["first_of_band"] == end - first["outputs"]
        place = rest[-1]["first_of_band"] * last["stride"]
        assert back["params"] == last["params"] + place
        end += back["fan_in"]
    assert end == first["outputs"] + n_units


@pytest.mark.parametrize(
    "options",
    [
        {"scales_inputs": True},  # whose gradients are of the deltas below them
        {"monotonic": (1, *[0] * 11), "normalization": "batch"},  # reflected before it
        {"skip_connections": True},  # the second level adds to what is there already
    ],
    ids=str,
)
def test_deltas_of_a_band_that_others_read_or_write_stay_in_place(beside, options):
    two = (ACTIVATIONS["relu"],) * 2
    layers = Layers(Architecture((12, 133, 133, 5), two, **options), np.float64)
    steps = list(ways.way_back(layers.table, layers.kinds, False))
    records = ways.records_in_bands(steps, layers.table, layers.dtype, 208)
    assert len(records) > len(steps)
    assert np.array_equal(records["deltas"], records["outputs"])


def test_deep_sums_are_not_made_in_bands(narrowed):
    X = np.random.default_rng(0).normal(size=(400, 300))
    net = MLPClassifier((300, 300), activation="tanh", max_iter=1, random_state=0)
    net.fit(X, np.arange(400) % 100)
    assert not narrowed
    net.set_params(hidden_layer_sizes=(300,)).fit(X[:, :10], np.arange(400) % 3)
    assert len(narrowed) == 2
