"""The signed distance field: evaluate, query with guarantees, combine, save and load."""

from .certified import CertifiedField as CertifiedField
from .certified import require_certified as require_certified
from .combined import difference as difference
from .combined import intersection as intersection
from .combined import union as union
from .files import load_field as load_field
from .files import save_field as save_field
from .signed_distance import SignedDistanceField as SignedDistanceField
from .solids import Box as Box
from .solids import Sphere as Sphere
