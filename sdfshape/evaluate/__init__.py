"""How good a result is, and the report that says so."""

from .metrics import Comparison as Comparison
from .metrics import compare as compare
from .report import write_report as write_report
