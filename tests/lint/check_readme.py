#!/usr/bin/env python3
"""Runs the commands of README.md, docs/tutorial.md and docs/configuration.md that are marked for testing.

    check_readme.py BINARY

A ```sh block below a line `<!-- test -->` is run by bash -e in a temporary folder that looks like the repository
(models, configs, docs, build/release/bin). `<!-- test: key=value ... -->` adds the overrides to every
`reasonbrain train` of the block, so that a long training is a short one here.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^<!-- test(?::([^>]*))? -->\n+```sh\n(.*?)^```", re.M | re.S)
TIMEOUT_S = 240
DOCUMENTS = ("README.md", "docs/configuration.md", "docs/tutorial.md")


def marked_blocks(text):
    """(line of its first command, script) of every marked block."""
    for match in BLOCK.finditer(text):
        overrides, script = (match[1] or "").strip(), match[2]
        if overrides:
            script = re.sub(r"^(reasonbrain train .*)$", rf"\1 {overrides}", script, flags=re.M)
        yield text.count("\n", 0, match.start(2)) + 1, script


def make_workplace(folder, binary):
    for name in ("models", "configs", "docs"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "build" / "release").mkdir(parents=True)
    (folder / "build" / "release" / "bin").symlink_to(binary.parent)


def run_blocks(document, binary):
    """Runs the marked blocks of a document in order: later ones may use what earlier ones wrote. The number that failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_workplace(folder, binary)
        for line, script in marked_blocks(document.read_text(encoding="utf-8")):
            environment = {**os.environ, "PATH": f"{binary.parent}:{os.environ['PATH']}"}
            result = subprocess.run(["bash", "-euxo", "pipefail", "-c", script], cwd=folder, env=environment, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S)
            print(f"{document.relative_to(ROOT)}:{line}: exit {result.returncode}")
            if result.returncode != 0:
                failed += 1
                print(result.stdout[-3000:])
    return failed


def main():
    binary = Path(sys.argv[1]).resolve()
    if not (ROOT / "models" / "mini" / "model_index.json").exists():
        sys.exit("models/mini is missing, which the documented commands use")
    failed = 0
    for name in DOCUMENTS:
        if not any(marked_blocks((ROOT / name).read_text(encoding="utf-8"))):
            sys.exit(f"{name}:1: no block is marked for testing; put <!-- test --> above a ```sh block")
        failed += run_blocks(ROOT / name, binary)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
