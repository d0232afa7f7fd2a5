"""Training: configuration, the one-class loop, checkpoints."""

from .config import PAPER_POINTS as PAPER_POINTS
from .config import PRESETS as PRESETS
from .config import NetworkConfig as NetworkConfig
from .config import OptimizerConfig as OptimizerConfig
from .config import TrainConfig as TrainConfig
from .config import preset as preset
