"""The same fit in sknn, scikit-learn, PyTorch and JAX.

Every peer is made of a case and its data, and has `fit`, which trains a new network
for all epochs and returns the loss of the last one, and `predict`.  All of them
start from Glorot's uniform weights, shuffle once per epoch, keep the last small
batch, and take Adam with scikit-learn's settings and penalty.
"""

import importlib
import warnings
from itertools import pairwise

import numpy as np
from environment import is_installed

ALPHA, LEARNING_RATE, BETAS, EPSILON = 1e-4, 1e-3, (0.9, 0.999), 1e-8


class Estimator:
    """An estimator with scikit-learn's parameters, from any module."""

    module = "sklearn.neural_network"

    def __init__(self, case, X, y, threads):
        module = importlib.import_module(self.module)
        self.kind = module.MLPClassifier if case.n_classes else module.MLPRegressor
        self.parameters = self.parameters_of(case, threads)
        self.X, self.y = X, y

    def parameters_of(self, case, threads):
        return {
            "hidden_layer_sizes": case.hidden,
            "activation": case.activation,
            "batch_size": case.batch,
            "max_iter": case.epochs,
            "tol": 0,
            "n_iter_no_change": np.inf,  # all epochs, whatever the loss does
            "random_state": 0,
        }

    def fit(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ConvergenceWarning, on purpose
            self.model = self.kind(**self.parameters).fit(self.X, self.y)
        return self.model.loss_

    def predict(self, X):
        return self.model.predict(X)


class Sklearn(Estimator):
    """sklearn.neural_network, its matrix products in OpenBLAS."""


class Sknn(Estimator):
    """This package."""

    module = "sknn"

    def parameters_of(self, case, threads):
        return super().parameters_of(case, threads) | {"n_jobs": threads}


class Torch:
    """A plain PyTorch loop: nn.Sequential, fused Adam."""

    def __init__(self, case, X, y, threads):
        import torch

        torch.set_num_threads(threads)
        self.torch, self.case = torch, case
        self.X, self.y = torch.from_numpy(X), torch.from_numpy(y)
        if case.n_classes < 3:
            self.y = self.y.to(self.X.dtype)[:, None]

    def network(self):
        nn, units = self.torch.nn, self.case.layer_units
        activation = {"relu": nn.ReLU, "tanh": nn.Tanh}[self.case.activation]
        layers = []
        for fan_in, fan_out in pairwise(units):
            layers += [nn.Linear(fan_in, fan_out, dtype=self.X.dtype), activation()]
            nn.init.xavier_uniform_(layers[-2].weight)
        return nn.Sequential(*layers[:-1])

    def fit(self):
        self.torch.manual_seed(0)
        self.model = self.network()
        optimizer = self.torch.optim.Adam(
            self.model.parameters(),
            lr=LEARNING_RATE,
            betas=BETAS,
            eps=EPSILON,
            weight_decay=ALPHA / self.case.batch,
            fused=True,
        )
        for _ in range(self.case.epochs):
            loss = self.epoch(optimizer)
        return loss.item() / len(self.X)

    def epoch(self, optimizer):
        total = 0.0
        for batch in self.torch.randperm(len(self.X)).split(self.case.batch):
            loss = self.loss(self.model(self.X[batch]), self.y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
        return total

    def loss(self, outputs, y):
        functional = self.torch.nn.functional
        if self.case.n_classes == 0:
            return functional.mse_loss(outputs, y) / 2
        if self.case.n_classes == 2:
            return functional.binary_cross_entropy_with_logits(outputs, y)
        return functional.cross_entropy(outputs, y)

    def predict(self, X):
        with self.torch.inference_mode():
            return _decide(self.model(self.torch.from_numpy(X)).numpy(), self.case)


class Jax:
    """One compiled epoch: jit of a scan over minibatches, buffers donated."""

    def __init__(self, case, X, y, threads):
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax, self.case = jax, case
        self.X, self.y = jax.device_put(X), jax.device_put(y)
        self.epoch = jax.jit(self._epoch, donate_argnums=0)
        self.outputs = jax.jit(self._outputs)

    def init(self, rng):
        params, units, dtype = [], self.case.layer_units, self.case.dtype
        for fan_in, fan_out in pairwise(units):
            bound = np.sqrt(6 / (fan_in + fan_out))
            W = rng.uniform(-bound, bound, (fan_in, fan_out)).astype(dtype)
            params.append((W, np.zeros(fan_out, dtype)))
        moments = [self.jax.tree.map(np.zeros_like, params) for _ in range(2)]
        return params, *moments, np.zeros((), dtype)

    def fit(self):
        rng = np.random.default_rng(0)
        state = self.init(rng)
        for _ in range(self.case.epochs):
            order = rng.permutation(len(self.X)).astype(np.int32)
            state, loss = self.epoch(state, order, self.X, self.y)
        self.params = self.jax.block_until_ready(state[0])
        return float(loss) / len(self.X)

    def _epoch(self, state, order, X, y):
        batch = self.case.batch
        whole = len(order) // batch * batch
        batches = order[:whole].reshape(-1, batch)
        step = self._step(X, y)
        state, losses = self.jax.lax.scan(step, state, batches)
        loss = losses.sum() * batch
        if whole < len(order):
            state, last = step(state, order[whole:])
            loss += last * (len(order) - whole)
        return state, loss

    def _step(self, X, y):
        value_and_grad = self.jax.value_and_grad(self._loss)

        def step(state, batch):
            loss, grads = value_and_grad(state[0], X[batch], y[batch])
            return self._adam(state, grads), loss

        return step

    def _adam(self, state, grads):
        params, m, v, t = state
        (beta_1, beta_2), tree = BETAS, self.jax.tree
        t += 1
        rate = LEARNING_RATE * (1 - beta_2**t) ** 0.5 / (1 - beta_1**t)
        decay = ALPHA / self.case.batch
        grads = tree.map(lambda g, p: g + decay * p, grads, params)
        m = tree.map(lambda m, g: beta_1 * m + (1 - beta_1) * g, m, grads)
        v = tree.map(lambda v, g: beta_2 * v + (1 - beta_2) * g * g, v, grads)
        params = tree.map(
            lambda p, m, v: p - rate * m / (v**0.5 + EPSILON), params, m, v
        )
        return params, m, v, t

    def _outputs(self, params, X):
        activation = getattr(self.jax.numpy, self.case.activation, self.jax.nn.relu)
        for W, b in params[:-1]:
            X = activation(X @ W + b)
        W, b = params[-1]
        return X @ W + b

    def _loss(self, params, X, y):
        outputs, nn = self._outputs(params, X), self.jax.nn
        if self.case.n_classes == 0:
            return ((outputs[:, 0] - y) ** 2).mean() / 2
        if self.case.n_classes == 2:
            return (nn.softplus(outputs[:, 0]) - y * outputs[:, 0]).mean()
        log_probabilities = nn.log_softmax(outputs)
        return -log_probabilities[self.jax.numpy.arange(len(y)), y].mean()

    def predict(self, X):
        return _decide(np.asarray(self.outputs(self.params, X)), self.case)


def _decide(outputs, case):
    if case.n_classes == 0:
        return outputs[:, 0]
    return outputs[:, 0] > 0 if case.n_classes == 2 else outputs.argmax(axis=1)


PEERS = {"sknn": Sknn, "sklearn": Sklearn, "torch": Torch, "jax": Jax}


def installed(names):
    """Those of `names` that can run here; the others get a line."""
    for name in names:
        if is_installed(name):
            yield name
        else:
            print(f"{name} is not installed: skipped")
