"""What else there is: other ways from points to a surface, behind the same door, to compare with."""

from .budget import Budget as Budget
from .classical import alpha_shape as alpha_shape
from .classical import ball_pivoting as ball_pivoting
from .deep_sdf import AutoDecoder as AutoDecoder
from .deep_sdf import DeepSDFConfig as DeepSDFConfig
from .deep_sdf import fit_deep_sdf as fit_deep_sdf
from .deep_svdd import DeepSVDD as DeepSVDD
from .deep_svdd import DeepSVDDConfig as DeepSVDDConfig
from .deep_svdd import fit_svdd_field as fit_svdd_field
from .implicit import fit_igr as fit_igr
from .implicit import fit_siren as fit_siren
from .implicit import fit_sll as fit_sll
from .novelty import fit_isolation_forest as fit_isolation_forest
from .novelty import fit_one_class_svm as fit_one_class_svm
from .poisson import screened_poisson as screened_poisson
from .score_field import ScoreField as ScoreField
from .score_field import extract_level as extract_level
from .supervision import Supervision as Supervision
from .supervision import supervision_of_cloud as supervision_of_cloud
from .supervision import supervision_of_mesh as supervision_of_mesh
