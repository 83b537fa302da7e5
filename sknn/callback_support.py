"""What stands between the loop of a fit and the callbacks set on its estimator.

The loop calls one function per epoch; here that becomes the tasks, contexts and hooks
of scikit-learn's callback protocol.
"""

from functools import partial

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn < 1.9
    from .old_callbacks import CallbackSupportMixin, with_callbacks

__all__ = ["CallbackSupportMixin", "Reporter", "reporter_of", "with_callbacks"]


def reporter_of(estimator, X, y, sample_weight):
    """A `Reporter` of the fit that begins, or None if no callbacks are set."""
    if not getattr(estimator, "_skl_callbacks", None):
        return None
    return Reporter(estimator, X, y, sample_weight)


class Reporter:
    """Calls the hooks of a fit: of the whole, and of each epoch.

    ``X``, ``y`` and ``sample_weight`` are those of the user, so that a callback may
    give them to ``predict`` and ``score``.
    """

    def __init__(self, estimator, X, y, sample_weight):
        weights = None if sample_weight is None else {"sample_weight": sample_weight}
        self._values = {"estimator": estimator, "X": X, "y": y, "metadata": weights}
        self._max_epochs, self._n_epochs = estimator.max_iter, 0
        self._fit = estimator._init_callback_context(max_subtasks=self._max_epochs)
        self._epoch = None

    def begin(self, attributes, params):
        """Begin the fit and its first epoch.

        ``attributes`` is a function of the flat parameters: the fitted attributes of
        an estimator that stops with them.
        """
        self._attributes = attributes
        self._fit.call_on_fit_task_begin(**self._values)
        self._begin_epoch(params)

    def _begin_epoch(self, params):
        self._n_epochs += 1
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._told(params))

    def end_epoch(self, params, is_last=False):
        """End an epoch and begin the next; True if a callback asks to stop."""
        epoch, self._epoch = self._epoch, None
        stop = epoch.call_on_fit_task_end(**self._told(params))
        if not (stop or is_last or self._n_epochs == self._max_epochs):
            self._begin_epoch(params)
        return stop

    def end(self):
        """End the fit, after its attributes are set."""
        if self._epoch is not None:
            # L-BFGS does not tell which iteration is its last: this one never ran.
            self._epoch.call_on_fit_task_end(**self._values)
        self._fit.call_on_fit_task_end(**self._values, reconstruction_attributes={})

    def _told(self, params):
        attributes = partial(self._attributes, params)
        return self._values | {"reconstruction_attributes": attributes}
