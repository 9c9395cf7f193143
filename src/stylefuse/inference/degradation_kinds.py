"""The kinds of degradation that the restoration model knows, by name."""

FREQUENT = "blur", "small", "noise", "fading", "sepia", "scratches", "jpeg"
RARE = "grain", "halftone", "cast", "folds", "stains"  # in training half as often
KINDS = (*FREQUENT, *RARE)
COLOURS = "fading", "sepia", "cast"  # all other kinds degrade detail
# The generator's first recogniser knows `FREQUENT`; to it, pictures with other kinds look like
# pictures with these, whose remedies mend them, too.
REMEDIES = {"grain": "noise", "halftone": "noise", "folds": "scratches"}
MENDABLE = (*FREQUENT, *REMEDIES)  # the generator only recognises the others
