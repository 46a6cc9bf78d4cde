#!/usr/bin/env python3
"""Writes small files of torch.save and what they hold as safetensors (tests/io/torch_archive_test.cpp)."""
import argparse
import collections
import pathlib

import torch
from safetensors.torch import save_file

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
          torch.int8, torch.uint8, torch.bool]


def views():
    base = torch.arange(24, dtype=torch.float32)
    other = torch.arange(12, dtype=torch.float32).view(3, 4)
    return collections.OrderedDict([
        ("whole", base), ("tail", base[20:]), ("matrix", base[:12].view(3, 4)), ("transposed", other.t()),
        ("columns", other[:, 1:3]), ("steps", base[1::5]), ("expanded", torch.tensor([2.5]).expand(2, 3)),
        ("scalar", torch.tensor(7.25)), ("empty", torch.empty(0, 3)),
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/io/data/torch")
    args = parser.parse_args()
    out = args.out
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)

    save_file({name: value.contiguous().clone() for name, value in views().items()}, out / "views.safetensors")
    torch.save(views(), out / "views.pt")
    types = {str(dtype).removeprefix("torch."): torch.arange(5).to(dtype) for dtype in DTYPES}
    types["float8_e5m2"] = torch.arange(5).float().to(torch.float8_e5m2)
    torch.save(types, out / "dtypes.pt")
    save_file(types, out / "dtypes.safetensors")
    parameters = {"linear." + name: value for name, value in torch.nn.Linear(3, 2).named_parameters()}
    checkpoint = {"epoch": 3, "args": argparse.Namespace(lr=0.5, betas=(0.9, 0.999)), "state_dict": parameters,
                  "optimizer": {"state": {0: {"step": torch.tensor(5.0)}}, "param_groups": [{"params": [0]}]}}
    torch.save(checkpoint, out / "checkpoint.ckpt", pickle_protocol=4)
    save_file({name: value.detach().clone() for name, value in parameters.items()}, out / "checkpoint.safetensors")
    torch.save({"w": torch.ones(2)}, out / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(out / "program.pt"))
    torch.save({"w": torch.ones(2), "device": torch.nn.ReLU()}, out / "foreign.pt")


if __name__ == "__main__":
    main()
