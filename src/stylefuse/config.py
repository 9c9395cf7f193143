"""`params.yaml` as typed, validated objects: the only place where a parameter is described.

`load_params` reads the file and reports everything that is wrong with it in one error.
"""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stylefuse.errors import UserError

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]

Domain = Literal["photograph", "painting"]
Split = Literal["train", "validation", "test"]


class Section(BaseModel):
    """A part of `params.yaml`; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Source(Section):
    """Where pictures of one domain come from."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    domain: Domain
    kind: Literal["apt", "pypi", "folder", "url"]
    packages: list[str] = []  # apt: name=version, pypi: name==version
    path: Path | None = None  # folder
    url: str | None = None  # url: a picture, or a zip or tar archive of pictures
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    pick: list[str] = ["*"]  # patterns of paths inside; `*` matches `/` too
    curated: Path | None = None  # a text file, one member path per line, instead of `pick`
    author: str | None = None  # for pictures whose source says nothing about them
    licence: str | None = None

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "Source":
        needs = {"apt": "packages", "pypi": "packages", "folder": "path", "url": "url"}[self.kind]
        if not getattr(self, needs):
            raise ValueError(f"a source of kind {self.kind!r} needs {needs!r}")
        if self.kind == "url" and not self.sha256:
            raise ValueError("a source of kind 'url' needs 'sha256'")
        return self


class Network(Section):
    """A published network that evaluation uses: one member of a wheel, by checksum."""

    package: str  # name==version on the Python package index
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]  # of the wheel


class Splits(Section):
    """Shares of each source's pictures; the rest trains."""

    validation: Share
    test: Share

    @model_validator(mode="after")
    def _leaves_some_to_train(self) -> "Splits":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave nothing to train on")
        return self


class Data(Section):
    sources: Annotated[list[Source], Field(min_length=1)]
    networks: dict[str, Network]
    splits: Splits
    near_duplicate_bits: Annotated[int, Field(ge=0, le=64)]  # Hamming distance of 64-bit hashes


class Validation(Section):
    min_pictures: Count  # per domain
    min_test_pictures: Count  # per domain
    min_side: Count  # pixels
    max_side: Count
    modes: list[str]  # Pillow modes that may be in the set
    luminance: tuple[NotNegative, Annotated[float, Field(le=255)]]  # range of a picture's mean
    min_luminance_deviation: NotNegative  # flat pictures teach nothing
    max_domain_share: Share  # of all pictures, for balance
    licences: list[str]  # allowed licences, as regular expressions that match the whole text


class Prepare(Section):
    side: Annotated[int, Field(ge=32, le=2048)]  # of the square arrays, pixels
    tiles_per_picture: Count  # at most; squares spread along the picture's longer side


class Train(Section):
    """One training run of the transfer model. The clock is in thousands of pictures (kimg)."""

    crop: Annotated[int, Field(ge=32)]  # side of a training crop, a multiple of 8
    batch: Annotated[int, Field(ge=2)]
    kimg: Positive  # photographs shown to the generator, in thousands
    # networks
    width: Count  # channels at full resolution
    blocks: Count  # residual blocks at the lowest resolution
    code: Count  # learned numbers in a style code, beside its six colour moments
    discriminator_width: Count
    # optimisation
    learning_rate: Positive  # at the start; falls to 0 along a cosine
    discriminator_learning_rate: Positive
    beta_1: Share
    beta_2: Share
    ema_kimg: Positive  # half-life of the averaged weights
    # objective
    reconstruction: NotNegative  # weights beside the adversarial loss
    content: NotNegative
    r1: NotNegative  # gamma of the gradient penalty
    r1_interval: Count  # steps from one penalty to the next
    # what is kept along the way
    tick_kimg: Positive  # from one row of metrics to the next
    sample_kimg: Positive  # from one sample grid and checkpoint to the next, in whole ticks


class Profile(Section):
    prepare: Prepare
    train: Train

    @model_validator(mode="after")
    def _crop_fits(self) -> "Profile":
        if self.train.crop > self.prepare.side:
            raise ValueError("train.crop is larger than prepare.side")
        if self.train.crop % 8:
            raise ValueError("train.crop must be a multiple of 8")
        return self


class Evaluate(Section):
    size: Annotated[int, Field(ge=64)]  # side of the judged pictures, pixels
    photographs: Count  # held-out photographs, at most
    styles_per_photograph: Count
    reference_crops: Count  # per held-out painting, for FID and KID
    kid_subset: Annotated[int, Field(ge=2)]
    kid_subsets: Count


class Registry(Section):
    tracking_uri: str  # sqlite:///…, postgresql://…, http://…
    artifact_root: Path | None  # where a local store keeps files
    experiment: str


class Serve(Section):
    max_pixels: Count  # of one picture, before it is decoded
    max_side: Count  # of an output
    max_batch: Count  # pictures in one request


class Params(Section):
    """The whole of `params.yaml`."""

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    profile: str
    profiles: dict[str, Profile]
    data: Data
    validation: Validation
    evaluate: Evaluate
    registry: Registry
    serve: Serve

    @model_validator(mode="after")
    def _profile_exists(self) -> "Params":
        if self.profile not in self.profiles:
            raise ValueError(f"profile {self.profile!r} is none of {sorted(self.profiles)}")
        return self

    @property
    def active(self) -> Profile:
        """The chosen profile."""
        return self.profiles[self.profile]


def load_params(path: str | Path = "params.yaml") -> Params:
    """Read and check a parameter file.

    Raises:
        UserError: the file is missing, is no YAML, or holds wrong keys or values (all are listed).
    """
    path = Path(path)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is not here; run the command in the project's folder") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no valid YAML: {' '.join(str(error).split())}") from None
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        wrong = [
            f"  {'.'.join(map(str, e['loc'])) or 'the file'}: {_plain(e)}" for e in error.errors()
        ]
        raise UserError(f"{path} is wrong in {len(wrong)} place(s):\n" + "\n".join(wrong)) from None


def _plain(error) -> str:
    """A pydantic error as a phrase, with the value that caused it where that helps."""
    if error["type"] == "extra_forbidden":
        return "no such key"
    if error["type"] == "missing":
        return "is missing"
    message = error["msg"].removeprefix("Value error, ")
    value = error["input"]
    return f"{message} (is {value!r})" if isinstance(value, str | int | float) else message
