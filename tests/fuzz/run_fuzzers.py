#!/usr/bin/env python3
"""Builds the parsers with clang's libFuzzer and runs each target for a few seconds on the committed corpus.
Ends with 77 (skipped) where there is no clang++ with libFuzzer. An input that breaks a parser stays in --work."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77
SOURCES = (["tests/fuzz/targets.cpp", "tests/fuzz/fuzzer.cpp"]
           + ["src/io/" + name for name in (
               "safetensors_format.cpp", "torch_pickle.cpp", "torch_archive.cpp", "pickle_machine.cpp",
               "pickle_globals.cpp", "zip_format.cpp", "json.cpp", "image_header.cpp", "png_chunks.cpp",
               "path_safety.cpp", "jsonl.cpp", "json_options.cpp")]
           + ["src/core/" + name for name in ("str.cpp", "atomic_file.cpp", "interrupt.cpp", "option_text.cpp")])
FOLDERS = ["src/text"]  # all of their sources, and of src/config where the compiler can
FIRST_WITH_YAML = 16  # see targets.cpp
FLAGS = ["-std=c++20", "-O1", "-g1", "-fsanitize=fuzzer-no-link,address,undefined", "-fno-sanitize-recover=all",
         f"-I{ROOT / 'src'}", f"-I{ROOT / 'include'}", f"-I{ROOT / 'tests'}"]
LIBRARIES = ["-lyaml-cpp", "-lsentencepiece", "-licuuc", "-licui18n", "-lpthread"]


def compiler():
    names = [os.environ.get("RB_CLANG", "")] + [f"clang++-{version}" for version in range(20, 13, -1)] + ["clang++"]
    return next((path for path in map(shutil.which, filter(None, names)) if path), None)


def compiles_yaml(clang):
    macros = subprocess.run([clang, "-dM", "-E", "-x", "c++", "/dev/null"], capture_output=True, text=True).stdout
    return int(re.search(r"__clang_major__ (\d+)", macros).group(1)) >= FIRST_WITH_YAML


def build(clang, work):
    sources = [ROOT / name for name in SOURCES]
    yaml = compiles_yaml(clang)
    flags = FLAGS if yaml else FLAGS + ["-DRB_WITHOUT_YAML"]
    for folder in FOLDERS + ["src/config"] * yaml:
        sources += sorted(path for path in (ROOT / folder).glob("*.cpp") if not path.name.startswith("train_"))
    newest_header = max(path.stat().st_mtime for folder in ("src", "include", "tests/fuzz")
                        for path in (ROOT / folder).rglob("*.h"))

    def compiled(source):
        target = work / (str(source.relative_to(ROOT)).replace("/", "_") + ".o")
        if not target.exists() or target.stat().st_mtime < max(source.stat().st_mtime, newest_header):
            subprocess.run([clang, *flags, "-c", source, "-o", target], check=True)
        return target

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compiled, sources))
    program = work / "fuzzer"
    linked = subprocess.run([clang, "-fsanitize=fuzzer,address,undefined", *objects, *LIBRARIES, "-o", program],
                            capture_output=True, text=True)
    if linked.returncode != 0:
        print(linked.stderr[-2000:])
        return None if "libclang_rt.fuzzer" in linked.stderr else sys.exit("the fuzzer does not link")
    return program


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for objects and findings")
    parser.add_argument("--seconds", type=int, default=5, help="for each target")
    parser.add_argument("--target", action="append", help="only these targets")
    args = parser.parse_args()
    clang = compiler()
    if clang is None:
        print("no clang++ is installed: skipped")
        return SKIPPED
    args.work.mkdir(parents=True, exist_ok=True)
    program = build(clang, args.work)
    if program is None:
        print("clang++ has no libFuzzer: skipped")
        return SKIPPED
    failed = []
    for corpus in sorted((ROOT / "tests/fuzz/corpus").iterdir()):
        if (args.target and corpus.name not in args.target) or (corpus.name == "yaml" and not compiles_yaml(clang)):
            continue
        found = args.work / "new" / corpus.name
        found.mkdir(parents=True, exist_ok=True)
        run = subprocess.run([program, f"-max_total_time={args.seconds}", "-max_len=65536", "-rss_limit_mb=2048",
                              "-timeout=10", "-verbosity=0", "-print_final_stats=1",
                              f"-artifact_prefix={args.work}/{corpus.name}-", found, corpus],
                             env=os.environ | {"RB_FUZZ_TARGET": corpus.name}, capture_output=True, text=True)
        runs = [line for line in run.stderr.splitlines() if "number_of_executed_units" in line]
        print(f"{corpus.name}: {'ok' if run.returncode == 0 else 'FAILED'} {runs[0] if runs else ''}", flush=True)
        if run.returncode != 0:
            failed.append(corpus.name)
            print(run.stderr[-4000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
