"""Layers against PyTorch: the same weights, the same outputs and gradients."""

import numpy as np
import pytest
from test_kernels import Case

from sknn.losses import SQUARED_ERROR
from sknn.params import views
from sknn.plans import Network, PredictionPlan

torch = pytest.importorskip("torch")

NORMALIZE = {
    "batch": lambda x, *scale_and_shift: torch.nn.functional.batch_norm(
        x, None, None, *scale_and_shift, training=True
    ),
    "layer": lambda x, *scale_and_shift: torch.nn.functional.layer_norm(
        x, x.shape[1:], *scale_and_shift
    ),
}


def peer_outputs(case, parameters, normalization, skip_connections):
    """The network in PyTorch, with a list of tensors for each part."""
    parts = {name: iter(tensors) for name, tensors in parameters.items()}
    x = torch.tensor(case.X)
    for level in range(3):
        below = x
        x = x @ next(parts["coefs_"]) + next(parts["intercepts_"])
        if level < 2:
            if normalization:
                own = next(parts["scales_"]), next(parts["shifts_"])
                x = NORMALIZE[normalization](x, *own)
            x = torch.tanh(x)
        if skip_connections and level == 1:
            x = x + below @ next(parts["skip_coefs_"]) + next(parts["skip_intercepts_"])
    return x


@pytest.mark.parametrize("n_samples", [30, 300])
@pytest.mark.parametrize("skip_connections", [False, True])
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_gradients_against_torch(normalization, skip_connections, n_samples):
    options = {"normalization": normalization, "skip_connections": skip_connections}
    case = Case("tanh", SQUARED_ERROR, n_samples=n_samples, **options)
    tensors = {
        name: [torch.tensor(view, requires_grad=True) for view in list_of_views]
        for name, list_of_views in views(case.params.copy(), case.layers).items()
    }
    errors = peer_outputs(case, tensors, **options) - torch.tensor(case.targets)
    loss = (torch.tensor(case.weights) * 0.5 * (errors**2).sum(axis=1)).sum()
    loss.backward()
    value, _ = case.run(np.arange(n_samples))
    assert value == pytest.approx(loss.item() / case.weights.sum(), rel=1e-12)
    grads = views(case.grads, case.layers)
    for name, list_of_tensors in tensors.items():
        for tensor, grad in zip(list_of_tensors, grads[name], strict=True):
            if tensor.grad is not None:
                np.testing.assert_allclose(grad, tensor.grad, atol=1e-10)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_running_means_and_variances_predict_as_torchs_do(normalization):
    case = Case("identity", SQUARED_ERROR, normalization=normalization)
    parts = views(case.params, case.layers)
    sums = case.X @ parts["coefs_"][0] + parts["intercepts_"][0]
    if normalization == "batch":
        peer = torch.nn.BatchNorm1d(19, dtype=torch.float64)
        peer.running_mean[:] = torch.tensor(parts["means_"][0])
        peer.running_var[:] = torch.tensor(parts["variances_"][0])
        case.run(np.arange(30))
        peer.train()(torch.tensor(sums))
        np.testing.assert_allclose(parts["means_"][0], peer.running_mean, rtol=1e-12)
        np.testing.assert_allclose(parts["variances_"][0], peer.running_var, rtol=1e-12)
    else:
        peer = torch.nn.LayerNorm(19, dtype=torch.float64)
    peer.weight.data[:] = torch.tensor(parts["scales_"][0])
    peer.bias.data[:] = torch.tensor(parts["shifts_"][0])
    hidden = peer.eval()(torch.tensor(sums)).detach().numpy()
    units = hidden_units(case, 19)
    np.testing.assert_allclose(units, hidden, atol=1e-12)


def hidden_units(case, width):
    """What a prediction leaves in the units of the first hidden layer."""
    plan = PredictionPlan(Network(case.params, case.layers, case.loss), len(case.X))
    plan.predict(case.samples, np.arange(len(case.X)))
    first = next(i for i, n in enumerate(case.layers.table["fan_out"]) if n == width)
    stride, row = int(plan._plan[0]["stride"]), case.layers.table[first]["outputs"]
    units = plan._kept["block 0"]["units"] if "block 0" in plan._kept else None
    units = (
        units
        if units is not None
        else next(
            own["units"] for name, own in plan._kept.items() if name.startswith("block")
        )
    )
    return units.reshape(-1, stride)[row : row + width, : len(case.X)].T


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": (0.2, 0.3, 0.5)},
        {"noise": 0.5},
        {"monotonic": (1, 0, -1, 0)},
        {"normalization": "layer"},
        {"skip_connections": True, "normalization": "batch"},
    ],
)
@pytest.mark.parametrize("n_samples", [40, 700])
def test_results_do_not_depend_on_the_number_of_threads(options, n_samples):
    results = []
    for n_threads in (1, 2, 3):
        case = Case("relu", SQUARED_ERROR, n_samples=n_samples, **options)
        case.run(
            np.arange(n_samples), "adam", 300, -(-n_samples // 300), n_threads=n_threads
        )
        results.append(case.params)
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])
