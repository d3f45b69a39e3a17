"""Decides how many tokens to draft: windows of counters in, a table of K by batch out.

Everything here is pure: frozen values, no clock but `Window.now_s`, no I/O. The control loop, the
simulator and the command line call :func:`tune` and read the values exported below; nothing else of
the room is theirs. How the parts work together is told in ``docs/tuning.md``.
"""

from tandem_operator.tuning.decision import Decision, Prediction
from tandem_operator.tuning.settings import Objective, Settings, Thresholds
from tandem_operator.tuning.state import State
from tandem_operator.tuning.tune import initial_state, tune
from tandem_operator.tuning.window import StepCell, Window

__all__ = [
    "Decision",
    "Objective",
    "Prediction",
    "Settings",
    "State",
    "StepCell",
    "Thresholds",
    "Window",
    "initial_state",
    "tune",
]
