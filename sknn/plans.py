"""A plan is what the kernels of a fit or a prediction read: addresses and sizes.

Kernels that take addresses instead of arrays compile in a third of the time, and have
one signature per dtype.  In return, this is the only place that writes the addresses:
each is that of an array of the right kind, which the plan keeps alive.
"""

from functools import partial

import numpy as np

from .activations import ACTIVATIONS
from .losses import LINKS, loss_of
from .network import STRIP, predict, run_epoch
from .params import n_params, n_units, padded, row_stride, zeros
from .products import PACKED, product, transpose
from .records import ADDRESSES, BLOCK, PLAN
from .sparse import sparse_forward, sparse_gradients
from .team import ALONE, Team, team_size

BLOCK_ROWS = 256  # samples of a block, at most
DIVIDED_BATCH = 128  # samples of the smallest minibatch that makes two chunks
FEW_ROWS = 16
X_DENSE, X_SPARSE = ["dense"], ["values", "columns", "row_starts"]


class Network:
    """A network: its flat parameters, its table of layers, its pieces' names."""

    def __init__(self, params, layers, activation, loss):
        self.params, self.layers = params, layers
        self.activation, self.loss = activation, loss
        self._idle_plans = []  # for a few rows: a plan would take longer than they do

    def predict(self, samples, order, n_jobs=None):
        """The outputs for these samples, of shape (n_samples, n_outputs)."""
        if order.size <= FEW_ROWS:
            try:
                plan = self._idle_plans.pop()
            except IndexError:
                plan = PredictionPlan(self, FEW_ROWS)
            outputs = plan.predict(samples, order)
            self._idle_plans.append(plan)
            return outputs
        n_flops = 2 * order.size * self.params.size
        with Team(team_size(n_jobs, n_flops, 1)) as team:
            return PredictionPlan(self, order.size, team).predict(samples, order)


class Plan:
    """What every call of a kernel takes; blocks have at most ``block_rows`` samples."""

    training = False

    def __init__(self, network, block_rows, n_blocks, team):
        self._dtype = network.params.dtype
        self._zero = self._dtype.type(0)
        self._team, self._kept = team, {}
        self._plan, self._layers = np.zeros(1, PLAN), network.layers.copy()
        # a sparse X is not among the units
        dense_inputs = network.layers["outputs"] > network.layers["inputs"]
        self._inputs = network.layers["fan_in"] * dense_inputs + 1
        self._set(
            n_features=network.layers[0]["fan_in"],
            n_outputs=network.layers[-1]["fan_out"],
            n_members=team.size,
            n_blocks=n_blocks,
            block_rows=block_rows,
            stride=row_stride(block_rows, self._dtype),
            strip_stride=row_stride(self._inputs[0], self._dtype),
        )
        self._point(params=network.params, arrivals=team.arrivals)
        self._connect(network)

    def _run(self, kernel):
        # A bound method holds the plan, and so its arrays, for as long as a thread
        # runs, even if the one that waits for it is interrupted and leaves.
        return self._team.run(partial(self._call, kernel))

    def _call(self, kernel, number):
        return kernel(self._zero, self._plan, self._layers, self._blocks, number)

    def _connect(self, network):
        """Look up, or compile, the pieces that the network is made of."""
        activation, loss = ACTIVATIONS[network.activation], loss_of(network.loss)
        self._point(loss_settings=loss.settings(int(self._plan[0]["n_outputs"])))
        self._set(
            product=product.address(self._dtype),
            transpose=transpose.address(self._dtype),
        )
        if activation:
            address = activation.forward.address(self._dtype)
            self._layers["activation"][:-1] = address
        if activation and self.training:
            self._layers["slope"][:-1] = activation.backward.address(self._dtype)
        if self.training:
            self._set(loss=loss.train.address(self._dtype))
        else:
            self._set(link=LINKS[loss.out_activation].address(self._dtype))

    def _read(self, samples):
        """Let the kernels read the X of these samples."""
        is_sparse = samples.row_starts.size > 0
        self._set(is_sparse=is_sparse)
        for name in X_SPARSE if is_sparse else X_DENSE:
            self._point(**{name: getattr(samples, name)})
        if is_sparse:
            self._set(sparse_forward=sparse_forward.address(self._dtype))

    def _allocate(self, n_targets=0):
        self._blocks = np.zeros(self._plan[0]["n_blocks"], BLOCK)
        for block in self._blocks:
            self._give(block, n_targets)

    def _give(self, block, n_targets):
        """Allocate what one block has to itself."""
        layers, plan, inputs = self._layers, self._plan[0], self._inputs
        stride, lanes = int(plan["stride"]), padded(1, self._dtype)
        units = n_units(layers, self._dtype)
        turned = layers["stride"] if self.training else layers["stride"][:1]
        sizes = {
            "units": units * stride,
            "deltas": self.training * units * stride,
            "turned": int(plan["block_rows"] * turned.sum()),
            "targets": n_targets * stride,
            "weights": stride,
            "strip": lanes * int(plan["strip_stride"]),
            "packed": PACKED,
            "grads": int(plan["sums_chunks"]) * n_params(layers),
        }
        own = {name: zeros(size, self._dtype) for name, size in sizes.items()}
        for name, array in own.items():
            block[name] = array.ctypes.data
        self._kept[f"block {len(self._kept)}"] = own
        # the inputs of the intercepts, and the weights of samples that have none
        own["units"].reshape(-1, stride)[layers["inputs"][1:] + inputs[1:] - 1] = 1
        own["strip"].reshape(lanes, -1)[:, inputs[0] - 1] = 1
        own["weights"][:] = 1

    def _point(self, **arrays):
        """Write the addresses of arrays, and keep the arrays."""
        for name, array in arrays.items():
            expected = ADDRESSES[name] or self._dtype
            if array.dtype != expected or not array.flags.c_contiguous:
                raise TypeError(f"{name} must be {expected}, one row after the other.")
            self._plan[name] = array.ctypes.data
            self._kept[name] = array

    def _set(self, **numbers):
        for name, number in numbers.items():
            self._plan[name] = number


class PredictionPlan(Plan):
    """What predicting takes, for ``n_rows`` samples."""

    def __init__(self, network, n_rows, team=ALONE):
        block_rows = min(padded(n_rows, network.params.dtype), BLOCK_ROWS)
        super().__init__(network, block_rows, team.size, team)
        self._allocate()

    def predict(self, samples, order):
        """The network's outputs for these samples, of shape (n_samples, n_outputs)."""
        outputs = np.empty((order.size, self._plan[0]["n_outputs"]), self._dtype)
        self._read(samples)
        self._point(order=order, outputs=outputs)
        self._set(n_samples=order.size)
        self._run(predict)
        for name in (*X_DENSE, *X_SPARSE, "order", "outputs"):
            self._kept.pop(name, None)
        return outputs


class TrainingPlan(Plan):
    """What training on these samples takes, with at most ``batch_size`` at a time.

    Without an update rule nothing is learned, and the gradients stay in ``grads``.
    """

    training = True

    def __init__(self, network, samples, batch_size, team, update=None):
        # In what order gradients are summed must not depend on the number of threads,
        # so a minibatch is always made of chunks, an even number if there is enough.
        n_chunks = 2 * -(-batch_size // (2 * BLOCK_ROWS))
        n_chunks = n_chunks if batch_size >= DIVIDED_BATCH else 1
        chunk_rows = padded(-(-batch_size // n_chunks), network.params.dtype)
        # One thread alone takes as many of them at once as make a block.
        alone = team.size == 1
        in_a_block = min(n_chunks, BLOCK_ROWS // chunk_rows) if alone else 1
        n_blocks = min(team.size, n_chunks)
        super().__init__(network, chunk_rows * in_a_block, n_blocks, team)
        self._read(samples)
        sums_chunks = n_chunks > 1 and self._sums_chunks(min(n_chunks, 2) * chunk_rows)
        self._set(
            sums_chunks=sums_chunks,
            chunk_rows=chunk_rows if sums_chunks else chunk_rows * in_a_block,
        )
        self._allocate(samples.targets.shape[1])
        self.grads = zeros(n_params(network.layers), self._dtype)
        strips = int((-(-(network.layers["fan_in"] + 1) // STRIP)).sum())
        self._point(
            grads=self.grads,
            losses=zeros(batch_size, self._dtype),
            penalties=np.zeros(strips),
        )
        self._set(
            batch_size=batch_size,
            n_targets=samples.targets.shape[1],
            n_params=self.grads.size,
            n_strips=strips,
            update=update.address(self._dtype) if update else 0,
        )

    def remember(self, moments, settings):
        """Let the update rule read these settings, and read and write these moments."""
        self._point(moments=moments, settings=settings)

    def run_epoch(self, order, rates, alpha):
        """Train on these samples; the mean loss, and the mean of the L2 penalty."""
        self._point(order=order, rates=rates)
        self._set(n_samples=order.size, n_steps=rates.size, alpha=alpha)
        return self._run(run_epoch)

    def _read(self, samples):
        super()._read(samples)
        self._point(targets=samples.targets, weights=samples.weights)
        self._set(has_weights=samples.weights.size > 0)
        if self._plan[0]["is_sparse"]:
            self._set(sparse_gradients=sparse_gradients.address(self._dtype))

    def _sums_chunks(self, n_rows):
        """Whether each chunk has gradients of its own, which are summed.

        Threads that share a sum by its rows read one another's units instead: that is
        less where there are many parameters for the units of ``n_rows`` samples.
        """
        if self._plan[0]["is_sparse"]:
            return False
        units = n_units(self._layers, self._dtype) + self._layers["stride"].sum()
        return 2 * n_params(self._layers) < n_rows * units
