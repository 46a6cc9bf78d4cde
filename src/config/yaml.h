// Reading YAML files: includes, overlays and overrides, with limits that make hostile files
// harmless.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/node.h"

namespace reasonbrain::config {

// One document. Errors are Error(kConfig) and start with "FILE:LINE: ". Refused: duplicate keys,
// several documents, nesting deeper than 64, more than 200000 nodes or 16 MB of text once aliases
// are expanded.
Node parse_yaml(const std::string& text, const std::string& file);

// A file of at most 4 MB whose top level is a mapping. Its key `include` (a path or a list of
// paths, relative to the file) names files that are merged below it, in order; the key itself is
// removed. At most 100 files are read in all, one that is included twice counts twice.
Node load_file(const std::filesystem::path& path);

// Applies "a.b=VALUE": VALUE is YAML (a scalar or a flow list), an empty VALUE is the empty string.
// At most 64 keys, one within the other.
void apply_override(Node& tree, const std::string& assignment);

// Files laid over each other, later wins, then the overrides. No file at all gives an empty
// mapping.
Node load_config(const std::vector<std::filesystem::path>& files,
                 const std::vector<std::string>& overrides = {});

// `name` itself when it is a file, else DIR/name or DIR/name.yaml in the first folder that has it.
std::filesystem::path find_config(const std::string& name,
                                  const std::vector<std::filesystem::path>& search_dirs);

}  // namespace reasonbrain::config
