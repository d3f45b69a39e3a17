"""What of vLLM was run, by version and method."""

from tandem_operator.api.spec import Method
from tandem_operator.engines.interface.support import Support
from tandem_runtime.contract.engines.vllm_capabilities import LIVE_FROM, OLDEST, READ

_CHECKED = "rendered, and accepted by vLLM's own check"


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


SUPPORT = Support(
    versions={
        _text(LIVE_FROM): "run on a CPU, K live (`tests/e2e`, `tests/engines`)",
        **{_text(each): "read (`make vllm-matrix`), K live; not run" for each in READ[1:]},
        "later": (
            f"accepted and taken for {_text(READ[-1])}; the plugin looks for itself and says so "
            "where it does not fit"
        ),
        f"{_text(OLDEST)} to {_text((LIVE_FROM[0], LIVE_FROM[1] - 1))}": (
            "accepted with K fixed (`tuning.mode: Fixed`); not run"
        ),
        f"before {_text(OLDEST)}": "refused",
    },
    methods={
        Method.DRAFT_MODEL: "run, both model runners",
        Method.EAGLE: "run, both model runners, with a small head (`tests/engines/v2`)",
        Method.EAGLE3: _CHECKED,
        Method.MTP: _CHECKED,
        Method.N_GRAM: "run, both model runners (`tests/engines/v2`, `tests/e2e`)",
        Method.SUFFIX: (
            "run, with arctic-inference in the image (`tests/engines/plugin`, `tests/e2e`)"
        ),
        Method.MEDUSA: f"{_CHECKED}; until vLLM 0.32",
        Method.DFLASH: _CHECKED,
        Method.DSPARK: "rendered",
    },
)
