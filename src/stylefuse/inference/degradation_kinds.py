"""The kinds of degradation that the restoration model knows, by name."""

FREQUENT = "blur", "small", "noise", "fading", "sepia", "scratches", "jpeg"
RARE = "grain", "halftone", "cast", "folds", "stains"  # in training half as often
KINDS = (*FREQUENT, *RARE)
COLOURS = "fading", "sepia", "cast"  # all other kinds degrade detail
# The generator's first recogniser knows `FREQUENT`; to it, pictures with other kinds look like
# pictures with these, whose filters mend them, too.
MENDED_AS = {"grain": "noise", "halftone": "noise", "folds": "scratches"}
MENDABLE = (*FREQUENT, *MENDED_AS)  # the generator only recognises the others
