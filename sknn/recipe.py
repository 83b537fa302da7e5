"""What makes a plain network good on tables: a list of settings.

It is that of RealMLP (Holzmüller, Grinsztajn and Steinwart, "Better by default: strong
pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024), with several networks
trained for fewer epochs in place of one for many.
"""

import numpy as np

from .embeddings import PiecewiseLinear

RECIPE = {
    "solver": "adamw",
    "beta_2": 0.95,
    "alpha": 0.0,
    "learning_rate": "coslog4",
    "learning_rate_factors": {
        "coefs": "ntk",
        "intercepts": 0.1,
        "input_scales": 6.0,
        "embeddings": 0.3,
        "activation_weights": 0.1,
    },
    "regularization_schedule": "flat_cos",
    "init": "data_driven",
    "input_scaling": True,
    "parametric_activation": True,
    "activation": "mish",
    "tol": 0.0,
    "n_iter_no_change": np.inf,
    "dtype": "float32",
}

# Of few samples more networks are made, and fewer quantiles.
FEW_SAMPLES = 2_000
# With more numbers than this, pixels say, none is embedded.
MOST_EMBEDDED = 200
# Samples up to which a minibatch has so many.
BATCH_SIZES = {1_024: 64, 8_192: 128, 32_768: 256, 131_072: 512, np.inf: 1_024}


def error_and_loss(score, loss):
    """Which of two epochs is better at classes: their errors, and how sure they are.

    Errors on a small fold are mostly chance; the loss is not, but goes its own way.
    """
    return (1 - score + 0.01) * loss


def minus_score(score, loss):
    """Which of two epochs is better by a score of the user's."""
    return -score


def sizes_for(n_samples, n_numbers):
    """Members, and the embedding, for so many samples and columns of numbers."""
    n_members, n_bins = (8, 32) if n_samples < FEW_SAMPLES else (6, 64)
    return n_members, PiecewiseLinear(n_bins) if n_numbers <= MOST_EMBEDDED else None


def decays(weight_decay):
    """Decays by groups of parameters: the factors of inputs decay like weights."""
    return dict.fromkeys(["coefs", "input_scales"], weight_decay)


def batch_size_for(n_samples):
    """Samples of a minibatch, more where there are more; the last one is nearly full.

    A step from a few samples is as long as one from many, and mostly noise.
    """
    wanted = next(size for most, size in BATCH_SIZES.items() if n_samples <= most)
    return -(-n_samples // max(1, round(n_samples / wanted)))
