"""The ways of a block through the layers: whose piece is called next, for which units.

A *band* is some of the units of a level: as many as stay in the first-level cache while
one piece after the other does its work on them.  On the way there a band is weighted
sums, then outputs; on the way back it is deltas of outputs, then of sums, then turned.
A layer's record for a band is that of a layer of fewer units, so no piece knows of it.
"""

from itertools import groupby
from typing import NamedTuple

import numpy as np

from ._jit import Piece
from .params import padded
from .records import LAYER

# A band has whole vectors of units, in about so many bytes.  The units below them that
# they are sums of, or the deltas above, must find room beside them.
BYTES_OF_A_BAND, BYTES_BESIDE = 16 * 1024, 40_000


class Step(NamedTuple):
    """A piece of a layer, by number, and for which units, if they can go in bands."""

    layer: int
    piece: Piece
    units: tuple = ()  # "inputs" or "outputs" of the layer, the first, how many
    n_summed: int = 0  # units above or below that each of these is a sum of


def way_forward(table, kinds, pieces):
    """The steps of a block of samples, from the input to the sums of the outputs."""
    inputs, outputs = _ends(table)
    for i, (kind, piece) in enumerate(zip(kinds, pieces)):
        if piece and kind.is_product:
            yield Step(i, piece, outputs[i], inputs[i][-1] + 1)
        elif piece:
            yield Step(i, piece, outputs[i] if kind.by_unit else ())


def way_back(table, kinds, sums_chunks):
    """The steps of its deltas; ``sums_chunks``: they make gradients on their way."""
    inputs, outputs = _ends(table)
    takes_dots, wanted = table["takes_dots"].tolist(), table["wants_deltas"].tolist()
    for i, kind in reversed(list(enumerate(kinds))):
        if kind.turn and not takes_dots[i]:
            yield Step(i, kind.turn, outputs[i])
        if kind.chunk_gradients and sums_chunks:
            yield Step(i, kind.chunk_gradients)
        if kind.backward and not kind.is_product:
            yield Step(i, kind.backward, outputs[i] if kind.by_unit else ())
        elif kind.backward and wanted[i]:
            yield Step(i, kind.backward, inputs[i], outputs[i][-1])


def _ends(table):
    """The inputs of each layer, and the outputs: which of both, the first, how many."""
    for name, size in ("inputs", "fan_in"), ("outputs", "fan_out"):
        firsts, sizes = table[name].tolist(), table[size].tolist()
        yield [(name, *place) for place in zip(firsts, sizes)]


def records_of(steps, table, dtype):
    """The table of a way: a record for each call, in their order."""
    steps = list(steps)
    records = table[[step.layer for step in steps]]
    records["piece"] = [step.piece.address(dtype) for step in steps]
    return records


def joined(*tables):
    """One table after the other; of records NumPy takes fifty times as long."""
    numbers = [table.view(np.int64) for table in tables]
    return np.concatenate(numbers).view(LAYER)


def records_in_bands(steps, table, dtype, stride):
    """The same, in bands where that pays: all steps for some units, then for others."""
    calls = []
    for units, run in groupby(steps, key=lambda step: step.units[1:]):
        run = list(run)
        bands = _bands(run, units[-1], dtype, stride) if len(run) > 1 and units else ()
        calls += [(step, *band) for band in bands or [(0, 0)] for step in run]
    records = records_of([step for step, *_ in calls], table, dtype)
    if len(calls) > len({step for step, *_ in calls}):
        _narrow(records, calls)
    return records


def _bands(run, n_units, dtype, stride):
    """The first unit and the number of units of each band; none if one is enough."""
    n_bytes, lanes = stride * dtype.itemsize, padded(1, dtype)
    n_vectors = -(-n_units // lanes)
    n_bands = min(-(-n_units * n_bytes // BYTES_OF_A_BAND), n_vectors)
    is_shallow = max(step.n_summed for step in run) * n_bytes <= BYTES_BESIDE
    if n_bands == 1 or not is_shallow:
        return ()
    ends = [n_vectors * i // n_bands * lanes for i in range(n_bands)] + [n_units]
    return [(start, stop - start) for start, stop in zip(ends, ends[1:])]


def _narrow(records, calls):
    """Make records ones of layers with so many units, if not 0, from some unit on."""
    steps, firsts, sizes = zip(*calls)
    firsts, sizes = np.array(firsts), np.array(sizes)
    of_inputs = np.array([step.units[:1] == ("inputs",) for step in steps])
    of_sums = np.array([step.n_summed > 0 for step in steps])
    of_outputs = np.where(of_inputs, 0, firsts)
    records["outputs"] += of_outputs
    records["kept"] += of_outputs
    records["first_unit"] = of_outputs
    # where no sums are made, an output has one input of its own
    records["inputs"] += np.where(of_sums & ~of_inputs, 0, firsts)
    records["weights"] += np.where(of_inputs, firsts * records["stride"], firsts)
    for name, is_cut in ("fan_in", of_inputs), ("fan_out", ~of_inputs):
        records[name] = np.where(is_cut & (sizes > 0), sizes, records[name])
