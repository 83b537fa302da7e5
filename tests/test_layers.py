"""Layers against PyTorch: the same weights, the same outputs and gradients."""

import numpy as np
import pytest
from test_kernels import Case

from sknn.losses import SQUARED_ERROR
from sknn.params import views
from sknn.plans import Network

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
def test_running_statistics_against_torch(normalization):
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
    units = hidden_units(case)
    np.testing.assert_allclose(units, hidden, atol=1e-12)


def hidden_units(case):
    """Outputs of the first hidden layer, whose activation is the identity."""
    network = Network(case.params, case.layers, case.loss)
    return network.hidden_outputs(case.samples, np.arange(len(case.X)), 1)
