"""What of the torch engine in Triton was run."""

from tandem_operator.api.spec import EngineServer, Method
from tandem_operator.engines.interface.support import Support

SUPPORT = Support(
    versions={
        "Triton 2.51": "run on a CPU, K live (`tests/engines/triton`, `tests/e2e/test_triton.py`)"
    },
    methods={
        Method.DRAFT_MODEL: "run",
        Method.N_GRAM: "run",
        Method.LAYER_SKIP: "run, with a target that was not trained for it",
    },
    server=EngineServer.TRITON,
)
