#include "miniworld/scenario.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::miniworld {

#define MINIWORLD_SCENARIO(name) std::unique_ptr<Scenario> make_##name();
#include "miniworld/scenario_list.inc"
#undef MINIWORLD_SCENARIO

const std::vector<std::unique_ptr<Scenario>>& scenarios() {
  static const auto list = [] {
    std::vector<std::unique_ptr<Scenario>> made;
#define MINIWORLD_SCENARIO(name) made.push_back(make_##name());
#include "miniworld/scenario_list.inc"
#undef MINIWORLD_SCENARIO
    return made;
  }();
  return list;
}

const Scenario& find_scenario(const std::string& name) {
  std::string known;
  for (const auto& scenario : scenarios()) {
    if (scenario->name() == name) return *scenario;
    known += (known.empty() ? "" : ", ") + scenario->name();
  }
  throw usage_error(str("no scenario '", name, "' in the mini world; there are ", known));
}

}  // namespace reasonbrain::miniworld
