"""1-Lipschitz networks and their certificate, in any dimension."""

from .activations import ACTIVATIONS as ACTIVATIONS
from .boxes import Boxes as Boxes
from .boxes import split_boxes as split_boxes
from .certificate import certify as certify
from .certificate import lipschitz_bound as lipschitz_bound
from .certificate import pair_bound as pair_bound
from .certificate import rounding_bound as rounding_bound
from .discs import DiscLayers as DiscLayers
from .images import ImageLayers as ImageLayers
from .kept import kept as kept
from .layers import Layers as Layers
