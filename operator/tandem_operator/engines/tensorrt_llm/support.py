"""What of TensorRT-LLM was checked; nothing of it was run, for want of a GPU."""

from tandem_operator.api.spec import EngineServer
from tandem_operator.engines.interface.support import Support
from tandem_operator.engines.tensorrt_llm.methods import METHODS
from tandem_runtime.contract.engines.tensorrt_llm import OLDEST

_OLDEST = ".".join(map(str, OLDEST))
_CHECKED = "rendered, and checked against the fields that it publishes"
_VERSIONS = {
    f"TensorRT-LLM {_OLDEST} and later, its release candidates too": (
        "rendered, K fixed from the start of a pod; not run"
    ),
}
SUPPORT = {
    EngineServer.NATIVE: Support(
        versions={**_VERSIONS, f"before {_OLDEST}": "refused"},
        methods=dict.fromkeys(METHODS, _CHECKED),
    ),
    EngineServer.TRITON: Support(
        versions=_VERSIONS,
        methods=dict.fromkeys(METHODS, _CHECKED),
        server=EngineServer.TRITON,
    ),
}
