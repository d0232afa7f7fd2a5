"""`python -m sdfshape` is the command line."""

from .cli import run

run()
