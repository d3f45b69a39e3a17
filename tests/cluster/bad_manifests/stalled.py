"""Every manifest that is stored and told why nothing is made of it."""

from __future__ import annotations

from tests.cluster.bad_manifests.arguments import OWNED, SPELLINGS
from tests.cluster.bad_manifests.templates import PAST_THE_LOCK
from tests.cluster.bad_manifests.unable import CANNOT

STALLED = (*SPELLINGS, *OWNED, *PAST_THE_LOCK, *CANNOT)
