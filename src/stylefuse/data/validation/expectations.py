"""The suite of expectations on the ingested pictures."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from stylefuse.config import Split, Validation
from stylefuse.data.validation import defects

NamedExpectation = tuple[str, str, Any]  # name, statement in plain words, gx expectation


def expectations(
    domains: Sequence[str], settings: Validation, total: int
) -> Iterator[NamedExpectation]:
    """The expectations, in the order of the report.

    They are about the manifest with the columns that `defects.add_defects` adds.

    Args:
        domains: that must have pictures.
        settings: the thresholds.
        total: number of pictures in the manifest, the basis of shares.
    """
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    readable = Column("decodes") == True  # noqa: E712
    splits = get_args(Split)

    yield (
        "pictures",
        f"There are at least {settings.min_pictures * len(domains)} pictures.",
        gxe.ExpectTableRowCountToBeBetween(min_value=settings.min_pictures * len(domains)),
    )
    for domain in domains:
        in_domain = Column("domain") == domain
        yield (
            f"{domain}s",
            f"There are at least {settings.min_pictures} {domain}s.",
            gxe.ExpectTableRowCountToBeBetween(
                min_value=settings.min_pictures, row_condition=in_domain
            ),
        )
        for split in splits:
            count = settings.min_test_pictures if split == "test" else 1
            yield (
                f"{domain}s_in_{split}",
                f"The {split} split has at least {count} {domain}{'s' * (count > 1)}.",
                gxe.ExpectTableRowCountToBeBetween(
                    min_value=count, row_condition=in_domain & (Column("split") == split)
                ),
            )
        yield (
            f"{domain}s_in_balance",
            f"At most {settings.max_domain_share:.0%} of the pictures are {domain}s.",
            gxe.ExpectTableRowCountToBeBetween(
                max_value=int(settings.max_domain_share * total), row_condition=in_domain
            ),
        )
        min_side, max_side = settings.min_side[domain], settings.max_side
        for side in ("width", "height"):
            yield (
                f"{domain}_{side}",
                f"The {side} of {domain}s is from {min_side} to {max_side} pixels.",
                gxe.ExpectColumnValuesToBeBetween(
                    column=side,
                    min_value=min_side,
                    max_value=max_side,
                    row_condition=in_domain & readable,
                ),
            )

    yield (
        "files",
        "The files are those that the manifest lists.",
        gxe.ExpectColumnValuesToBeNull(column=defects.FILE_ERROR),
    )
    yield (
        "filled",
        "No required cell of the manifest is empty.",
        gxe.ExpectColumnValuesToBeNull(column=defects.EMPTY_CELLS),
    )
    yield (
        "path_unique",
        "No path is listed twice.",
        gxe.ExpectColumnValuesToBeUnique(column="path"),
    )
    yield (
        "domain_known",
        f"Every domain is one of {', '.join(domains)}.",
        gxe.ExpectColumnValuesToBeInSet(column="domain", value_set=list(domains)),
    )
    yield (
        "split_known",
        f"Every split is one of {', '.join(splits)}.",
        gxe.ExpectColumnValuesToBeInSet(column="split", value_set=list(splits)),
    )
    yield (
        "decodes",
        "Every picture can be decoded.",
        gxe.ExpectColumnValuesToBeNull(column=defects.DECODE_ERROR),
    )
    yield (
        "mode",
        f"The mode is one of {', '.join(settings.modes)}.",
        gxe.ExpectColumnValuesToBeInSet(
            column="mode", value_set=settings.modes, row_condition=readable
        ),
    )
    yield (
        "sha256_form",
        "Every checksum is a SHA-256 in hexadecimal.",
        gxe.ExpectColumnValuesToMatchRegex(column="sha256", regex=_full_match("[0-9a-f]{64}")),
    )
    yield (
        "phash_form",
        "Every perceptual hash has 64 bits in hexadecimal.",
        gxe.ExpectColumnValuesToMatchRegex(
            column="phash", regex=_full_match("[0-9a-f]{16}"), row_condition=readable
        ),
    )
    yield (
        "sha256_unique",
        "No two files have the same content.",
        gxe.ExpectColumnValuesToBeUnique(column="sha256"),
    )
    yield (
        "no_twin_across_splits",
        "No picture has a near-duplicate in another split.",
        gxe.ExpectColumnValuesToBeNull(column=defects.LEAKED_DUPLICATE),
    )
    yield (
        "repeated",
        f"No group of near-duplicates has more than {settings.max_alike} pictures.",
        gxe.ExpectColumnValuesToBeNull(column=defects.TOO_MANY_DUPLICATES),
    )
    darkest, lightest = settings.luminance
    yield (
        "luminance",
        f"The mean luminance is from {darkest:g} to {lightest:g} of 255.",
        gxe.ExpectColumnValuesToBeBetween(
            column="luminance", min_value=darkest, max_value=lightest, row_condition=readable
        ),
    )
    yield (
        "luminance_deviation",
        f"The standard deviation of the luminance is at least "
        f"{settings.min_luminance_deviation:g} of 255.",
        gxe.ExpectColumnValuesToBeBetween(
            column="luminance_deviation", min_value=settings.min_luminance_deviation,
            row_condition=readable,
        ),
    )  # fmt: skip
    yield (
        "licence",
        "Every licence is allowed in params.yaml.",
        gxe.ExpectColumnValuesToMatchRegexList(
            column="licence", regex_list=[_full_match(licence) for licence in settings.licences]
        ),
    )


def _full_match(pattern: str) -> str:
    return rf"\A(?:{pattern})\Z"
