#!/usr/bin/env python3
"""Random configurations against the Python references, when $RB_REFERENCE_PYTHON names a Python that has them.

    check_references.py BIN_DIR    draws new cases with every generator that can and runs the tests over them

Without the variable the check is skipped (exit code 77). $RB_REFERENCE_SEED repeats a draw, $RB_REFERENCE_CASES sets
how many cases each generator draws.
"""
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
GENERATORS = Path(__file__).resolve().parents[2] / "scripts" / "golden"
# Folder below $RB_GOLDEN_DIR that a generator fills, and the test binary that reads it. Every other generator that draws
# random cases (it has the option --cases) makes components for test_models.
SPECIAL = {"samplers.py": (".", "test_diffusion"), "instruct_pix2pix.py": ("instruct-pix2pix", "test_edit")}
COMPONENTS = (".", "test_models")
OTHERS = {"json_tokenizers.py"}  # cases of another kind, compared as text


def generators():
    return [path for path in sorted(GENERATORS.glob("*.py"))
            if path.name not in OTHERS and '"--cases"' in path.read_text()]


def untaken(folder, output):
    """Cases of components below the folder that no test took: a name that the filter misses, a folder that none reads."""
    drawn = {str(path.parents[1]) for path in Path(folder).rglob("io/io.safetensors")}
    return sorted(drawn - {line.removeprefix("taken ") for line in output.splitlines()})


def check(python, binaries, seed, count):
    problems = []
    for script in generators():
        below, binary = SPECIAL.get(script.name, COMPONENTS)
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "OMP_NUM_THREADS": "1", "RB_GOLDEN_DIR": folder}
            draw = subprocess.run([python, script, "--out", Path(folder) / below, "--seed", str(seed),
                                   "--cases", str(count)], capture_output=True, text=True, env=environment)
            if draw.returncode != 0:
                problems.append(f"{script.name} --seed {seed}: {draw.stderr.strip()[-1000:]}")
                continue
            test = subprocess.run([binaries / binary, "--gtest_filter=*MatchesReference*"], capture_output=True, text=True,
                                  env=environment)
            if test.returncode != 0 or "[  PASSED  ] 0 tests" in test.stdout:
                problems.append(f"{script.name} --seed {seed} --cases {count}: {test.stdout.strip()[-3000:]}")
            elif binary == COMPONENTS[1] and (missed := untaken(folder, test.stdout)):
                problems.append(f"{script.name}: no test took {', '.join(missed[:10])}")
    return problems


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    python = os.environ.get("RB_REFERENCE_PYTHON")
    if not python:
        print("skipped: RB_REFERENCE_PYTHON is not set")
        sys.exit(SKIPPED)
    seed = int(os.environ.get("RB_REFERENCE_SEED", random.randrange(1 << 30)))
    count = int(os.environ.get("RB_REFERENCE_CASES", 30))
    problems = check(python, Path(sys.argv[1]), seed, count)
    print("\n".join(problems) or f"ok, seed {seed}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
