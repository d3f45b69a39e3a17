"""What of the torch engine was run."""

from tandem_operator.api.spec import Method
from tandem_operator.engines.interface.support import Support

SUPPORT = Support(
    versions={
        "of this release": (
            "run on a CPU, K live (`tests/engines/torch`, `tests/e2e/test_torch.py`); a GPU is "
            "accepted and was not run"
        )
    },
    methods={
        Method.DRAFT_MODEL: "run",
        Method.N_GRAM: "run",
        Method.LAYER_SKIP: "run, with a target that was not trained for it",
    },
)
