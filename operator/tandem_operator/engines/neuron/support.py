"""What of vLLM on Neuron was run, by version and method."""

from tandem_operator.engines.interface.support import Support
from tandem_operator.engines.neuron.image import OLDEST
from tandem_operator.engines.neuron.methods import METHODS

_OLDEST = ".".join(map(str, OLDEST))
SUPPORT = Support(
    versions={
        f"vLLM {_OLDEST} and later, with AWS's plugin": (
            "rendered; the arguments are read in AWS's documentation, and no chip was at hand"
        ),
        f"before {_OLDEST}": "refused",
    },
    methods=dict.fromkeys(METHODS, "rendered"),
)
