"""Checks of single files: length, format, words, headers, registration, links, version."""
import re
import shutil
import statistics
import subprocess

from house import Finding

MAX_LINES = 800
MAX_MEDIAN = 150

# Pattern, where it does not count, what to do instead. Of the bytes of every file: weights and pictures name paths too.
PATHS = (
    (rb"/(?:home|root|work|Users)/", r"tests/lint/check_house_test\.py$",
     "a path of one machine; take it as an argument or from the environment, and out of data"),
    (rb"/tmp/", r"scripts/|(tests|bench)/.*\.(cpp|h|py)$",
     "a fixed temporary path; write beside the output (core/atomic_file.h), and take it out of data"),
)
# Of the lines of code.
FORBIDDEN = (
    (r"\b(TODO|FIXME|XXX|HACK)\b", r"$^", "finish it, or say in the docs what is not there"),
    (r"\bstd::(cout|cerr)\b|\b(printf|puts)\(", r"src/(cli/|[a-z_]+\.cpp$|core/(log|progress)\.cpp)|tests/|bench/",
     "the library does not print; log through core/log.h"),
    (r"\b(std::)?(exit|abort|_Exit)\(", r"src/(cli/|core/interrupt)|tests/|bench/",
     "the library does not exit; throw Error (reasonbrain/error.h)"),
    (r"using namespace std;", r"$^", "write std:: out"),
)


def file_length(tree):
    """No file above 800 lines, the median of the code at most 150."""
    counts = {path: len(tree.lines(path)) for path in tree.code()}
    scripts = {path: len(tree.lines(path)) for path in tree.files(".py", roots=("scripts", "tests"))}
    for path, count in {**counts, **scripts}.items():
        if count > MAX_LINES:
            yield Finding(path, MAX_LINES + 1, f"{count} lines, at most {MAX_LINES}; split it by what it does")
    median = statistics.median(counts.values()) if counts else 0
    if median > MAX_MEDIAN:
        longest = max(counts, key=counts.get)
        yield Finding(longest, 1, f"the median file has {median:.0f} lines, at most {MAX_MEDIAN}; start with this one "
                      f"({counts[longest]} lines)")


def clang_format(tree):
    """Every C++ file is as clang-format 14 with .clang-format writes it."""
    if shutil.which("clang-format") is None:
        yield Finding(".clang-format", 1, "clang-format is not installed; run scripts/setup")
        return
    paths = tree.code()
    for start in range(0, len(paths), 64):
        run = subprocess.run(["clang-format", "--dry-run", "-Werror", *paths[start:start + 64]], cwd=tree.root,
                             capture_output=True, text=True)
        seen = set()
        for path, line in re.findall(r"^(\S+?):(\d+):\d+: error:", run.stderr, re.M):
            if path not in seen:
                seen.add(path)
                yield Finding(path, int(line), f"not formatted; run: clang-format -i {path}")
        if run.returncode != 0 and not seen:
            yield Finding(".clang-format", 1, "clang-format failed: " + run.stderr.strip()[:300])


def words(tree):
    """No paths of one machine in any file, no unfinished marks, no printing or exiting library."""
    for path in tree.everything():
        content = tree.content(path)
        for pattern, except_in, mend in PATHS:
            for match in re.finditer(pattern, content):
                if not re.match(except_in, path):
                    line = content.count(b"\n", 0, match.start()) + 1
                    yield Finding(path, line, f"'{match[0].decode()}': {mend}")
    for path in tree.code() + tree.files(".py", "", ".sh", roots=("scripts",)):
        for number, line in enumerate(tree.lines(path), 1):
            for pattern, except_in, mend in FORBIDDEN:
                match = re.search(pattern, line)
                if match and not re.match(except_in, path):
                    yield Finding(path, number, f"'{match[0]}': {mend}")


def headers(tree):
    """Headers start with a comment that says what they are for, then #pragma once."""
    for path in tree.files(".h", roots=("include", "src")):
        lines = tree.lines(path)
        if "#pragma once" not in lines:
            yield Finding(path, 1, "no '#pragma once'; add it below the first comment")
        if path.startswith("include/") and not (lines and lines[0].startswith("//")):
            yield Finding(path, 1, "a public header starts with a comment: what it is for, who throws what")


def registered(tree):
    """Every folder with tests has an rb_test entry, and every test file is one that it globs."""
    entries = set(re.findall(r"^rb_test\((\w+)", "\n".join(tree.lines("tests/CMakeLists.txt")), re.M))
    for path in tree.files(".cpp", roots=("tests",)):
        parts = path.split("/")
        if path.startswith("tests/install/"):  # a project of its own, built by check_install.py
            continue
        if path in ("tests/fuzz/targets.cpp", "tests/fuzz/fuzzer.cpp"):  # named by CMakeLists.txt and run_fuzzers.py
            continue
        if len(parts) < 3:
            yield Finding(path, 1, "a test outside any folder; put it into tests/FOLDER")
        elif parts[1] not in entries:
            yield Finding(path, 1, f"tests/{parts[1]} is not registered; add rb_test({parts[1]} ...) to "
                          "tests/CMakeLists.txt")
        elif not path.endswith("_test.cpp"):
            yield Finding(path, 1, "not compiled: test files are called NAME_test.cpp")


def links(tree):
    """Relative links and pictures in Markdown files exist."""
    pages = [path.name for path in tree.root.glob("*.md")] + tree.files(".md", roots=("docs", "third_party"))
    for page in sorted(pages):
        folder = (tree.root / page).parent
        for number, line in enumerate(tree.lines(page), 1):
            for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", line):
                if not re.match(r"[a-z]+:", target) and not (folder / target).exists():
                    yield Finding(page, number, f"links to '{target}', which is not there")


def version(tree):
    """CITATION.cff names the version that include/reasonbrain/version.h has."""
    header = re.search(r'kVersion = "(.*)"', "\n".join(tree.lines("include/reasonbrain/version.h")))[1]
    for number, line in enumerate(tree.lines("CITATION.cff"), 1):
        if line.startswith("version: ") and line != f"version: {header}":
            yield Finding("CITATION.cff", number, f"'{line}', but include/reasonbrain/version.h says {header}")
