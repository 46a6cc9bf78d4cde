#!/usr/bin/env python3
"""Every house check finds what it is for, in a small tree that breaks one rule, and nothing in one that breaks none."""
import tempfile
import unittest
from pathlib import Path

from check_house import CHECKS
from house import Tree

TABLE = ("core:\nio: core\ndata: io core\nmodels: core\ncli: data io core\n\n"
         "public error.h core\npublic image.h io\npublic version.h core\n")
GOOD = {
    "tests/lint/include_table.txt": TABLE,
    "tests/CMakeLists.txt": "rb_test(core LIBS rb_core)\n",
    "tests/core/str_test.cpp": '#include "core/str.h"\n',
    ".clang-format": "BasedOnStyle: Google\n",
    "include/reasonbrain/error.h": "// Errors.\n#pragma once\n",
    "include/reasonbrain/image.h": "// Pictures.\n#pragma once\n",
    "include/reasonbrain/version.h": '// Version.\n#pragma once\nconstexpr const char* kVersion = "1.2.3";\n',
    "src/core/str.h": "// Text.\n#pragma once\n",
    "src/core/rng_tensor.h": "// Draws.\n#pragma once\n#include <torch/types.h>\n",
    "src/io/png.cpp": '#include <opencv2/core.hpp>\n\n#include "core/str.h"\n#include "reasonbrain/image.h"\n',
    "src/main.cpp": '#include "cli/run.h"\n',
    "README.md": "[the map](docs/map.md), [a page](https://example.org)\n",
    "docs/map.md": "# Map\n",
    "CITATION.cff": "cff-version: 1.2.0\nversion: 1.2.3\n",
}

# check, files that break it, the place that must be reported.
BAD = (
    ("include_table", {"src/io/a.cpp": '#include "core/str.h"\n#include "data/record.h"\n'}, "src/io/a.cpp:2"),
    ("include_table", {"src/core/a.cpp": '#include "reasonbrain/image.h"\n'}, "src/core/a.cpp:1"),
    ("include_table", {"src/core/a.cpp": '#include "reasonbrain/other.h"\n'}, "src/core/a.cpp:1"),
    ("include_table", {"src/extra/a.cpp": "\n"}, "src/extra/a.cpp:1"),
    ("include_table", {"include/reasonbrain/new.h": "// New.\n"}, "include/reasonbrain/new.h:1"),
    ("include_table", {"tests/lint/include_table.txt": TABLE.replace("core:", "core: io", 1)}, "tests/lint/include_table.txt:1"),
    ("libraries", {"src/io/a.cpp": "#include <yaml-cpp/yaml.h>\n"}, "src/io/a.cpp:1"),
    ("libraries", {"src/data/a.cpp": "\n#include <opencv2/imgproc.hpp>\n"}, "src/data/a.cpp:2"),
    ("libraries", {"src/core/str.cpp": "#include <spdlog/spdlog.h>\n"}, "src/core/str.cpp:1"),
    ("libraries", {"include/reasonbrain/error.h": "// E.\n#include <nlohmann/json.hpp>\n"},
     "include/reasonbrain/error.h:2"),
    ("libraries", {"src/models/a.cpp": "#include <torch/torch.h>\n"}, "src/models/a.cpp:1"),
    ("torch_free", {"src/data/a.cpp": "#include <ATen/ATen.h>\n"}, "src/data/a.cpp:1"),
    ("torch_free", {"src/data/a.cpp": '\n#include "core/rng_tensor.h"\n'}, "src/data/a.cpp:2"),
    ("torch_free", {"src/io/b.h": '#include "core/rng_tensor.h"\n', "src/io/a.cpp": '#include "io/b.h"\n'},
     "src/io/a.cpp:1"),
    ("file_length", {"src/io/a.cpp": "\n" * 801}, "src/io/a.cpp:801"),
    ("file_length", {f"src/io/{name}.cpp": "\n" * 200 for name in "abcdefghij"}, "src/io/a.cpp:1"),
    ("clang_format", {"src/io/a.cpp": "int  x;\n"}, "src/io/a.cpp:1"),
    ("words", {"src/io/a.cpp": '\nauto p = "/home/me/weights";\n'}, "src/io/a.cpp:2"),
    ("words", {"src/io/a.cpp": 'auto p = "/tmp/x";\n'}, "src/io/a.cpp:1"),
    ("words", {"tests/io/data/config.json": '{\n"base": "/tmp/w"}\n'}, "tests/io/data/config.json:2"),
    ("words", {"tests/io/data/a.model": "\0\n\x12/root/rules.tsv\x80"}, "tests/io/data/a.model:2"),
    ("words", {"src/io/a.cpp": "// TODO later\n"}, "src/io/a.cpp:1"),
    ("words", {"src/io/a.cpp": "std::cout << 1;\n"}, "src/io/a.cpp:1"),
    ("words", {"src/io/a.cpp": "std::exit(1);\n"}, "src/io/a.cpp:1"),
    ("headers", {"include/reasonbrain/error.h": "#pragma once\n"}, "include/reasonbrain/error.h:1"),
    ("headers", {"src/core/str.h": "// Text.\n"}, "src/core/str.h:1"),
    ("registered", {"tests/io/a_test.cpp": "\n"}, "tests/io/a_test.cpp:1"),
    ("registered", {"tests/core/helper.cpp": "\n"}, "tests/core/helper.cpp:1"),
    ("links", {"README.md": "\n![picture](docs/missing.png)\n"}, "README.md:2"),
    ("version", {"CITATION.cff": "cff-version: 1.2.0\nversion: 1.2.2\n"}, "CITATION.cff:2"),
)


def run(check, files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return [str(finding) for finding in CHECKS[check](Tree(root))]


class HouseChecks(unittest.TestCase):
    def test_good_tree_passes(self):
        for check in CHECKS:
            with self.subTest(check):
                self.assertEqual(run(check, GOOD), [])

    def test_bad_trees_are_found(self):
        for check, files, place in BAD:
            with self.subTest(check=check, place=place):
                findings = run(check, {**GOOD, **files})
                self.assertTrue(any(finding.startswith(place + ": ") for finding in findings), findings)

    def test_every_check_has_a_bad_tree(self):
        self.assertEqual({check for check, _, _ in BAD}, set(CHECKS))

    def test_every_check_is_registered(self):
        listing = (Path(__file__).parents[1] / "CMakeLists.txt").read_text()
        for check in CHECKS:
            self.assertRegex(listing, rf"foreach\(check [^)]*\b{check}\b")


if __name__ == "__main__":
    unittest.main()
