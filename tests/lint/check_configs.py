#!/usr/bin/env python3
"""Checks of the built binary against configs/.

    check_configs.py load BINARY       every configuration loads; every overlay on top of every base
    check_configs.py ablations BINARY  the mini model builds under every ablation and takes a step of every stage
    check_configs.py help BINARY       every option says what it is for
"""
import json
import tempfile

from program import BASES, OVERLAYS, ROOT, failure, main, run

NUM_ABLATIONS = 13  # the rows of the paper's tables 4, A9, A11, A12


def load(binary):
    problems = []
    if len(OVERLAYS) != NUM_ABLATIONS:
        problems.append(f"configs/ablation: {len(OVERLAYS)} overlays, expected {NUM_ABLATIONS}")
    for base in BASES:
        problems += failure(base, run(binary, "config", "check", "--config", base))
        for overlay in OVERLAYS:
            result = run(binary, "config", "check", "--config", base, "--config", overlay)
            problems += failure(f"{base} with {overlay}", result)
    broken = run(binary, "config", "check", "--config", BASES[0], "train.stepz=1")
    if broken.returncode != 3 or "train.steps" not in broken.stderr:
        problems.append(f"a misspelt key must end with 3 and name the nearest; got {broken.returncode}: {broken.stderr}")
    return problems


def ablations(binary):
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        for overlay in OVERLAYS:
            result = run(binary, "train", "--config", ROOT / "configs" / "mini.yaml", "--config", overlay, "--dry-run",
                         "--device", "cpu", "--run", "run", "train.batch_size=4", cwd=folder)
            problems += failure(overlay, result)
    return problems


def option_help(binary):
    result = run(binary, "config", "options", "--json")
    if result.returncode != 0:
        return failure("config options", result)
    rows = json.loads(result.stdout)["options"]
    problems = [] if len(rows) > 100 else [f"config options lists only {len(rows)} options"]
    for row in rows:
        if not row["help"].strip():
            problems.append(f"{row['path']}: no help; say what it does in its describe()")
        if not row["type"]:
            problems.append(f"{row['path']}: no type")
    paths = [row["path"] for row in rows]
    problems += [f"{path}: declared twice" for path in sorted({path for path in paths if paths.count(path) > 1})]
    return problems


if __name__ == "__main__":
    main(__doc__, {"load": load, "ablations": ablations, "help": option_help})
