"""Networks that are trained together: an epoch of each at a time, on all cores."""

import warnings
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from time import perf_counter

import numpy as np

from .team import Team, team_size

PLENTY = 1e12  # of work for each thread


class Members:
    """Fits that go on together, each in one thread.

    With validation samples each of them keeps the parameters of its best epoch, the
    last one among equals: that with the least ``criterion``, a function of validation
    score and loss.  With ``joint`` the mean of these decides for all of them; without a
    criterion, or where it never is a number, all go with their last epoch.
    """

    def __init__(self, fits, n_jobs=None, criterion=None, joint=False):
        self.fits, self._joint, self._criterion = fits, joint, criterion
        self._n_threads = min(len(fits), team_size(n_jobs, PLENTY, PLENTY))
        self._keeps = criterion is not None and all(fit.validation for fit in fits)
        self._least = np.full(len(fits), np.inf)
        self.best_epochs = np.zeros(len(fits), int)
        self.seconds_of_epoch = 0.0  # the last one
        self.was_interrupted = False
        self.kept = [
            fit.network.params.copy() if self._keeps else fit.network.params
            for fit in fits
        ]

    def run(self, report=None, deadline=np.inf):
        """Train until epochs or time run out, or ``report`` returns True.

        After every epoch ``report`` is told what is `kept` of each, and whether it was
        the last.  ``deadline`` is a value of the performance counter.  An interrupt
        from the keyboard ends the training with the epoch, a second one at once.
        """
        with ExitStack() as stack:
            pool = ThreadPoolExecutor(self._n_threads)
            stack.callback(pool.shutdown, cancel_futures=True)
            self._begin(stack)
            try:
                self._run_epochs(pool, report, deadline)
            except KeyboardInterrupt:
                if self.was_interrupted or not self.best_epochs.all():
                    raise  # the second time, or before there is anything to keep
                self.was_interrupted = True
        if self.was_interrupted:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        for fit, params in zip(self.fits, self.kept):
            fit.network.params[:] = params

    def may_go_on(self, deadline, n_epochs=1):
        """Whether there is time for some more epochs, and no interrupt."""
        in_time = perf_counter() + n_epochs * self.seconds_of_epoch <= deadline
        return in_time and not self.was_interrupted

    def _begin(self, stack):
        for fit in self.fits:
            is_one = len(self.fits) == 1
            team = stack.enter_context(Team(fit.n_threads() if is_one else 1))
            fit.begin(team)

    def _run_epochs(self, pool, report, deadline):
        n_epochs = self.fits[0].n_epochs
        for epoch in range(1, n_epochs + 1):
            failed = self._run_epoch(pool, epoch)
            finished = failed or epoch == n_epochs or not self.may_go_on(deadline)
            if (report and report(self.kept, finished)) or finished:
                return

    def _run_epoch(self, pool, epoch):
        """An epoch of each; returns whether one of them has failed."""
        start = perf_counter()
        epochs = [pool.submit(fit.run_epoch) for fit in self.fits]
        try:
            wait(epochs)
        except KeyboardInterrupt:
            self.was_interrupted = True
            wait(epochs)  # so that all have been trained for as long
        failed = [each.result() for each in epochs]
        self.seconds_of_epoch = perf_counter() - start
        if self._keeps:
            self._keep_best(epoch)
        else:
            self.best_epochs[:] = epoch
        return any(failed)

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
        known = ~np.isnan(values)  # folds may have no weight, or too few classes
        if self._joint and known.any():
            values[:] = values[known].mean()
        values[np.isnan(values)] = np.inf
        is_best = values <= self._least
        self._least[is_best] = values[is_best]
        self.best_epochs[is_best] = epoch
        for kept, fit, best in zip(self.kept, self.fits, is_best):
            if best:
                kept[:] = fit.network.params
