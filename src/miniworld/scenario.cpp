#include "miniworld/scenario.h"

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::miniworld {

#define MINIWORLD_SCENARIO(name) std::unique_ptr<Scenario> make_##name();
#define MINIWORLD_FURTHER(name) MINIWORLD_SCENARIO(name)
#include "miniworld/scenario_list.inc"
#undef MINIWORLD_SCENARIO
#undef MINIWORLD_FURTHER

namespace {

struct Known {
  std::vector<std::unique_ptr<Scenario>> owned;  // in the order of the list
  std::vector<const Scenario*> all, usual;
};

const Known& known_scenarios() {
  static const Known known = [] {
    Known k;
    const auto add = [&k](std::unique_ptr<Scenario> scenario, bool usual) {
      k.all.push_back(scenario.get());
      if (usual) k.usual.push_back(scenario.get());
      k.owned.push_back(std::move(scenario));
    };
#define MINIWORLD_SCENARIO(name) add(make_##name(), /*usual=*/true);
#define MINIWORLD_FURTHER(name) add(make_##name(), /*usual=*/false);
#include "miniworld/scenario_list.inc"
#undef MINIWORLD_SCENARIO
#undef MINIWORLD_FURTHER
    return k;
  }();
  return known;
}

}  // namespace

const std::vector<const Scenario*>& scenarios() {
  return known_scenarios().usual;
}

const std::vector<const Scenario*>& all_scenarios() {
  return known_scenarios().all;
}

const Scenario& find_scenario(const std::string& name) {
  std::string known;
  for (const Scenario* scenario : all_scenarios()) {
    if (scenario->name() == name) return *scenario;
    known += (known.empty() ? "" : ", ") + scenario->name();
  }
  throw usage_error(str("no scenario '", name, "' in the mini world; there are ", known));
}

}  // namespace reasonbrain::miniworld
