"""Author and licence of files in a Debian package, from the package's copyright file."""

import re
from pathlib import PurePosixPath

from debian.copyright import Copyright, NotMachineReadableError

UNKNOWN = "unknown"


class PackageCopyright:
    """The `copyright` file of a Debian package.

    Args:
        text: of the file. A machine-readable one (DEP-5) gives the rights of each file; any other
            text gives one author and licence for the whole package.
    """

    def __init__(self, text: str):
        try:
            self.machine_readable = Copyright(text.splitlines(keepends=True), strict=False)
        except NotMachineReadableError:
            self.machine_readable = None
            self.package_rights = _read_prose(text)

    def of(self, path: str) -> tuple[str, str]:
        """Author and licence of a file.

        Args:
            path: of the file in the package. Patterns in a copyright file are relative to the
                source tree, whose paths end like the installed paths: the longest ending of `path`
                that a pattern other than `*` matches decides.
        """
        if self.machine_readable is None:
            return self.package_rights
        paragraph = self.machine_readable.find_files_paragraph(path)
        parts = PurePosixPath(path).parts
        for start in range(len(parts)):
            candidate = self.machine_readable.find_files_paragraph("/".join(parts[start:]))
            if candidate is not None and tuple(candidate.files) != ("*",):
                paragraph = candidate
                break
        if paragraph is None:
            return UNKNOWN, UNKNOWN
        holders = [" ".join(line.split()) for line in str(paragraph.copyright).splitlines()]
        return "; ".join(filter(None, holders)), paragraph.license.synopsis


def _read_prose(text: str) -> tuple[str, str]:
    """Author and licence from a plain text that names the GNU General Public License."""
    author = re.search(r"Upstream Authors?:\s*(.+?)\s*(<|$)", text, re.MULTILINE)
    version = re.search(r"GNU General Public License version (\d)", text)
    if version is None:
        return author[1] if author else UNKNOWN, UNKNOWN
    later = "+" if re.search(r"any\s+later\s+version", text) else ""
    name = f"{author[1]} and the contributors" if author else UNKNOWN
    return name, f"GPL-{version[1]}{later}"
