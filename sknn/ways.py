"""The ways of a block through the layers: whose piece is called next, for which units.

A *band* is some of the units of a level: as many as stay in the first-level cache while
one piece after the other does its work on them.  On the way there a band is weighted
sums, then outputs; on the way back it is deltas of outputs, then of sums, then turned.

A layer's record for a band is that of a layer of fewer units, so no piece knows of it:
whatever can go in bands writes only the units, deltas or turned deltas that its record
says, and reads no others of a level that a piece of the same run writes.

A relu behind a product is no call of its own: the product does it as it writes.  Nor
is its slope, 0 or 1: the product that makes the deltas writes 0 where relu did.

Deltas that are of no use once they are turned lie in the same place in every band, so
that they never leave the first-level cache.
"""

from itertools import groupby
from typing import NamedTuple

import numpy as np

from ._jit import Piece
from ._tile import AS_SUMMED, GATED, RECTIFIED
from .layers import Kind
from .params import padded
from .records import LAYER

# A band has whole vectors of units, in about so many bytes.  The units below them that
# they are sums of, or the deltas above, must find room beside them.
BYTES_OF_A_BAND, BYTES_BESIDE = 16 * 1024, 40_000


class Step(NamedTuple):
    """A piece of a layer, by number, and which of its units can go in bands."""

    layer: int
    piece: Piece
    end: str = ""  # "inputs" or "outputs", if any can
    rows: tuple = ()  # where these are in a block: the first, how many
    n_summed: int = 0  # rows that each is a sum over, that of ones included
    # what a product does as it writes: the relu behind it, or, on the way back, the
    # slopes of the relu before it
    epilogue: int = AS_SUMMED
    is_first_use: bool = False  # it overwrites the deltas of these units
    is_last_use: bool = False  # nobody reads them after it


def way_forward(table, kinds, pieces):
    """The steps of a block of samples, from the input to the sums of the outputs."""
    inputs, outputs = _rows(table)
    around = [*kinds, Kind()]  # before the first and behind the last is nothing
    for i, (kind, piece) in enumerate(zip(kinds, pieces)):
        if not piece or (kind.is_relu and around[i - 1].is_product):
            continue
        if kind.is_product:
            epilogue = RECTIFIED if around[i + 1].is_relu else AS_SUMMED
            yield Step(i, piece, "outputs", outputs[i], inputs[i][1] + 1, epilogue)
        elif kind.by_unit:
            yield Step(i, piece, "outputs", outputs[i])
        else:
            yield Step(i, piece)


def way_back(table, kinds, sums_chunks):
    """The steps of its deltas; ``sums_chunks``: they make gradients on their way."""
    inputs, outputs = _rows(table)
    takes_dots, wanted = table["takes_dots"].tolist(), table["wants_deltas"].tolist()
    adds = table["adds_deltas"].tolist()
    for i, kind in reversed(list(enumerate(kinds))):
        if kind.turn and not takes_dots[i]:
            yield Step(i, kind.turn, "outputs", outputs[i], is_last_use=not wanted[i])
        if kind.chunk_gradients and sums_chunks:
            yield Step(i, kind.chunk_gradients)
        if kind.is_product:
            if wanted[i]:
                epilogue = GATED if kinds[i - 1].is_relu else AS_SUMMED
                sums = inputs[i], outputs[i][1], epilogue
                yield Step(i, kind.backward, "inputs", *sums, is_first_use=not adds[i])
        elif kind.is_relu and kinds[i + 1].is_product:
            continue  # which has gated these deltas
        elif kind.backward and kind.by_unit:
            yield Step(i, kind.backward, "outputs", outputs[i])
        elif kind.backward:
            yield Step(i, kind.backward)


def _rows(table):
    """The rows of each layer's inputs in a block, and those of its outputs."""
    for first, size in ("inputs", "fan_in"), ("outputs", "fan_out"):
        yield list(zip(table[first].tolist(), table[size].tolist()))


def records_of(steps, table, dtype):
    """The table of a way: a record for each call, in their order."""
    steps = list(steps)  # which are read twice
    records = _taken(table, [step.layer for step in steps])
    records["piece"] = [step.piece.address(dtype) for step in steps]
    records["epilogue"] = [step.epilogue for step in steps]
    records["gate"] = records["inputs"]
    return records


def records_in_bands(steps, table, dtype, stride):
    """The same, in bands where that pays: all steps for some units, then for others."""
    steps = list(steps)
    records, calls = records_of(steps, table, dtype), _calls(steps, dtype, stride)
    if len(calls) == len(steps):
        return records
    numbers, firsts, places, sizes = np.array(calls).T
    records = _taken(records, numbers)
    ends = np.array([step.end for step in steps])[numbers]
    is_sum = np.array([step.n_summed > 0 for step in steps])[numbers]
    _narrow(records, firsts, places, sizes, ends, is_sum)
    return records


def _calls(steps, dtype, stride):
    """For each call: its step's number, the first unit, its deltas' place, how many.

    Steps that follow one another on the same units are a run: all of it is called for
    a band before the next one.  A step that is alone, or goes in no bands, is called
    once.  The place is how many rows behind the deltas of the level's first unit.
    """
    calls = []
    for rows, run in groupby(range(len(steps)), key=lambda i: steps[i].rows):
        run = list(run)
        bands = [(0, rows[1] if rows else 0)]
        if rows and len(run) > 1:
            n_summed = max(steps[i].n_summed for i in run)
            bands = _bands(rows[1], n_summed, dtype, stride)
        in_one_place = steps[run[0]].is_first_use and steps[run[-1]].is_last_use
        for first, size in bands:
            # but the last in their own, for the zeros behind them are turned as well
            shares = in_one_place and first + size < rows[1]
            calls += [(i, first, 0 if shares else first, size) for i in run]
    return calls


def _bands(n_units, n_summed, dtype, stride):
    """The first unit and the number of units of each band."""
    n_bytes, lanes = stride * dtype.itemsize, padded(1, dtype)
    n_vectors = -(-n_units // lanes)
    n_bands = min(-(-n_units * n_bytes // BYTES_OF_A_BAND), n_vectors)
    if n_summed * n_bytes > BYTES_BESIDE:
        n_bands = 1
    ends = [n_vectors * i // n_bands * lanes for i in range(n_bands)] + [n_units]
    return [(start, stop - start) for start, stop in zip(ends, ends[1:])]


def _narrow(records, firsts, places, sizes, ends, is_sum):
    """Make records ones of layers with so many units at an end, from some unit on.

    Their deltas lie in their places, behind those of the level's first unit.
    """
    of_inputs, of_outputs = ends == "inputs", ends == "outputs"
    first_outputs = firsts * of_outputs
    records["outputs"] += first_outputs
    records["deltas"] += places * of_outputs
    records["kept"] += first_outputs
    records["first_of_band"] = first_outputs
    # outputs that are no sums have an input of their own; a turn reads no inputs
    records["inputs"] += np.where(of_inputs, places, firsts * ~is_sum)
    records["gate"] += firsts
    records["params"] += np.where(of_inputs, firsts * records["stride"], firsts)
    records["fan_in"] = np.where(of_inputs, sizes, records["fan_in"])
    records["fan_out"] = np.where(of_outputs, sizes, records["fan_out"])


def joined(*tables):
    """One table after the other; of records NumPy takes fifty times as long."""
    return np.concatenate([table.view(np.int64) for table in tables]).view(LAYER)


def _taken(table, numbers):
    """Some records of a table, as numbers for the same reason."""
    width = LAYER.itemsize // 8
    return table.view(np.int64).reshape(-1, width)[numbers].ravel().view(LAYER)
