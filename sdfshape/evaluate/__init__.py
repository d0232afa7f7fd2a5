"""How good a result is, and the report that says so."""

from .metrics import Comparison as Comparison
from .metrics import compare as compare
from .metrics import sample_surface as sample_surface
from .report import write_report as write_report
