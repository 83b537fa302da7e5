"""The records that kernels read: the layers, the plan of a call, the threads' own.

All are tables of whole numbers: sizes, places in a buffer, addresses.
"""

import numpy as np

# What a pointer points to, for `_llvm.pointer`.
INT32, INT64, FLOAT64 = np.int32(0), np.int64(0), np.float64(0)

LAYER = np.dtype(
    [
        ("fan_in", np.int64),
        ("fan_out", np.int64),
        ("weights", np.int64),  # where W starts in params
        ("stride", np.int64),  # from one row of W to the next
        ("columns", np.int64),  # fan_out in whole vectors
        ("inputs", np.int64),  # rows before the inputs in a block of units
        ("outputs", np.int64),
        ("strides", np.int64),  # of the layers before this one, in sum
        ("activation", np.int64),  # addresses of its pieces, for a plan to fill in
        ("slope", np.int64),
    ]
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
    "order": np.dtype(
        np.int64
    ),  # numbers of the samples, one minibatch after the other
    "outputs": None,
    "losses": None,  # of the samples of a minibatch
    "penalties": np.dtype(
        np.float64
    ),  # of each strip of weights: the sum of their squares
    "grads": None,
    "moments": None,
    "settings": np.dtype(np.float64),
    "rates": np.dtype(np.float64),  # of each step
    "loss_settings": np.dtype(np.float64),
    "arrivals": np.dtype(np.int64),
}
SIZES = ["n_samples", "n_steps", "batch_size", "n_features", "n_targets", "n_outputs"]
SIZES += [
    "n_params",
    "n_strips",
    "n_members",
    "n_blocks",
    "block_rows",
    "chunk_rows",
    "stride",
    "strip_stride",
]
PIECES = ["product", "transpose", "link", "loss", "update"]
PIECES += ["sparse_forward", "sparse_gradients"]
FLAGS = ["is_sparse", "has_weights", "sums_chunks"]
PLAN = np.dtype(
    [(name, np.int64) for name in [*ADDRESSES, *SIZES, *PIECES, *FLAGS]]
    + [("alpha", np.float64)]
)
# What each of the blocks that are trained on at once has to itself.
BLOCK_ADDRESSES = [
    "units",
    "deltas",
    "turned",
    "targets",
    "weights",
    "strip",  # a few samples, each followed by a one
    "packed",  # scratch of a product
    "grads",  # where ``sums_chunks``
]
BLOCK = np.dtype([(name, np.int64) for name in BLOCK_ADDRESSES])
