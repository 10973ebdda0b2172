"""Every option, as frozen dataclasses that import nothing heavy, so that `--help` is instant.

The comment-strings under the fields are the help texts of the command line. A preset is a named set of replacements.
"""

from coterie.settings.deep import (
    CENTRAL,
    CHECKING,
    CHECKING_OUTSIDE,
    DEEP_ALGORITHMS,
    DEEP_PRESETS,
    LONGEST_EPISODE,
    MIXED,
    OF_ALGORITHM,
    POLICY_GRADIENT,
    TEAM_REWARDS,
    DeepOptions,
    DeepPreset,
    options_of_algorithm,
    usual_options,
)
from coterie.settings.environments import (
    ClimbingOptions,
    ConventionsOptions,
    DecPomdpOptions,
    DpomdpOptions,
    ForagingOptions,
    MatrixOptions,
    PenaltyOptions,
    ProbeOptions,
    RendezvousOptions,
    TwoByTwoOptions,
)
from coterie.settings.pictures import (
    UNTOUCHED,
    PictureOptions,
    check_pictures,
)
from coterie.settings.tabular import (
    ALGORITHMS,
    POLICIES,
    PRESETS,
    Preset,
    TabularOptions,
)

__all__ = [
    "ALGORITHMS",
    "CENTRAL",
    "CHECKING",
    "CHECKING_OUTSIDE",
    "DEEP_ALGORITHMS",
    "DEEP_PRESETS",
    "LONGEST_EPISODE",
    "MIXED",
    "OF_ALGORITHM",
    "POLICIES",
    "POLICY_GRADIENT",
    "PRESETS",
    "TEAM_REWARDS",
    "UNTOUCHED",
    "ClimbingOptions",
    "ConventionsOptions",
    "DecPomdpOptions",
    "DeepOptions",
    "DeepPreset",
    "DpomdpOptions",
    "ForagingOptions",
    "MatrixOptions",
    "PenaltyOptions",
    "PictureOptions",
    "Preset",
    "ProbeOptions",
    "RendezvousOptions",
    "TabularOptions",
    "TwoByTwoOptions",
    "check_pictures",
    "options_of_algorithm",
    "usual_options",
]
