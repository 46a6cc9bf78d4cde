"""Checks of who may include what."""
import re

from house import Finding

TABLE = "tests/lint/include_table.txt"
TORCH = re.compile(r"(torch|ATen|c10|caffe2)/")
TORCH_FREE = ("config", "text", "data", "eval", "miniworld", "io", "core")
TORCH_FILES = re.compile(r"src/(core|io)/(\w+_tensor\.(h|cpp)|placement\.h|torch_pch\.(h|cpp))$")

# Headers of a library -> where they may be included.
LIBRARIES = (
    (r"yaml-cpp/", r"src/config/", "YAML stays inside src/config"),
    (r"opencv", r"src/io/", "OpenCV stays inside src/io"),
    (r"spdlog/", r"src/core/log\.cpp$", "spdlog stays inside src/core/log.cpp; log through core/log.h"),
    (r"CLI/", r"src/cli/", "CLI11 stays inside src/cli"),
    (r"sentencepiece|unicode/", r"src/text/", "sentencepiece and ICU stay inside src/text"),
    (r"nlohmann/", r"src/", "no JSON library in public headers"),
    (r"torch/(torch|all)\.h|torch/extension\.h", r"$^", "include the narrow headers, as src/core/torch_pch.h does"),
)


def read_table(tree):
    """{folder: allowed folders}, {public header: owner}, {folder: line of its row}."""
    allowed, owners, rows = {}, {}, {}
    for number, line in enumerate(tree.lines(TABLE), 1):
        words = line.split("#")[0].replace(":", " ").split()
        if not words:
            continue
        if words[0] == "public":
            owners[words[1]] = words[2]
        else:
            allowed[words[0]], rows[words[0]] = set(words[1:]), number
    return allowed, owners, rows


def include_table(tree):
    """Includes between folders follow tests/lint/include_table.txt."""
    allowed, owners, rows = read_table(tree)
    seen = set()
    for folder, targets in allowed.items():
        for target in sorted(targets - seen):
            yield Finding(TABLE, rows[folder], f"'{folder}' may include '{target}', which has no row above it; "
                          "rows go from the bottom of the design up, so that there is no cycle")
        seen.add(folder)
    for path in tree.code(roots=("src", "include")):
        parts = path.split("/")
        if parts[0] == "include":
            folder = owners.get(parts[-1])
            if folder is None:
                yield Finding(path, 1, f"a public header without an owner; add 'public {parts[-1]} FOLDER' to {TABLE}")
                continue
        else:
            folder = parts[1] if len(parts) > 2 else "cli"  # main.cpp
        if folder not in allowed:
            yield Finding(path, 1, f"folder '{folder}' has no row in {TABLE}; add it where the design puts it")
            continue
        for number, _, name in tree.includes(path):
            top = name.split("/")[0]
            target = owners.get(name.split("/")[-1]) if top == "reasonbrain" else top
            if top == "reasonbrain" and target is None:
                yield Finding(path, number, f"'{name}' has no owner; add it to {TABLE}")
            elif target in allowed and target != folder and target not in allowed[folder]:
                yield Finding(path, number, f"{folder} includes '{name}' of {target}, which {TABLE} does not allow; "
                              "move the code, or pass what is needed as an argument")


def libraries(tree):
    """Each third-party library is included only where the design puts it."""
    for path in tree.code(roots=("src", "include")):
        for number, _, name in tree.includes(path):
            for pattern, place, rule in LIBRARIES:
                if re.match(pattern, name) and not re.match(place, path):
                    yield Finding(path, number, f"includes <{name}>: {rule}")


def torch_free(tree):
    """Folders that parse, score and draw do not reach LibTorch, not even through another header."""
    memo = {}

    def reaches(path):  # the include chain to LibTorch, or None
        if path not in memo:
            memo[path] = None  # ends cycles
            for _, _, name in tree.includes(path):
                target = tree.resolve(name)
                chain = [name] if TORCH.match(name) else reaches(target) if target else None
                if chain:
                    memo[path] = [path] + chain
                    break
        return memo[path]

    for path in tree.code(roots=tuple(f"src/{folder}" for folder in TORCH_FREE)):
        if TORCH_FILES.match(path):
            continue
        for number, _, name in tree.includes(path):
            target = tree.resolve(name)
            chain = [name] if TORCH.match(name) else reaches(target) if target else None
            if chain:
                yield Finding(path, number, "reaches LibTorch through " + " -> ".join(chain) + "; in core and io put "
                              "tensor code into NAME_tensor.cpp, elsewhere keep tensors out of this folder")
