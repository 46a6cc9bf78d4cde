"""What the house checks share: the files of the repository, findings, includes."""
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

CODE_ROOTS = ("src", "include", "tests", "bench")
IGNORED = (".deps", "build", "runs", "demo")  # as in .gitignore
INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')


@dataclass(frozen=True)
class Finding:
    path: str  # relative to the root of the repository
    line: int  # from 1
    message: str  # what is wrong and how to mend it

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


class Tree:
    """A working tree. Paths are given and returned relative to its root, with forward slashes."""

    def __init__(self, root):
        self.root = Path(root)
        self._lines = {}

    def files(self, *suffixes, roots=CODE_ROOTS):
        found = []
        for top in roots:
            for path in sorted((self.root / top).rglob("*")):
                if path.suffix in suffixes and path.is_file():
                    found.append(path.relative_to(self.root).as_posix())
        return found

    def code(self, roots=CODE_ROOTS):
        return self.files(".h", ".cpp", roots=roots)

    def everything(self):
        """Every file that git knows; where it does not tell, all outside IGNORED."""
        if (self.root / ".git").exists():
            command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached"]
            listing = subprocess.run(command, cwd=self.root, capture_output=True, text=True)
            if listing.returncode == 0:
                return [name for name in listing.stdout.split("\0") if self.exists(name)]
        names = [path.relative_to(self.root).as_posix() for path in sorted(self.root.rglob("*")) if path.is_file()]
        return [name for name in names if name.split("/")[0] not in IGNORED]

    def exists(self, path):
        return (self.root / path).is_file()

    def content(self, path):
        return (self.root / path).read_bytes()

    def lines(self, path):
        if path not in self._lines:
            self._lines[path] = (self.root / path).read_text(encoding="utf-8").splitlines()
        return self._lines[path]

    def includes(self, path):
        """(line number, '"' or '<', name) of every include."""
        for number, line in enumerate(self.lines(path), 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match[1], match[2]

    def resolve(self, name):
        """The file that `#include "name"` of the library means, or None."""
        for top in ("src", "include"):
            if self.exists(f"{top}/{name}"):
                return f"{top}/{name}"
        return None
