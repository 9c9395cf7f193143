"""What is expected of the pictures: each expectation's name, plain words and check."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from stylefuse.config import Split, Validation


def expectations(
    domains: Sequence[str], settings: Validation, total: int
) -> Iterator[tuple[str, str, Any]]:
    """The suite: `(name, statement in plain words, Great Expectations' object)` of each.

    Args:
        domains: what there should be pictures of.
        settings: the thresholds.
        total: pictures that the manifest lists, which shares refer to.

    The table they judge is the manifest with the columns of `validate.with_defects` and
    `validate.with_files`.
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
        ours = Column("domain") == domain
        yield (
            f"{domain}s",
            f"There are at least {settings.min_pictures} {domain}s.",
            gxe.ExpectTableRowCountToBeBetween(min_value=settings.min_pictures, row_condition=ours),
        )
        for split in splits:
            least = settings.min_test_pictures if split == "test" else 1
            yield (
                f"{domain}s_in_{split}",
                f"The {split} split has at least {least} {domain}{'s' * (least > 1)}.",
                gxe.ExpectTableRowCountToBeBetween(
                    min_value=least, row_condition=ours & (Column("split") == split)
                ),
            )
        yield (
            f"{domain}s_in_balance",
            f"At most {settings.max_domain_share:.0%} of the pictures are {domain}s.",
            gxe.ExpectTableRowCountToBeBetween(
                max_value=int(settings.max_domain_share * total), row_condition=ours
            ),
        )
        least, most = settings.min_side[domain], settings.max_side
        for side in ("width", "height"):
            yield (
                f"{domain}_{side}",
                f"The {side} of {domain}s is from {least} to {most} pixels.",
                gxe.ExpectColumnValuesToBeBetween(
                    column=side, min_value=least, max_value=most, row_condition=ours & readable
                ),
            )

    yield (
        "files",
        "Every file is the one that the manifest lists, and there are no others.",
        gxe.ExpectColumnValuesToBeNull(column="file"),
    )
    yield (
        "filled",
        "Every picture has all it needs in the manifest: source, author and licence too.",
        gxe.ExpectColumnValuesToBeNull(column="blank"),
    )
    yield (
        "path_unique",
        "No file is listed twice.",
        gxe.ExpectColumnValuesToBeUnique(column="path"),
    )
    yield (
        "domain_known",
        f"Every picture is one of: {', '.join(domains)}.",
        gxe.ExpectColumnValuesToBeInSet(column="domain", value_set=list(domains)),
    )
    yield (
        "split_known",
        f"Every picture is in one of the splits {', '.join(splits)}.",
        gxe.ExpectColumnValuesToBeInSet(column="split", value_set=list(splits)),
    )
    yield (
        "decodes",
        "Every picture can be decoded.",
        gxe.ExpectColumnValuesToBeNull(column="fault"),
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
        gxe.ExpectColumnValuesToMatchRegex(column="sha256", regex=_whole("[0-9a-f]{64}")),
    )
    yield (
        "phash_form",
        "Every perceptual hash has 64 bits in hexadecimal.",
        gxe.ExpectColumnValuesToMatchRegex(
            column="phash", regex=_whole("[0-9a-f]{16}"), row_condition=readable
        ),
    )
    yield (
        "sha256_unique",
        "No two files are the same.",
        gxe.ExpectColumnValuesToBeUnique(column="sha256"),
    )
    yield (
        "no_twin_across_splits",
        "No picture has a near-duplicate in another split.",
        gxe.ExpectColumnValuesToBeNull(column="twin"),
    )
    yield (
        "repeated",
        f"No picture is in the set more than {settings.max_alike} times, near-duplicates counted.",
        gxe.ExpectColumnValuesToBeNull(column="alike"),
    )
    darkest, lightest = settings.luminance
    yield (
        "luminance",
        f"The mean luminance is from {darkest:g} to {lightest:g} of 255: not black, not white.",
        gxe.ExpectColumnValuesToBeBetween(
            column="luminance", min_value=darkest, max_value=lightest, row_condition=readable
        ),
    )
    yield (
        "luminance_deviation",
        f"The luminance varies by at least {settings.min_luminance_deviation:g} of 255: not flat.",
        gxe.ExpectColumnValuesToBeBetween(
            column="luminance_deviation", min_value=settings.min_luminance_deviation,
            row_condition=readable,
        ),
    )  # fmt: skip
    yield (
        "licence",
        "Every licence is one of those that params.yaml allows.",
        gxe.ExpectColumnValuesToMatchRegexList(
            column="licence", regex_list=[_whole(licence) for licence in settings.licences]
        ),
    )


def _whole(pattern: str) -> str:
    return rf"\A(?:{pattern})\Z"
