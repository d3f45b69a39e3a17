"""`spec` of the resource, one noun a file; `Spec.model_validate(raw["spec"])` parses it."""

from tandem_operator.api.spec.accelerator import (
    NO_ACCELERATOR,
    Accelerator,
    ModelCache,
    Parallelism,
)
from tandem_operator.api.spec.engine import (
    Engine,
    EngineServer,
    EngineType,
    EnvSource,
    EnvVar,
    ModelRunner,
)
from tandem_operator.api.spec.lock import LockPolicy, TokenizerLock
from tandem_operator.api.spec.model_source import ModelSource, TargetSource, TokenizerSource
from tandem_operator.api.spec.rollout import Rollout
from tandem_operator.api.spec.spec import Spec
from tandem_operator.api.spec.speculation import (
    METHODS_WITH_DRAFT,
    METHODS_WITH_HEAD,
    METHODS_WITH_OPTIONAL_DRAFT,
    ConstrainedOutput,
    LayerSkip,
    Method,
    NGram,
    Speculation,
)
from tandem_operator.api.spec.tuning import (
    Objective,
    OffMode,
    OnDecay,
    Thresholds,
    Tuning,
    TuningMode,
    TuningPolicy,
    TuningSegment,
)

__all__ = [
    "METHODS_WITH_DRAFT",
    "METHODS_WITH_HEAD",
    "METHODS_WITH_OPTIONAL_DRAFT",
    "NO_ACCELERATOR",
    "Accelerator",
    "ConstrainedOutput",
    "Engine",
    "EngineServer",
    "EngineType",
    "EnvSource",
    "EnvVar",
    "LayerSkip",
    "LockPolicy",
    "Method",
    "ModelCache",
    "ModelRunner",
    "ModelSource",
    "NGram",
    "Objective",
    "OffMode",
    "OnDecay",
    "Parallelism",
    "Rollout",
    "Spec",
    "Speculation",
    "TargetSource",
    "Thresholds",
    "TokenizerLock",
    "TokenizerSource",
    "Tuning",
    "TuningMode",
    "TuningPolicy",
    "TuningSegment",
]
