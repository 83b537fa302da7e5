"""What each feature of the training toolbox costs: its time over that of a plain fit.

    python benchmarks/bench_toolbox.py --dtypes float32 --markdown out.md

All fits of a dtype are interleaved; of each the median counts.
"""

import warnings
from pathlib import Path
from statistics import median

import environment
import harness

FEATURES = {
    "plain": {},
    "dropout": {"dropout": 0.2},
    "input_noise": {"input_noise": 0.1},
    "batch normalization": {"normalization": "batch"},
    "layer normalization": {"normalization": "layer"},
    "skip_connections": {"skip_connections": True},
    "monotonic_cst": {"monotonic_cst": [1] + [0] * 23},
    "l1": {"l1": 1e-4},
    "weight_decay": {"weight_decay": 0.01},
    "max_grad_norm": {"max_grad_norm": 1.0},
    "averaging": {"averaging": "ema"},
    "schedule": {"learning_rate": "cosine"},
    "periodic": {"numerical_embedding": "periodic"},
    "piecewise_linear": {"numerical_embedding": "piecewise_linear"},
    "categorical_features": {"categorical_features": [23]},
    "input_scaling": {"input_scaling": True},
    "parametric_activation": {"parametric_activation": True},
    "learning_rate_factors": {"learning_rate_factors": {"coefs": "ntk"}},
    "regularization_schedule": {"dropout": 0.2, "regularization_schedule": "flat_cos"},
    "data_driven": {"init": "data_driven"},
    "label_smoothing": {"label_smoothing": 0.1},
    "class_weight": {"class_weight": "balanced"},
    **{
        f"activation {name}": {"activation": name}
        for name in ("leaky_relu", "elu", "gelu", "silu", "mish", "softplus", "tanh")
    },
    **{
        f"solver {name}": {"solver": name}
        for name in ("sgd", "adamw", "nadam", "rmsprop", "adagrad", "lion")
    },
}


def main():
    arguments = harness.parser(__doc__.splitlines()[0]).parse_args()
    environment.prepare(arguments.threads)
    columns = {dtype: costs(dtype, arguments) for dtype in arguments.dtypes}
    lines = [["feature", *arguments.dtypes], ["---"] + ["---:"] * len(columns)]
    for feature in FEATURES:
        lines.append([feature, *(column[feature] for column in columns.values())])
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    print(text)
    if arguments.markdown:
        Path(arguments.markdown).write_text(f"{text}\n")


def costs(dtype, arguments):
    """Each feature's time over the plain one's; for that, milliseconds per epoch."""
    import numpy as np

    from sknn import MLPClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(500 if arguments.smoke else 10_000, 24)).astype(dtype)
    X[:, -1] = rng.integers(0, 20, len(X))  # codes, for categorical_features
    y = (X[:, 0] + X[:, 1] ** 2 > 1).astype(int)
    shape = {"hidden_layer_sizes": (64, 64), "batch_size": 128, "random_state": 0}
    epochs = 1 if arguments.smoke else 4
    nets = {
        name: MLPClassifier(**shape | {"max_iter": epochs, "n_jobs": arguments.threads})
        for name in FEATURES
    }
    for name, feature in FEATURES.items():
        nets[name].set_params(**feature)
    actions = {name: (lambda net=net: net.fit(X, y)) for name, net in nets.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ConvergenceWarning, on purpose
        harness.warm_up(actions)
        seconds = harness.interleave(actions, arguments.rounds)
    plain = median(seconds["plain"])
    ratios = {name: f"{median(times) / plain:.2f}" for name, times in seconds.items()}
    return ratios | {"plain": f"{plain / epochs * 1e3:.3g} ms per epoch"}


if __name__ == "__main__":
    main()
