"""An architecture says which layers a network has; here it becomes their table."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .activations import kind_of
from .dense import DENSE, FEW_OUTPUTS, INPUT, PROJECTION
from .dropout import DROPOUT, NOISE
from .embedding_layers import EMBEDDINGS, kind_of_embedding
from .embeddings import Embedding
from .layers import Kind
from .monotonic import REFLECTION
from .normalization import NORMALIZATIONS
from .parametric import parametric
from .params import padded, row_stride, starts
from .records import LAYER
from .samples import NEEDS_DENSE
from .scaling import SCALING
from .skips import SKIP
from .sparse import SPARSE
from .team import STRIP

PANEL = 48  # rows that are stepped as soon as their gradient is there
COLUMNS = -1  # the level of the columns of X, where the inputs are made of them


# Fitted attributes that only some networks have.
OPTIONAL_PARTS = {
    part.name
    for kind in (
        PROJECTION,
        SCALING,
        parametric(None),
        *NORMALIZATIONS.values(),
        *(kind_of_embedding(Embedding(name, 1, 2, 1)) for name in EMBEDDINGS),
    )
    for part in kind.parts
}


class Layer(NamedTuple):
    """A layer between two levels: 0 the inputs, 1 the first hidden layer and so on.

    It may be for some units of a level only: for how many, from which one on.
    """

    kind: Kind
    below: int
    above: int
    setting: float = 0.0
    n_inputs: int | None = None
    n_units: int | None = None
    first_input: int = 0
    first_unit: int = 0


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
    embeddings: tuple = ()  # of neighbouring columns of X, from the first to the last
    scales_inputs: bool = False
    is_parametric: bool = False  # whether activations are mixed with the identity

    def __post_init__(self):
        """Refuse what kernels would read or write beyond their arrays."""
        n_inputs = sum(each.n_units for each in self.embeddings)
        if self.embeddings and self.units[0] != n_inputs:
            raise ValueError(
                f"coefs_[0] has {self.units[0]} rows, but X is embedded as {n_inputs} "
                "inputs; there must be one for each."
            )
        if self.sparse_input and (self.embeddings or self.scales_inputs):
            raise ValueError(NEEDS_DENSE)

    def layers(self):
        """All layers, in the order in which samples pass them."""
        yield from self._input()
        for level in range(1, len(self.units) - 1):
            yield from self._hidden(level)
        yield self._dense(len(self.units) - 1)

    @property
    def n_columns(self):
        """Columns of X."""
        return sum(each.n_columns for each in self.embeddings) or self.units[0]

    @property
    def levels(self):
        """The units of each level; the last one is that of the columns, if any."""
        return (*self.units, self.n_columns) if self.embeddings else self.units

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
            embeddings=self.embeddings,
            scales_inputs=self.scales_inputs,
            is_parametric=self.is_parametric,
        )

    @property
    def _dropout(self):
        return self.dropout or (0.0,) * (len(self.units) - 1)

    def _input(self):
        """The layers that make the inputs of the columns of X."""
        if not self.sparse_input:
            level = COLUMNS if self.embeddings else 0
            yield Layer(INPUT, level, level)
        yield from self._embedded()
        if self.noise:
            yield Layer(NOISE, 0, 0, self.noise)
        if self._dropout[0]:
            yield Layer(DROPOUT, 0, 0, self._dropout[0])
        if self.scales_inputs:
            yield Layer(SCALING, 0, 0)

    def _embedded(self):
        column = unit = 0
        for each in self.embeddings:
            kind, sizes = kind_of_embedding(each), (each.n_columns, each.n_units)
            yield Layer(kind, COLUMNS, 0, each.size, *sizes, column, unit)
            column, unit = column + each.n_columns, unit + each.n_units

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
        setting = formula.setting if formula else 0.0
        # one kind of layer for all settings, which are numbers in its table
        formula = formula and formula._replace(setting=0.0)
        if self.is_parametric:
            yield Layer(parametric(formula), level, level, setting)
            return
        half = self.units[level] // 2
        if formula and self.monotonic and half:
            yield Layer(REFLECTION, level, level, n_units=half)
            yield Layer(kind_of(formula, True), level, level, setting)
            yield Layer(REFLECTION, level, level, n_units=half)
        elif formula:
            yield Layer(kind_of(formula, is_changed), level, level, setting)


@lru_cache(maxsize=64)
def layers_of(architecture, dtype):
    """The `Layers` of an architecture, the same for every network that has it.

    To lay them out takes a tenth of what a fit costs before its first epoch.
    """
    return Layers(architecture, dtype)


class Layers:
    """The layers of an architecture, laid out for one dtype: their kinds, their table.

    The table still lacks the addresses of the pieces, which a plan fills in its copy.
    """

    def __init__(self, architecture, dtype):
        self.architecture, self.dtype = architecture, np.dtype(dtype)
        self.kinds, below, above, settings, *places = zip(*architecture.layers())
        self.levels = np.array(above)
        self.table = np.zeros(len(self.kinds), LAYER)
        self.table["setting"] = settings
        # a sparse X is no layer, and leaves out the same units
        self.table["key"] = architecture.sparse_input + np.arange(len(settings))
        self._place_units(list(below), list(above), *places)
        self._place_parameters()
        self._connect()
        self.table.flags.writeable = False

    def _place_units(self, below, above, n_inputs, n_units, first_inputs, first_units):
        """Rows of a block of units; each level has one more, of ones."""
        table, units = self.table, np.array(self.architecture.levels)
        rows = np.array([padded(n + 1, self.dtype) for n in units])
        rows[0] *= not self.architecture.sparse_input
        levels = self.starts_of_levels = starts(rows)
        table["fan_in"] = [n or units[level] for n, level in zip(n_inputs, below)]
        table["fan_out"] = [n or units[level] for n, level in zip(n_units, above)]
        table["inputs"] = levels[below] + first_inputs
        table["outputs"] = table["deltas"] = levels[above] + first_units
        self.n_units = int(rows.sum())
        self.rows_of_ones = (levels + units)[rows > 0]
        kept = [
            kind.kept_of_output * fan_out + kind.kept_rows
            if kind.kept_rows is not None
            else 0
            for kind, fan_out in zip(self.kinds, table["fan_out"])
        ]
        table["kept"], self.n_kept = starts(kept), int(sum(kept))

    def _place_parameters(self):
        """Places in the flat vector; a row of parameters has one for each output."""
        table = self.table
        as_inputs = [kind.has_inputs_width for kind in self.kinds]
        table["width"] = np.where(as_inputs, table["fan_in"], table["fan_out"])
        table["columns"] = [padded(n, self.dtype) for n in table["width"]]
        table["stride"] = [row_stride(n, self.dtype) for n in table["width"]]
        # A projection is the first of its level on the way back: the others change the
        # deltas that its gradient is of, so it needs the copy.
        is_dense = np.array([kind is DENSE for kind in self.kinds])
        takes_dots = is_dense & (table["fan_out"] <= FEW_OUTPUTS)
        table["takes_dots"] = takes_dots
        # Rows of these need no padding, which would be most of what is stepped.  Only
        # those of the first layer have some: a sparse X has multiples of them summed.
        is_close = takes_dots & (self.levels > 1)
        table["stride"][is_close] = table["width"][is_close]
        n_rows = np.zeros(len(table), np.int64)
        for i, layer in enumerate(table):
            for part, rows in self.parts(i):
                n_rows[i] += rows
                layer["rows"] += rows * part.is_trained
                layer["penalized"] += rows * part.is_penalized
        table["params"], self.n_params = self._places(n_rows)
        table["strips"] = starts(-(-table["rows"] // STRIP))
        self.n_strips = int((-(-table["rows"] // STRIP)).sum())
        # what is read from all samples at once is not read again for each panel
        is_sparse = [kind is SPARSE for kind in self.kinds]
        table["panel"] = np.where(is_sparse, table["rows"], PANEL)
        in_a_panel = np.minimum(table["panel"], table["rows"])
        table["panel_start"], self.panels_size = self._places(in_a_panel)

    def _places(self, n_rows):
        """Where so many rows of each layer start, on vectors' boundaries, and end."""
        sizes = n_rows * self.table["stride"]
        sizes = np.array([padded(n, self.dtype) for n in sizes])
        return starts(sizes), int(sizes.sum())

    def _connect(self):
        """Which deltas are wanted, added up, and turned."""
        table = self.table
        table["wants_deltas"] = np.cumsum(table["rows"]) > table["rows"]
        for i, kind in enumerate(self.kinds):
            if kind in (SKIP, PROJECTION):
                ends = table[["inputs", "outputs"]]
                table["adds_deltas"][:i] |= ends[:i] == ends[i]
        has_turned = [kind.turn is not None for kind in self.kinds]
        strides = np.maximum(table["stride"], table["columns"]) * has_turned
        table["turned"], self.n_turned = starts(strides), int(strides.sum())

    def parts(self, i):
        """The parts of a layer's parameters, and how many rows each has."""
        fan_in = int(self.table["fan_in"][i])
        for part in self.kinds[i].parts:
            yield part, fan_in if part.rows is None else part.rows
