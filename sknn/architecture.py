"""An architecture says which layers a network has; here it becomes their table."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .activations import kind_of
from .dense import DENSE, INPUT, PROJECTION
from .dropout import DROPOUT, NOISE
from .layers import Kind
from .monotonic import REFLECTION
from .normalization import NORMALIZATIONS
from .params import padded, row_stride, starts
from .records import LAYER
from .skips import SKIP
from .sparse import SPARSE

STRIP = 8  # rows of parameters that a member of a team takes at a time
PANEL = 128  # rows that are stepped as soon as their gradient is there


class Layer(NamedTuple):
    """A layer between two levels: 0 the inputs, 1 the first hidden layer and so on."""

    kind: Kind
    below: int
    above: int
    setting: float = 0.0
    n_units: int | None = None  # where it is for the first units of a level only


@dataclass(frozen=True)
class Architecture:
    """The units of all layers, the input's first, and what is between them."""

    units: tuple
    activations: tuple  # of each hidden layer: formulas, None for the identity
    dropout: tuple = ()  # rates: of the inputs and of each hidden layer
    noise: float = 0.0  # standard deviation of what is added to the inputs
    normalization: str | None = None
    skip_connections: bool = False
    monotonic: tuple = ()  # for each input 1, -1 or 0, if not all are 0
    sparse_input: bool = False

    def layers(self):
        """All layers, in the order in which samples pass them."""
        if not self.sparse_input:
            yield Layer(INPUT, 0, 0)
        if self.noise:
            yield Layer(NOISE, 0, 0, self.noise)
        if self._dropout[0]:
            yield Layer(DROPOUT, 0, 0, self._dropout[0])
        for level in range(1, len(self.units) - 1):
            yield from self._hidden(level)
        yield self._dense(len(self.units) - 1)

    @property
    def is_noisy(self):
        """Whether training adds random numbers."""
        return bool(self.noise or any(self.dropout))

    def layout(self):
        """What the places of the parameters depend on, and nothing else."""
        return Architecture(
            self.units,
            activations=(None,) * (len(self.units) - 2),
            normalization=self.normalization,
            skip_connections=self.skip_connections,
        )

    @property
    def _dropout(self):
        return self.dropout or (0.0,) * (len(self.units) - 1)

    def _dense(self, level):
        kind = SPARSE if level == 1 and self.sparse_input else DENSE
        return Layer(kind, level - 1, level)

    def _hidden(self, level):
        """The layers of one hidden layer; skips go from one to the next."""
        skips, rate = self.skip_connections and level > 1, self._dropout[level]
        yield self._dense(level)
        if self.normalization:
            yield Layer(NORMALIZATIONS[self.normalization], level, level)
        yield from self._activation(level, bool(rate) or skips)
        if rate:
            yield Layer(DROPOUT, level, level, rate)
        if skips:
            same = self.units[level - 1] == self.units[level]
            yield Layer(SKIP if same else PROJECTION, level - 1, level)

    def _activation(self, level, is_changed):
        """The layers that make an activation; ``is_changed``: others follow."""
        formula = self.activations[level - 1]
        half = self.units[level] // 2
        if formula and self.monotonic and half:
            yield Layer(REFLECTION, level, level, n_units=half)
            yield Layer(kind_of(formula, True), level, level, formula.setting)
            yield Layer(REFLECTION, level, level, n_units=half)
        elif formula:
            kind = kind_of(formula, is_changed)
            yield Layer(kind, level, level, formula.setting)


class Layers:
    """The layers of an architecture, laid out for one dtype: their kinds, their table.

    The table still lacks the addresses of the pieces, which a plan fills in.
    """

    def __init__(self, architecture, dtype):
        self.architecture, self.dtype = architecture, np.dtype(dtype)
        self.kinds, below, above, settings, n_units = zip(*architecture.layers())
        self.levels = np.array(above)
        self.table = np.zeros(len(self.kinds), LAYER)
        self.table["setting"], self.table["key"] = settings, np.arange(len(settings))
        self._place_units(list(below), list(above), n_units)
        self._place_parameters()
        self._connect()

    def _place_units(self, below, above, n_units):
        """Rows of a block of units; each level has one more, of ones."""
        table, units = self.table, np.array(self.architecture.units)
        rows = np.array([padded(n + 1, self.dtype) for n in units])
        rows[0] *= not self.architecture.sparse_input
        levels = starts(rows)
        table["fan_in"] = units[below]
        table["fan_out"] = [n or units[level] for n, level in zip(n_units, above)]
        table["inputs"], table["outputs"] = levels[below], levels[above]
        self.n_units = int(rows.sum())
        self.rows_of_ones = (levels + units)[rows > 0]
        kept = [
            fan_out + kind.kept_rows if kind.kept_rows is not None else 0
            for kind, fan_out in zip(self.kinds, table["fan_out"])
        ]
        table["kept"], self.n_kept = starts(kept), int(sum(kept))

    def _place_parameters(self):
        """Places in the flat vector; a row of parameters has one for each output."""
        table = self.table
        table["columns"] = [padded(n, self.dtype) for n in table["fan_out"]]
        table["stride"] = [row_stride(n, self.dtype) for n in table["fan_out"]]
        n_rows = np.zeros(len(table), np.int64)
        for i, layer in enumerate(table):
            for part, rows in self.parts(i):
                n_rows[i] += rows
                layer["rows"] += rows * part.is_trained
                layer["penalized"] += rows * part.is_penalized
        sizes = n_rows * table["stride"]
        table["weights"], self.n_params = starts(sizes), int(sizes.sum())
        table["strips"] = starts(-(-table["rows"] // STRIP))
        self.n_strips = int((-(-table["rows"] // STRIP)).sum())
        # what is read from all samples at once is not read again for each panel
        is_sparse = [kind is SPARSE for kind in self.kinds]
        table["panel"] = np.where(is_sparse, table["rows"], PANEL)

    def _connect(self):
        """Which deltas are wanted, added up, and turned."""
        table = self.table
        table["wants_deltas"] = np.cumsum(table["rows"]) > table["rows"]
        for i, kind in enumerate(self.kinds):
            if kind in (SKIP, PROJECTION):
                ends = table[["inputs", "outputs"]]
                table["adds_deltas"][:i] |= ends[:i] == ends[i]
        is_product = [kind in (DENSE, SPARSE, PROJECTION) for kind in self.kinds]
        strides = table["stride"] * is_product
        table["turned"], self.n_turned = starts(strides), int(strides.sum())

    def parts(self, i):
        """The parts of a layer's parameters, and how many rows each has."""
        fan_in = int(self.table["fan_in"][i])
        for part in self.kinds[i].parts:
            yield part, fan_in if part.rows is None else part.rows
