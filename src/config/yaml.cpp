#include "config/yaml.h"

#include <algorithm>
#include <sstream>

#include "config/yaml_events.h"
#include "core/atomic_file.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::config {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kMaxFileBytes = 4 << 20;
constexpr size_t kMaxIncludeDepth = 16;
constexpr int kMaxFiles = 100;
constexpr size_t kMaxOverrideKeys = 64;
constexpr size_t kMaxQuotedBytes = 100;
constexpr const char* kIncludeKey = "include";

Error error_at(const Node& node, const std::string& problem) {
  return config_error(node.origin.text() + ": " + problem);
}

Node read_yaml(const fs::path& path) {
  std::string text;
  try {
    text = read_file(path, kMaxFileBytes);
  } catch (const Error& problem) {
    throw config_error(problem.what());
  }
  Node tree = parse_yaml(text, path.string());
  if (tree.kind == Node::Kind::kNull) {  // an empty file, or comments only
    tree.kind = Node::Kind::kMapping;
    tree.origin = {path.string(), 1};
  }
  if (tree.kind != Node::Kind::kMapping) {
    throw error_at(tree, "expected `key: value` lines at the top level");
  }
  return tree;
}

// Removes the key `include` and returns what it lists.
std::vector<Node> take_includes(Node& tree) {
  const Node* found = tree.find(kIncludeKey);
  if (found == nullptr) return {};
  std::vector<Node> paths =
      found->kind == Node::Kind::kSequence ? found->items : std::vector<Node>{*found};
  for (const Node& path : paths) {
    if (path.kind != Node::Kind::kScalar) {
      throw error_at(path, "key 'include' expects a path or a list of paths");
    }
  }
  std::erase_if(tree.entries, [](const auto& entry) { return entry.key == kIncludeKey; });
  return paths;
}

// `open` holds the files whose includes are being read, outermost first; `num_files` counts all.
Node load_with_includes(const fs::path& path, std::vector<fs::path>& open, int& num_files) {
  Node tree = read_yaml(path);
  std::error_code failure;  // where nothing is found, the comparison below finds no loop
  open.push_back(fs::weakly_canonical(path, failure));
  Node merged;
  merged.kind = Node::Kind::kMapping;
  merged.origin = tree.origin;
  for (const Node& include : take_includes(tree)) {
    const fs::path included = path.parent_path() / include.scalar;
    const fs::path canonical = fs::weakly_canonical(included, failure);
    if (failure) {
      throw error_at(include, str("included file ", included.string(), " cannot be read: ",
                                  failure.message(), "; name a file that can be opened"));
    }
    if (std::find(open.begin(), open.end(), canonical) != open.end()) {
      throw error_at(include, str("include of ", include.scalar, " closes a loop"));
    }
    if (open.size() >= kMaxIncludeDepth) {
      throw error_at(include, str("includes are nested deeper than ", kMaxIncludeDepth));
    }
    if (!fs::is_regular_file(included, failure)) {
      throw error_at(include, str("included file ", included.string(), " does not exist"));
    }
    if (++num_files >= kMaxFiles) {
      throw error_at(include, str("more than ", kMaxFiles, " files are included one by another; ",
                                  "include each of them once"));
    }
    merge(merged, load_with_includes(included, open, num_files));
  }
  merge(merged, tree);
  open.pop_back();
  return merged;
}

// The text as messages quote it, cut between UTF-8 characters.
std::string quoted(const std::string& text) {
  if (text.size() <= kMaxQuotedBytes) return "'" + text + "'";
  size_t end = kMaxQuotedBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return "'" + text.substr(0, end) + "...'";
}

}  // namespace

Node parse_yaml(const std::string& text, const std::string& file) {
  if (!is_valid_utf8(text)) throw config_error(file + ": the text is not UTF-8");
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    NodeBuilder builder(file), second(file);
    parser.HandleNextDocument(builder);
    if (parser.HandleNextDocument(second)) {
      throw config_error(file + ": expected one YAML document, got several");
    }
    return builder.take();
  } catch (const YAML::Exception& problem) {
    const Origin origin{file, problem.mark.is_null() ? 0 : problem.mark.line + 1};
    throw config_error(origin.text() + ": " + problem.msg);
  }
}

Node load_file(const fs::path& path) {
  std::vector<fs::path> open;
  int num_files = 0;
  return load_with_includes(path, open, num_files);
}

void apply_override(Node& tree, const std::string& assignment) {
  const std::string origin = "override " + quoted(assignment);
  const size_t equals = assignment.find('=');
  const std::vector<std::string> keys = split(assignment.substr(0, equals), '.');
  if (equals == std::string::npos || std::find(keys.begin(), keys.end(), "") != keys.end()) {
    throw config_error(origin + ": expected KEY=VALUE with a key such as train.steps");
  }
  if (keys.size() > kMaxOverrideKeys) {
    throw config_error(str(origin, ": ", keys.size(),
                           " keys one within the other, expected at most ", kMaxOverrideKeys));
  }
  const std::string text = assignment.substr(equals + 1);
  Node value = parse_yaml(text, origin);
  if (text.empty()) value.kind = Node::Kind::kScalar, value.quoted = true;

  for (size_t i = keys.size(); i-- > 0;) {  // a: {b: VALUE}
    Node outer;
    outer.kind = Node::Kind::kMapping;
    outer.entries.emplace_back(keys[i], std::move(value));
    value = std::move(outer);
  }
  struct {
    const Origin origin;
    void operator()(Node& node) {  // an override has no lines
      node.origin = origin;
      for (Node& item : node.items) (*this)(item);
      for (auto& entry : node.entries) (*this)(entry.value);
    }
  } set_origin{{origin, 0}};
  set_origin(value);
  merge(tree, value);
}

Node load_config(const std::vector<fs::path>& files, const std::vector<std::string>& overrides) {
  Node tree;
  tree.kind = Node::Kind::kMapping;
  for (const fs::path& file : files) merge(tree, load_file(file));
  for (const std::string& assignment : overrides) apply_override(tree, assignment);
  return tree;
}

fs::path find_config(const std::string& name, const std::vector<fs::path>& search_dirs) {
  std::error_code ignored;
  if (fs::is_regular_file(name, ignored)) return name;
  std::vector<std::string> known;
  for (const fs::path& dir : search_dirs) {
    for (const fs::path& candidate : {dir / name, dir / (name + ".yaml")}) {
      if (fs::is_regular_file(candidate, ignored)) return candidate;
    }
    for (fs::recursive_directory_iterator it(dir, ignored), end; it != end; it.increment(ignored)) {
      if (it->path().extension() == ".yaml") {
        known.push_back(it->path().lexically_relative(dir).string());
      }
    }
  }
  std::string message = str("config '", name, "' is neither a file");
  if (search_dirs.empty()) throw config_error(message + " nor is there a folder of configs");
  message += " nor in";
  for (const fs::path& dir : search_dirs) message += " " + dir.string();
  const std::string nearest = nearest_match(name, known);
  throw config_error(nearest.empty() ? message : message + ", nearest '" + nearest + "'");
}

}  // namespace reasonbrain::config
