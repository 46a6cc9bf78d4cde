"""What the checks of the built binary against configs/ share."""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASES = sorted((ROOT / "configs").glob("*.yaml"))
OVERLAYS = sorted((ROOT / "configs" / "ablation").glob("*.yaml"))


def run(binary, *arguments, cwd=ROOT):
    return subprocess.run([binary, *map(str, arguments)], cwd=cwd, capture_output=True, text=True)


def failure(what, result):
    return [] if result.returncode == 0 else [f"{what}: exit {result.returncode}: {result.stderr.strip()[-1000:]}"]


def main(usage, checks):
    """SCRIPT CHECK BINARY: runs checks[CHECK](BINARY), which gives a list of problems."""
    if len(sys.argv) != 3 or sys.argv[1] not in checks:
        sys.exit(usage)
    problems = checks[sys.argv[1]](sys.argv[2])
    print("\n".join(problems) or "ok")
    sys.exit(1 if problems else 0)
