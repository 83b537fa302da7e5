"""Probabilities that mean what they say: one temperature for all outputs.

The sums of the last layer are divided by the temperature that has the least loss on
samples that a network was not trained on (Guo et al., "On calibration of modern neural
networks", ICML 2017).  Dividing its weights does that, at no cost in prediction.

A few samples that all are classified right would have the smallest temperature there
is.  So its logarithm is believed to be normally distributed, with a deviation of one.
"""

import numpy as np
from scipy.optimize import minimize_scalar

from .params import views

LARGEST = 10.0  # and one over it is the smallest


def temperature(evaluations):
    """The temperature that suits some networks, each on samples of its own."""
    evaluations = [each for each in evaluations if each.weight > 0]
    if not evaluations:
        return 1.0
    sums = [evaluation.sums() for evaluation in evaluations]
    n_samples = sum(evaluation.n_samples for evaluation in evaluations)

    def loss(log_temperature):
        factor = np.exp(-log_temperature)
        losses = [e.loss_of(z * factor) for e, z in zip(evaluations, sums)]
        mean = np.average(losses, weights=[e.weight for e in evaluations])
        return mean + log_temperature**2 / 2 / n_samples

    bounds = -np.log(LARGEST), np.log(LARGEST)
    found = minimize_scalar(loss, bounds=bounds, method="bounded")
    is_better = found.fun < loss(0.0)
    return float(np.exp(found.x)) if is_better else 1.0


def apply_temperature(network, temperature):
    """Divide the sums of the last layer by a temperature."""
    parts = views(network.params, network.layers)
    for name in ("coefs_", "intercepts_"):
        parts[name][-1][...] /= temperature
