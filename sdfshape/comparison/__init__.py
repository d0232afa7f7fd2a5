"""Ours beside the others on one scan: each method in a process of its own, one page with numbers and pictures."""

from .methods import METHODS as METHODS
from .methods import Method as Method
from .page import files_of as files_of
from .page import write_page as write_page
from .run import CompareJob as CompareJob
from .run import compare_methods as compare_methods
