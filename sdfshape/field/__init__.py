"""The signed distance field: evaluate, query with guarantees, save and load."""

from .files import load_field as load_field
from .files import save_field as save_field
from .signed_distance import SignedDistanceField as SignedDistanceField
