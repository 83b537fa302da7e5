"""Networks that are trained together: an epoch of each at a time, on all cores."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from time import perf_counter

import numpy as np

from .team import ALONE, Team, team_size

PLENTY = 1e12  # of work for each thread


class Members:
    """Fits that go on together, each in one thread.

    With validation samples each of them keeps the parameters of its best epoch, the
    last one among equals: that with the least ``criterion``, a function of validation
    score and loss.  With ``joint`` the mean of these decides for all of them; without a
    criterion all go with their last epoch.
    """

    def __init__(self, fits, n_jobs=None, criterion=None, joint=False):
        self.fits, self._joint, self._criterion = fits, joint, criterion
        self._n_threads = min(len(fits), team_size(n_jobs, PLENTY, PLENTY))
        self._keeps = criterion is not None and all(fit.validation for fit in fits)
        self._least = np.full(len(fits), np.inf)
        self.best_epochs = np.zeros(len(fits), int)
        self.seconds_of_epoch = 0.0  # the last one
        self.kept = [
            fit.network.params.copy() if self._keeps else fit.network.params
            for fit in fits
        ]

    def run(self, report=None, deadline=np.inf):
        """Train until epochs or time run out, or ``report`` returns True.

        After every epoch ``report`` is told what is `kept` of each, and whether it was
        the last.  ``deadline`` is a value of the performance counter.
        """
        n_epochs = self.fits[0].n_epochs
        with ExitStack() as stack:
            pool = stack.enter_context(ThreadPoolExecutor(self._n_threads))
            self._begin(stack)
            try:
                for epoch in range(1, n_epochs + 1):
                    failed = self._run_epoch(pool, epoch)
                    late = perf_counter() + self.seconds_of_epoch > deadline
                    finished = failed or late or epoch == n_epochs
                    if (report and report(self.kept, finished)) or finished:
                        break
            except KeyboardInterrupt:
                warnings.warn("Training interrupted by user.", stacklevel=2)
        for fit, params in zip(self.fits, self.kept):
            fit.network.params[:] = params

    def _begin(self, stack):
        for fit in self.fits:
            is_one = len(self.fits) == 1
            team = stack.enter_context(Team(fit.n_threads())) if is_one else ALONE
            fit.begin(team)

    def _run_epoch(self, pool, epoch):
        """An epoch of each; returns whether one of them has failed."""
        start = perf_counter()
        failed = any(list(pool.map(lambda fit: fit.run_epoch(), self.fits)))
        self.seconds_of_epoch = perf_counter() - start
        if self._keeps:
            self._keep_best(epoch)
        else:
            self.best_epochs[:] = epoch
        return failed

    def _keep_best(self, epoch):
        values = np.array(
            [
                self._criterion(
                    fit.progress.validation_scores[-1],
                    fit.progress.validation_loss_curve[-1],
                )
                for fit in self.fits
            ]
        )
        if self._joint:
            values[:] = values.mean()
        is_best = values <= self._least  # NaN is not
        self._least[is_best] = values[is_best]
        self.best_epochs[is_best] = epoch
        for kept, fit, best in zip(self.kept, self.fits, is_best):
            if best:
                kept[:] = fit.network.params
