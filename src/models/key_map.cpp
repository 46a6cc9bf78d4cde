#include "models/key_map.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "core/str.h"

namespace reasonbrain::models {
namespace {

std::vector<std::string> filled(const std::vector<KeyPattern>& patterns, const Captures& captures) {
  std::vector<std::string> keys;
  for (const KeyPattern& pattern : patterns) keys.push_back(pattern.fill(captures));
  return keys;
}

bool matches_any(const std::vector<KeyPattern>& patterns, const std::string& key,
                 Captures& captures) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const KeyPattern& pattern) { return pattern.match(key, captures); });
}

}  // namespace

void KeyPlan::add(const std::string& file_key, const std::string& module_key) {
  KeyBinding binding{{file_key}, {module_key}};
  const auto [loaded, is_first] = loaded_.emplace(module_key, bindings.size());
  if (!is_first && file_key == module_key) {
    bindings[loaded->second].alias = true;
    loaded->second = bindings.size();
  } else {
    binding.alias = !is_first;
  }
  bindings.push_back(std::move(binding));
}

KeyTable::KeyTable(std::vector<KeyRule> rules) : rules_(std::move(rules)) {
  for (const KeyRule& rule : rules_) {
    Compiled compiled;
    for (const std::string& pattern : rule.file) compiled.file.emplace_back(pattern);
    for (const std::string& pattern : rule.module) compiled.module.emplace_back(pattern);
    const auto captures = compiled.file.at(0).names();
    const auto same = [&](const KeyPattern& pattern) { return pattern.names() == captures; };
    if (!std::all_of(compiled.file.begin(), compiled.file.end(), same) ||
        !std::all_of(compiled.module.begin(), compiled.module.end(), same)) {
      throw std::logic_error("key map: the captures of '" + rule.file[0] + "' differ");
    }
    compiled_.push_back(std::move(compiled));
  }
}

KeyTable KeyTable::with_file_prefix(const std::string& prefix,
                                    const std::vector<KeyRule>& more) const {
  std::vector<KeyRule> rules = rules_;
  for (KeyRule& rule : rules) {
    for (std::string& pattern : rule.file) pattern = prefix + pattern;
  }
  rules.insert(rules.end(), more.begin(), more.end());
  return KeyTable(std::move(rules));
}

KeyBinding KeyTable::bind(size_t rule, const Captures& captures) const {
  return {.file = filled(compiled_[rule].file, captures),
          .module = filled(compiled_[rule].module, captures),
          .transform = rules_[rule].transform,
          .heads = rules_[rule].heads};
}

KeyPlan KeyTable::plan_loading(const std::vector<std::string>& file_keys) const {
  KeyPlan plan;
  std::vector<std::pair<size_t, KeyBinding>> found;  // with the rule's number
  std::set<std::pair<size_t, std::string>> known;    // a rule's binding, by its first file key
  Captures captures;
  for (const std::string& key : file_keys) {
    size_t i = 0;
    while (i < rules_.size() && !matches_any(compiled_[i].file, key, captures)) ++i;
    if (i == rules_.size()) {
      plan.unknown.push_back(key);
    } else if (!rules_[i].module.empty()) {
      KeyBinding binding = bind(i, captures);
      if (known.emplace(i, binding.file[0]).second) found.emplace_back(i, std::move(binding));
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::set<std::string> taken;
  for (auto& entry : found) {
    KeyBinding& binding = entry.second;
    binding.alias = std::all_of(binding.module.begin(), binding.module.end(),
                                [&](const std::string& key) { return taken.contains(key); });
    taken.insert(binding.module.begin(), binding.module.end());
    plan.bindings.push_back(std::move(binding));
  }
  return plan;
}

KeyPlan KeyTable::plan_saving(const std::vector<std::string>& module_keys) const {
  KeyPlan plan;
  std::set<std::string> done;
  Captures captures;
  for (const std::string& key : module_keys) {
    if (done.contains(key)) continue;
    size_t i = 0;
    while (i < rules_.size() &&
           (rules_[i].only_loading || !matches_any(compiled_[i].module, key, captures))) {
      ++i;
    }
    if (i == rules_.size()) {
      plan.unknown.push_back(key);
      continue;
    }
    plan.bindings.push_back(bind(i, captures));
    done.insert(plan.bindings.back().module.begin(), plan.bindings.back().module.end());
  }
  return plan;
}

bool any_key_matches(const std::vector<std::string>& keys, const std::string& pattern) {
  const KeyPattern compiled(pattern);
  Captures captures;
  return std::any_of(keys.begin(), keys.end(),
                     [&](const std::string& key) { return compiled.match(key, captures); });
}

}  // namespace reasonbrain::models
