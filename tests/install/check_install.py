"""Installs into a folder, moves it, and uses it from there: the program, and a project that finds the package.

usage: check_install.py BUILD_FOLDER CMAKE [FLAG ...]     FLAGs: what the project needs beside a library with sanitizers
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
VERSION = re.search(r'kVersion = "(.*)"', (SOURCE / "include/reasonbrain/version.h").read_text())[1]


def run(*command, cwd=None):
    environment = {k: v for k, v in os.environ.items() if k != "REASONBRAIN_HOME"}
    environment["OMP_NUM_THREADS"] = "1"
    result = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, text=True, capture_output=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(str(part) for part in command)}\nended with {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def main():
    build, cmake, *flags = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="rb-install-") as name:
        folder = pathlib.Path(name)
        run(cmake, "--install", build, "--prefix", folder / "first")
        prefix = folder / "moved"
        (folder / "first").rename(prefix)
        program, model = prefix / "bin/reasonbrain", prefix / "share/reasonbrain/models/mini"
        picture = SOURCE / "docs/images/demo-scene.png"

        elsewhere = folder / "elsewhere"
        elsewhere.mkdir()
        assert f"reasonbrain {VERSION} " in run(program, "--version", cwd=elsewhere)
        run(program, "config", "check", "--config", "mini", "--config", "ablation/t4-01", cwd=elsewhere)
        run(program, "edit", "--model", model, "--image", picture, "--instruction",
            "What would happen if the red block was left alone for thirty minutes?", "--no-metadata",
            "--out", "program.png", cwd=elsewhere)

        run(cmake, "-S", HERE / "consumer", "-B", folder / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
            "-DCMAKE_BUILD_TYPE=Release", f"-DREASONBRAIN_VERSION={VERSION}", f"-DCMAKE_CXX_FLAGS={' '.join(flags)}")
        run(cmake, "--build", folder / "build")
        said = run(folder / "build/consumer", model, picture, "consumer.png", cwd=elsewhere)
        assert said.startswith(f"reasonbrain {VERSION}, "), said
        if (elsewhere / "program.png").read_bytes() != (elsewhere / "consumer.png").read_bytes():
            sys.exit("the program and the library made different pictures")
        headers = sorted(path.name for path in (prefix / "include/reasonbrain").iterdir())
        print(f"ok: {len(headers)} headers; program and library give the same picture after the move")


if __name__ == "__main__":
    main()
