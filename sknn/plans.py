"""A plan is what the kernels of a fit or a prediction read: addresses and sizes.

Pieces take addresses, not arrays: that compiles sooner, and has one signature per
dtype.  In return, this is the only place that writes the addresses: each is that of an
array of the right kind, which the plan keeps alive.
"""

from collections import defaultdict
from dataclasses import replace
from functools import cache, partial

import numpy as np

from .architecture import layers_of
from .dense import FEW_SAMPLES
from .loss_pieces import LINKS
from .losses import loss_of
from .monotonic import required_signs
from .network import (
    clip_and_step,
    end_epoch,
    gradients_and_steps,
    predict,
    run_epochs,
    step_rows,
    train_blocks,
)
from .params import padded, row_stride, zeros
from .products import PACKED, dot_products, product, transpose
from .records import ADDRESSES, BLOCK, PLAN, REALS
from .regularization import (
    finish,
    note_penalties,
    note_penalties_and_norms,
    prepare,
)
from .team import Team, team_size
from .ways import joined, records_in_bands, records_of, way_back, way_forward

# Samples of a block, at most: fewer where their units and deltas would not stay in the
# second-level cache, and there are few parameters to read again for each block.
BLOCK_ROWS, BLOCK_BYTES = 256, 1280 * 1024
# Samples of a block that is predicted, in whole tiles of three vectors: few where their
# units take no more bytes than these, and are still at hand for the next layer, but as
# many as take no more than about two first-level caches have.
FEW_ROWS, MANY_ROWS, BYTES_AT_HAND, BYTES_NEARBY = 48, 240, 128 * 1024, 64 * 1024
ROWS_AT_ONCE = 2**17  # that are predicted in one call, at most
EPOCHS_AHEAD = 32  # in one call, at most
DIVIDED_BATCH = 128  # samples of the smallest minibatch that makes two chunks
PLACES = {name: place for place, name in enumerate(PLAN.names or ())}
X_DENSE, X_SPARSE = ["dense"], ["values", "columns", "row_starts"]


class Network:
    """A network: its flat parameters, its layers, its loss."""

    def __init__(self, params, layers, loss):
        self.params, self.layers, self.loss = params, layers, loss_of(loss)
        # Plans of small blocks are kept: a new one would take longer than few rows do,
        # or a tenth of a narrow network's time for many.
        self._idle_plans = defaultdict(list)  # by samples of a block

    def with_params(self, params):
        """A network of the same layers with a copy of these parameters."""
        own = zeros(params.size, params.dtype)
        own[:] = params
        return Network(own, self.layers, self.loss)

    def reading(self, sparse_input):
        """The same network, with the same parameters, for the other kind of X."""
        architecture = self.layers.architecture
        if architecture.sparse_input == sparse_input:
            return self
        architecture = replace(architecture, sparse_input=sparse_input)
        layers = layers_of(architecture, self.params.dtype)
        return Network(self.params, layers, self.loss)

    def hidden_outputs(self, samples, order, level, n_jobs=None, if_not_finite=None):
        """Outputs of a hidden layer, 1 being the first, for these samples."""
        n_flops = 2 * len(order) * self.params.size
        with Team(team_size(n_jobs, n_flops, 1)) as team:
            plan = PredictionPlan(self, len(order), team, level)
            return plan.predict(samples, order, if_not_finite)

    def predict(
        self, samples, order, n_jobs=None, if_not_finite=None, as_classes=False
    ):
        """The outputs for these samples, of shape (n_samples, n_outputs).

        Or, ``as_classes``, the number of each sample's, of shape (n_samples,).
        ``order`` has the samples' numbers, or is the range of all.  ``if_not_finite``
        is called if there are some that are not: nobody has to look at all of X before.
        """
        work = samples, order, if_not_finite, as_classes
        few, n_flops = len(order) <= FEW_SAMPLES, 2 * len(order) * self.params.size
        n_members = 1 if few else team_size(n_jobs, n_flops, 1)
        block_rows = FEW_SAMPLES if few else rows_of_a_prediction(self.layers)
        if n_members > 1 or block_rows == MANY_ROWS:
            with Team(n_members) as team:
                return PredictionPlan(self, len(order), team).predict(*work)
        idle_plans = self._idle_plans[block_rows]
        try:
            plan = idle_plans.pop()
        except IndexError:
            plan = PredictionPlan(self, block_rows)
        outputs = plan.predict(*work)
        if plan.was_finite:  # or the next samples might be taken for what is left
            idle_plans.append(plan)
        return outputs


class Plan:
    """What every call of a kernel takes; blocks have at most ``block_rows`` samples."""

    training = False
    _sums_blocks = False
    _n_sorted = 0  # numbers of a block of a sparse X, if it is sorted by columns

    def __init__(self, network, block_rows, n_blocks, team):
        self._dtype = network.params.dtype
        self._team, self._kept = team, {}
        self.layers = network.layers
        self._plan, self._table = np.zeros(1, PLAN), network.layers.table.copy()
        # writing a field of a record takes eight times as long
        self._integers = self._plan.view(np.int64)
        self._reals = self._plan.view(np.float64)
        n_features = int(self._table[0]["fan_in"])
        self._set(
            n_features=n_features,
            n_outputs=self._table[-1]["fan_out"],
            last=self._table[-1]["outputs"],
            n_members=team.size,
            n_blocks=n_blocks,
            block_rows=block_rows,
            stride=row_stride(block_rows, self._dtype),
        )
        self._point(params=network.params, counters=team.counters)
        self._connect(network)

    def _run(self, kernel):
        # A bound method holds the plan, and so its arrays, for as long as a thread
        # runs, even if the caller is interrupted while it waits for it, and leaves.
        function = kernel.from_python(self._dtype)
        self._team.run(partial(self._call, function))

    def _call(self, function, number):
        function(0, *self._addresses, number)

    def _connect(self, network):
        """Look up, or compile, the pieces that are for no block, or for any."""
        loss = network.loss
        self._point(loss_settings=loss.settings(int(self._plan[0]["n_outputs"])))
        self._set(
            product=product.address(self._dtype),
            transpose=transpose.address(self._dtype),
        )
        if not self.training:
            self._set(link=LINKS[loss.out_activation].address(self._dtype))
            return
        self._set(loss=loss.train.address(self._dtype))
        for layer, kind in zip(self._table, self.layers.kinds):
            if kind.gradients:
                layer["gradients"] = kind.gradients.address(self._dtype)

    def _lay_out_ways(self):
        """Write the ways behind the layers; look up, or compile, the pieces on them."""
        layers, kinds = self._table, self.layers.kinds[: self._table.size]
        pieces = [self._forward_piece_of(kind) for kind in kinds]
        forward, back = self._ways(layers, way_forward(layers, kinds, pieces))
        self._table = joined(layers, forward, back)
        self._set(
            n_layers=layers.size,
            end_of_forward=layers.size + forward.size,
            end_of_back=self._table.size,
        )

    def _forward_piece_of(self, kind):
        """What a layer of this kind does here on the way forward."""
        plan = self._plan[0]
        piece = kind.forward if self.training else kind.predict
        if plan["block_rows"] <= FEW_SAMPLES:
            piece = kind.of_few_samples or piece
        if plan["n_features"] < padded(1, self._dtype):
            piece = kind.of_few_features or piece
        return piece

    def _read(self, samples):
        """Let the kernels read the X of these samples."""
        is_sparse = samples.row_starts.size > 0
        if is_sparse != self.layers.architecture.sparse_input:
            raise TypeError("The network is laid out for the other kind of X.")
        for name in X_SPARSE if is_sparse else X_DENSE:
            self._point(**{name: getattr(samples, name)})

    def _allocate(self, n_targets=0):
        self._blocks = np.zeros(self._plan[0]["n_blocks"], BLOCK)
        self._own = [self._give(block, n_targets) for block in self._blocks]
        self._lay_out_ways()
        tables = self._plan, self._table, self._blocks
        self._addresses = [table.ctypes.data for table in tables]

    def _give(self, block, n_targets):
        """Allocate what one block has to itself."""
        layers, plan = self.layers, self._plan[0]
        stride = int(plan["stride"])
        needs_turned = self.training or layers.architecture.sparse_input
        n_turned_rows = int(plan["block_rows"]) if needs_turned else FEW_SAMPLES
        has_grads = self.training and (plan["sums_chunks"] or self._sums_blocks)
        sizes = {
            "units": layers.n_units * stride,
            "deltas": self.training * layers.n_units * stride,
            "kept": layers.n_kept * stride,
            "turned": layers.n_turned * n_turned_rows,
            "targets": n_targets * stride,
            "weights": stride,
            "packed": PACKED,
            "grads": int(has_grads) * layers.n_params,
            "trace": 1,
        }
        own = {name: zeros(size, self._dtype) for name, size in sizes.items()}
        if self._n_sorted:
            own |= self._room_for_columns()
        for name, array in own.items():
            block[name] = array.ctypes.data
        # the inputs of the intercepts, and the weights of samples that have none
        own["units"].reshape(-1, stride)[layers.rows_of_ones] = 1
        own["weights"][:] = 1
        return own

    def _room_for_columns(self):
        """A place for a block of a sparse X, sorted by columns, the last of 1s."""
        return {
            "column_starts": np.zeros(self.layers.table[0]["fan_in"] + 2, np.int64),
            "column_rows": np.zeros(self._n_sorted, np.int32),
            "column_values": zeros(self._n_sorted, self._dtype),
        }

    def _point(self, **arrays):
        """Write the addresses of arrays, and keep the arrays."""
        for name, array in arrays.items():
            if self._kept.get(name) is array:
                continue  # which takes a tenth of the time
            expected = ADDRESSES[name] or self._dtype
            if array.dtype != expected or not array.flags.c_contiguous:
                raise TypeError(f"{name} must be {expected}, one row after the other.")
            self._integers[PLACES[name]] = array.ctypes.data
            self._kept[name] = array

    def _set(self, **numbers):
        for name, number in numbers.items():
            numbers = self._reals if name in REALS else self._integers
            numbers[PLACES[name]] = number


class PredictionPlan(Plan):
    """What predicting takes, in blocks of ``n_rows`` samples at most."""

    def __init__(self, network, n_rows, team=None, level=None):
        team = team or Team(1)
        rows = rows_of_a_prediction(network.layers)
        block_rows = min(padded(n_rows, network.params.dtype), rows)
        super().__init__(network, block_rows, team.size, team)
        self._set(n_members=1)  # at work on a block
        if level is not None:
            self._stop_at(level)
        self._allocate()

    def _stop_at(self, level):
        """Let the outputs be those of a hidden layer."""
        self._table = self._table[self.layers.levels <= level]
        self._set(
            last=self.layers.starts_of_levels[level],
            n_outputs=self.layers.architecture.units[level],
            link=LINKS["identity"].address(self._dtype),
        )

    def _ways(self, layers, forward):
        # not in bands: blocks are small, and all of a product asks for the next one's X
        return records_of(forward, layers, self._dtype), layers[:0]

    def predict(self, samples, order, if_not_finite=None, as_classes=False):
        """The network's outputs for these samples, or their classes by number."""
        n = len(order)
        shape = n if as_classes else (n, self._plan[0]["n_outputs"])
        results = np.empty(shape, np.int64 if as_classes else self._dtype)
        self._set(classes=0)
        traces = [own["trace"] for own in self._own]
        for trace in traces:
            trace[0] = 0
        for start in range(0, n, ROWS_AT_ONCE):
            rows, part = order[start : start + ROWS_AT_ONCE], samples
            if isinstance(rows, range):
                part = samples.part(rows) if len(rows) < n else samples
                rows = first_rows()[: len(rows)]
            self._read(part)
            self._set(n_samples=rows.size, in_order=may_be_neighbours(rows))
            some = results[start : start + rows.size]
            self._point(order=rows, **{"classes" if as_classes else "outputs": some})
            self._run(predict)
        for name in (*X_DENSE, *X_SPARSE, "order", "outputs", "classes"):
            self._kept.pop(name, None)
        self.was_finite = all(trace[0] == 0 for trace in traces)
        if if_not_finite and not self.was_finite:
            if_not_finite()
        return results


class TrainingPlan(Plan):
    """What training on these samples takes, with at most ``batch_size`` at a time.

    Without an update rule nothing is learned, and the gradients stay in ``grads``.
    """

    training = True

    def __init__(self, network, samples, batch_size, team, update=None):
        # In what order gradients are summed must not depend on the number of threads,
        # so a minibatch is always made of chunks, an even number if there is enough.
        kinds = network.layers.kinds
        self._sums_blocks = any(kind.sums_blocks for kind in kinds)
        is_whole = any(kind.needs_whole_batch for kind in kinds)
        n_chunks = 2 * -(-batch_size // (2 * rows_of_a_chunk(network.layers)))
        n_chunks = n_chunks if batch_size >= DIVIDED_BATCH and not is_whole else 1
        chunk_rows = padded(-(-batch_size // n_chunks), network.params.dtype)
        sums_chunks = n_chunks > 1 and sums_by_chunks(network.layers, 2 * chunk_rows)
        # A block is one chunk, which stays in the cache.  But where one thread has
        # chunks that share a sum, it takes several in a block: fewer interruptions.
        alone = team.size == 1 and not self._sums_blocks and not sums_chunks
        in_a_block = min(n_chunks, BLOCK_ROWS // chunk_rows) if alone else 1
        in_a_block = max(in_a_block, 1)
        n_blocks = min(team.size, n_chunks)
        super().__init__(network, chunk_rows * in_a_block, n_blocks, team)
        self._read(samples)
        self._set(sums_chunks=sums_chunks, chunk_rows=chunk_rows)
        if network.layers.architecture.sparse_input:
            block_rows = chunk_rows * in_a_block
            most = most_numbers(np.diff(samples.row_starts), block_rows)
            self._n_sorted = most + block_rows
        self._allocate(samples.targets.shape[1])
        in_parts = batch_size > n_blocks * chunk_rows * in_a_block
        self._allocate_gradients(keeps=in_parts or update is None)
        self._point(
            losses=zeros(batch_size, self._dtype),
            penalties=np.zeros(network.layers.n_strips),
            results=np.zeros(1 + 2 * EPOCHS_AHEAD),
        )
        self._set(
            batch_size=batch_size,
            n_targets=samples.targets.shape[1],
            n_params=network.layers.n_params,
            n_strips=network.layers.n_strips,
            train_blocks=train_blocks.address(self._dtype),
            gradients_and_steps=gradients_and_steps.address(self._dtype),
            end_epoch=end_epoch.address(self._dtype),
            note=note_penalties.address(self._dtype),
        )
        if self._table["takes_dots"].any():
            self._set(dot_products=dot_products.address(self._dtype))
        if update:
            self._set(
                step=step_rows.address(self._dtype), update=update.address(self._dtype)
            )
        self.group_rates(1, 0, 0)

    def _allocate_gradients(self, keeps):
        """A place for all gradients, or for a panel of each layer and share.

        The panels are read again before they leave the cache; no two layers share one,
        for what is behind their rows must stay 0.
        """
        layers, size = self.layers, self._team.size * self.layers.panels_size
        self.grads = zeros(layers.n_params if keeps else size, self._dtype)
        self._point(grads=self.grads)
        self._set(keeps_grads=keeps, panels_size=layers.panels_size)

    def _ways(self, layers, forward):
        sums_chunks = self._plan[0]["sums_chunks"] and self._team.size > 1
        ways = forward, way_back(layers, self.layers.kinds, sums_chunks)
        stride = int(self._plan[0]["stride"])
        return [records_in_bands(way, layers, self._dtype, stride) for way in ways]

    def remember(self, moments, settings):
        """Let the update rule read these settings, and read and write these moments."""
        self._point(moments=moments, settings=settings)

    def group_rates(self, n_groups, of_weights, of_others):
        """Say which of a step's rates each layer's weights take, and the others."""
        self._n_groups = n_groups
        self._set(n_groups=n_groups)
        layers = self._table[: self._plan[0]["n_layers"]]
        layers["weight_rates"], layers["rates"] = of_weights, of_others

    def regularize(self, l1=0.0, max_norm=None, shrinks=False, average=None):
        """Let steps do more than follow the gradient of the loss and L2 penalty."""
        if l1 or max_norm or shrinks:
            note = note_penalties_and_norms.address(self._dtype)
            self._set(l1=l1, note=note, prepare=prepare.address(self._dtype))
        if max_norm:
            self._allocate_gradients(keeps=True)
            self._set(max_norm=max_norm, clip=clip_and_step.address(self._dtype))
            self._point(norms=np.zeros(self.layers.n_strips))
        signs = required_signs(self.layers)
        if signs is not None:
            self._point(signs=signs)
        if average is not None:
            self._point(average=average)
        if signs is not None or average is not None:
            self._set(finish=finish.address(self._dtype))

    def run_epochs(
        self, orders, rates, alpha, seed=0, first_step=0, n_steps=None, **more
    ):
        """Train on samples in the order of a row for each epoch.

        There is a row of ``rates`` for each step, group by group: those from
        ``first_step`` on, by default all.  ``more`` may be `shrinkages`, `shares` and
        `intensities`, a number for each step.  Returns for each epoch the mean loss and
        the mean of the penalties; one whose loss is no number is the last.
        """
        n_epochs, n_samples = orders.shape
        n_steps = len(rates) if n_steps is None else n_steps
        if n_epochs > EPOCHS_AHEAD or first_step + n_epochs * n_steps > len(rates):
            raise ValueError(f"There is no room for {n_epochs} epochs, or no rates.")
        self._point(order=orders[0], rates=rates, **more)
        self._set(
            n_samples=n_samples,
            n_epochs=n_epochs,
            order_stride=orders.strides[0] // orders.itemsize,
            first_step=first_step,
            n_steps=n_steps,
            n_rates=rates.shape[1] // self._n_groups,
            alpha=alpha,
            seed=seed,
        )
        self._kept["results"].fill(0)
        self._run(run_epochs)
        return self.take_results()

    def take_results(self):
        """Losses and penalties of the finished epochs that nobody has taken yet."""
        results = self._kept["results"]
        n_finished, results[0] = int(results[0]), 0
        return results[1 : 1 + 2 * n_finished].reshape(-1, 2).tolist()

    def _read(self, samples):
        super()._read(samples)
        self._point(targets=samples.targets, weights=samples.weights)
        self._set(has_weights=samples.weights.size > 0)


@cache
def first_rows():
    """The numbers of the first rows, kept: to get new memory for them takes longer."""
    return np.arange(ROWS_AT_ONCE, dtype=np.int64)


def may_be_neighbours(rows):
    """Whether the rows seem to follow one another; who trusts it asks for them only."""
    return rows.size > 0 and rows[-1] - rows[0] == rows.size - 1


def most_numbers(lengths, n_rows):
    """How many numbers so many rows of these lengths have at most."""
    first = max(lengths.size - n_rows, 0)
    return int(np.partition(lengths, first)[first:].sum())


def rows_of_a_prediction(layers):
    """Samples of a block, at most; of MANY_ROWS no plan is kept."""
    n_bytes = layers.n_units * FEW_ROWS * layers.dtype.itemsize
    if n_bytes > BYTES_AT_HAND:
        return MANY_ROWS
    return min(FEW_ROWS * max(BYTES_NEARBY // n_bytes, 1), MANY_ROWS - FEW_ROWS)


def rows_of_a_chunk(layers):
    """Samples of a chunk in training, at most."""
    n_bytes = (2 * layers.n_units + layers.n_turned) * layers.dtype.itemsize
    rows = BLOCK_BYTES // n_bytes
    return min(rows, BLOCK_ROWS) if sums_by_chunks(layers, rows) else BLOCK_ROWS


def sums_by_chunks(layers, n_rows):
    """Whether each chunk has gradients of its own, which are summed.

    Threads that share a sum by its rows read one another's units instead: that is less
    where there are many parameters for the units of ``n_rows`` samples.
    """
    if layers.architecture.sparse_input:
        return False
    return 2 * layers.n_params < n_rows * (layers.n_units + layers.n_turned)
