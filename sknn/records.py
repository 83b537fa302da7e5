"""The records that kernels read: the layers, the plan of a call, the threads' own.

All are tables of numbers: sizes, places in a buffer, addresses.
"""

import numpy as np

# What a pointer points to, for `_llvm.pointer`.
INT32, INT64, FLOAT64 = np.int32(0), np.int64(0), np.float64(0)

# A layer is one operation on the units: a product, an activation, a normalisation...
LAYER_SIZES = [
    "fan_in",
    "fan_out",
    "inputs",  # rows before its inputs in a block of units
    "outputs",
    "deltas",  # rows before those of its outputs in a block of deltas
    "kept",  # rows before what it keeps for the way back
    "params",  # where its parameters start in params, row after row
    "stride",  # from one of these rows to the next
    "width",  # numbers in a row of its parameters
    "columns",  # these in whole vectors
    "rows",  # how many of them are trained
    "penalized",  # how many of these are weights, which penalties are for
    "panel",  # how many are stepped as soon as their gradient is there
    "panel_start",  # where their gradients lie then
    "strips",  # strips of rows of the layers before this one
    "turned",  # columns of `turned` before those of its deltas
    "takes_dots",  # whether its gradient is made of dot products instead
    "wants_deltas",  # whether anything before it is trained
    "adds_deltas",  # whether its inputs have deltas from a skip connection already
    "key",  # of its random numbers
    "weight_rates",  # which of the rates of a step the weights take
    "rates",  # and the other parameters
    "epilogue",  # what its product does to sums as it writes them
    "gate",  # rows before the units whose zeros gate the deltas that it writes
    "first_of_band",  # of the layer's outputs, where a record is for some of them
]
# Of a record on one of the ways, what is called for it; of a layer's own record.
LAYER_PIECES = ["piece", "gradients"]
LAYER = np.dtype(
    [(name, np.int64) for name in [*LAYER_SIZES, *LAYER_PIECES]]
    + [("setting", np.float64)]
)


# The dtype of what an address is of; None is the one that is computed in.
ADDRESSES = {
    "params": None,
    "dense": None,
    "values": None,
    "columns": np.dtype(np.int32),
    "row_starts": np.dtype(np.int64),
    "targets": None,
    "weights": None,
    # numbers of the samples, one minibatch after the other
    "order": np.dtype(np.int64),
    "outputs": None,
    "classes": np.dtype(np.int64),  # of the samples by number, instead of outputs
    "losses": None,  # of the samples of a minibatch
    "penalties": np.dtype(np.float64),  # of each strip of weights, over the epoch
    "norms": np.dtype(np.float64),  # of each strip of gradients, squared
    "grads": None,
    "moments": None,
    "signs": None,  # of the weights that may have but one
    "average": None,  # of the parameters over the steps
    "settings": np.dtype(np.float64),
    "rates": np.dtype(np.float64),  # of each step, ``n_groups`` times ``n_rates``
    "shrinkages": np.dtype(np.float64),  # of the weights in each step, by group
    "intensities": np.dtype(np.float64),  # of dropout in each step
    "shares": np.dtype(np.float64),  # of the parameters in the average
    "loss_settings": np.dtype(np.float64),
    "counters": np.dtype(np.int64),  # of a team
    # how many epochs are finished; of each, the mean loss, the mean penalty, which
    # are sums until then
    "results": np.dtype(np.float64),
}
SIZES = [
    "n_layers",
    "end_of_forward",  # the records behind those of the layers: the way forward,
    "end_of_back",  # and the way back
    "n_samples",
    "n_epochs",  # in one call
    "n_steps",  # of each
    "order_stride",  # from the first sample of an epoch to that of the next
    "first_step",  # the first of them, among those that there are rates for
    "batch_size",
    "n_features",
    "n_targets",
    "n_outputs",
    "n_params",
    "panels_size",
    "n_rates",
    "n_groups",
    "n_strips",
    "n_members",
    "n_blocks",
    "block_rows",
    "chunk_rows",
    "stride",
    "last",  # rows before the outputs of the last layer
    "seed",
]
PIECES = [
    "product",
    "dot_products",
    "transpose",
    "link",
    "train_blocks",
    "loss",
    "gradients_and_steps",
    "end_epoch",
    "note",  # penalties, and norms of gradients
    "step",
    "clip",
    "prepare",  # what a step does before the update
    "update",
    "finish",  # and after it
]
FLAGS = [
    "has_weights",
    "sums_chunks",
    "keeps_grads",
    "in_order",  # whether the samples seem to lie one behind the other in X
]
REALS = ["alpha", "l1", "max_norm"]
PLAN = np.dtype(  # eight bytes each
    [(name, np.int64) for name in [*ADDRESSES, *SIZES, *PIECES, *FLAGS]]
    + [(name, np.float64) for name in REALS]
)
# What each of the blocks that are trained on at once has to itself.
BLOCK_ADDRESSES = [
    "units",
    "deltas",
    "kept",
    "turned",
    "targets",
    "weights",
    "packed",  # scratch of a product
    "grads",  # its own, where they are summed afterwards
    "trace",  # one number: 0, or NaN once an input of a prediction is not finite
    # a sparse X by columns: where each starts, the samples in it, and the values
    "column_starts",
    "column_rows",
    "column_values",
]
BLOCK = np.dtype([(name, np.int64) for name in BLOCK_ADDRESSES])
