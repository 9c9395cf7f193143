"""Who made a file of a Debian package, and under which licence: read from its copyright file."""

import re
from pathlib import PurePosixPath

from debian.copyright import Copyright, NotMachineReadableError


class PackageCopyright:
    """The `copyright` file of a Debian package.

    Args:
        text: the file's text; machine-readable (DEP-5) ones answer by file, others as a whole.
    """

    def __init__(self, text: str):
        try:
            self.machine_readable = Copyright(text.splitlines(keepends=True), strict=False)
        except NotMachineReadableError:
            self.machine_readable = None
            self.whole = _read_prose(text)

    def of(self, path: str) -> tuple[str, str]:
        """Author and licence of a file.

        Args:
            path: of the file in the package. Patterns in a copyright file are relative to the
                source tree, which ends like the path that the package installs: the longest ending
                that a pattern other than `*` matches counts.
        """
        if self.machine_readable is None:
            return self.whole
        parts = PurePosixPath(path).parts
        whole_tree = found = self.machine_readable.find_files_paragraph(path)
        for start in range(len(parts)):
            candidate = self.machine_readable.find_files_paragraph("/".join(parts[start:]))
            if candidate is not None and tuple(candidate.files) != ("*",):
                found = candidate
                break
        found = found or whole_tree
        if found is None:
            return "unknown", "unknown"
        holders = [" ".join(line.split()) for line in str(found.copyright).splitlines()]
        return "; ".join(filter(None, holders)), found.license.synopsis


def _read_prose(text: str) -> tuple[str, str]:
    """Author and licence of a package whose copyright file is plain text with one licence."""
    author = re.search(r"Upstream Authors?:\s*(.+?)\s*(<|$)", text, re.MULTILINE)
    version = re.search(r"GNU General Public License version (\d)", text)
    if version is None:
        return author[1] if author else "unknown", "unknown"
    later = "+" if re.search(r"any\s+later\s+version", text) else ""
    name = f"{author[1]} and the contributors" if author else "unknown"
    return name, f"GPL-{version[1]}{later}"
