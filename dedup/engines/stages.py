"""All stages by name: what a worker is asked for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from dedup.engines.boilerplate import STAGES_OF_BOILERPLATE
from dedup.engines.clustering import ANSWERING_INSIDE, ASKING_INSIDE, CLUSTERING, INSIDING, MEMBERING
from dedup.engines.components import STAGES_OF_COMPONENTS
from dedup.engines.confirming import ASKING, BRINGING, CONFIRMING
from dedup.engines.consulting import AMONGING, LINKING
from dedup.engines.near import STAGES_OF_NEAR
from dedup.engines.outputs import WRITING
from dedup.engines.proposing import KEYING, NAMING, PAIRING, PROPOSING, STARRING
from dedup.engines.reading import READING
from dedup.engines.results import APARTING, CONFLICTING, JOINING_UP, TELLING, WHERING
from dedup.engines.sketching import SKETCHING
from dedup.engines.stage import Stage
from dedup.engines.subjects import SUBJECTING
from dedup.engines.works import GROUPING, NUMBERING, PLACING, TEXTING, UNIQUES

STAGES: Final[Mapping[str, Stage]] = MappingProxyType(
    {
        stage.name: stage
        for stage in (
            READING,
            SKETCHING,
            UNIQUES,
            GROUPING,
            NUMBERING,
            PLACING,
            TEXTING,
            *STAGES_OF_BOILERPLATE,
            SUBJECTING,
            *STAGES_OF_NEAR,
            KEYING,
            PAIRING,
            NAMING,
            STARRING,
            PROPOSING,
            ASKING,
            *BRINGING,
            CONFIRMING,
            AMONGING,
            LINKING,
            *STAGES_OF_COMPONENTS,
            MEMBERING,
            ASKING_INSIDE,
            ANSWERING_INSIDE,
            INSIDING,
            CLUSTERING,
            WHERING,
            TELLING,
            APARTING,
            CONFLICTING,
            JOINING_UP,
            WRITING,
        )
    }
)
"""In the order in which they are done."""
