"""Training samples: places of the domain whose side is known."""

from .domain import DOMAINS as DOMAINS
from .domain import Domain as Domain
from .evidence import Evidence as Evidence
from .evidence import closed_evidence as closed_evidence
from .evidence import wrapped_evidence as wrapped_evidence
from .kind import COHERENT as COHERENT
from .kind import SURFACES as SURFACES
from .kind import Gathered as Gathered
from .kind import gather_evidence as gather_evidence
from .walk import newton_raphson_walk as newton_raphson_walk
