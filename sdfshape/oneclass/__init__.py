"""The one-class loop on rows of any length: an outlier detector whose score is a certified distance."""

from .detector import OneClassSDF as OneClassSDF
from .field import RowField as RowField
from .files import load_detector as load_detector
from .files import save_detector as save_detector
