"""What else there is: other ways from points to a surface, behind the same door, to compare with."""

from .poisson import screened_poisson as screened_poisson
