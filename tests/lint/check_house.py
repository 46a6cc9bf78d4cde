#!/usr/bin/env python3
"""One house check: prints FILE:LINE and how to mend it, exit 1 when anything is found.

    check_house.py CHECK [--root DIR]        check_house.py --list
"""
import argparse
import sys
from pathlib import Path

import structure
import text_checks
from house import Tree

CHECKS = {check.__name__: check for check in (
    structure.include_table, structure.libraries, structure.torch_free, text_checks.file_length,
    text_checks.clang_format, text_checks.words, text_checks.headers, text_checks.registered, text_checks.links,
    text_checks.version)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", nargs="?", choices=CHECKS)
    parser.add_argument("--root", default=Path(__file__).resolve().parents[2])
    parser.add_argument("--list", action="store_true", help="names and meanings of the checks")
    args = parser.parse_args()
    if args.list or args.check is None:
        for name, check in CHECKS.items():
            print(f"{name}: {check.__doc__}")
        return 0
    findings = list(CHECKS[args.check](Tree(args.root)))
    for finding in findings:
        print(finding)
    print(f"{args.check}: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
