#!/usr/bin/env python3
"""The Python side of `reasonbrain bench load`: all tensors of a safetensors file into memory, as a dictionary.

  load.py FILE --repeat N --out TIMES.json    the best wall time, and how far the memory in use rose at most, in bytes

Needs torch and safetensors.
"""
import argparse
import json
import pathlib
import time

import torch
from safetensors import safe_open


def status(field):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"no {field} in /proc/self/status")


def load(path):
    with safe_open(path, framework="pt", device="cpu") as file:
        return {key: file.get_tensor(key).clone() for key in file.keys()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    best, rise = float("inf"), 0
    for _ in range(args.repeat):
        pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before, start = status("VmRSS"), time.perf_counter()
        tensors = load(args.file)
        best = min(best, time.perf_counter() - start)
        rise = max(rise, status("VmHWM") - before)
        del tensors
    pathlib.Path(args.out).write_text(json.dumps({"seconds": best, "rise": rise}))


if __name__ == "__main__":
    main()
