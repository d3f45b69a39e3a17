"""Containers, volumes, and paths inside the containers that the operator makes.

Both sides name them from here: the operator when it mounts, the runtime when it reads.
"""

from __future__ import annotations

CONTAINER_MAIN = "main"
CONTAINER_FETCH = "tandem-fetch"
CONTAINER_LOCK = "tandem-lock"
CONTAINER_ACTUATOR = "tandem-actuator"

VOLUME_MODELS = "tandem-models"
VOLUME_PLUGIN = "tandem-plugin"
VOLUME_STATE = "tandem-state"
VOLUME_TABLE = "tandem-table"
VOLUME_SHM = "tandem-shm"

MODELS = "/models"
TARGET = "/models/target"
DRAFT = "/models/draft"
SOURCES = "/sources"
SOURCE_TARGET = "/sources/target"
SOURCE_DRAFT = "/sources/draft"
PLUGIN = "/tandem/plugin"
STATE = "/tandem/state"
TERMINATION_LOG = "/dev/termination-log"
DIGESTS_FILE = "/tandem/state/digests.json"
TABLE = "/tandem/table"
TABLE_KEY = "speculation.json"
TABLE_FILE = "/tandem/table/speculation.json"
SHM = "/dev/shm"  # noqa: S108 (a memory volume of the pod's own)
METRICS = "/dev/shm/tandem"  # noqa: S108
