"""Signed distance classifiers: how far a place is from changing its class, proven. In any dimension."""

from .attack import Attack as Attack
from .attack import nearest_other_class as nearest_other_class
from .minimum_norm import ddn_attack as ddn_attack
from .minimum_norm import penalty_attack as penalty_attack
from .network import SignedDistanceClassifier as SignedDistanceClassifier
from .training import ClassifierConfig as ClassifierConfig
from .training import fit_classifier as fit_classifier
