"""What of SGLang was run, by version and method."""

from tandem_operator.engines.interface.support import Support
from tandem_operator.engines.sglang.methods import METHODS

SUPPORT = Support(
    versions={
        "0.5.23": (
            "rendered, and accepted by SGLang's own parser and checks (`tests/engines/sglang`); "
            "no server was started"
        ),
        "others": "accepted; neither read nor run",
    },
    methods=dict.fromkeys(METHODS, "rendered, and accepted by SGLang's own checks"),
)
