#include "train/run_state.h"

#include <limits>

#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::train {
namespace {

using nlohmann::json;

constexpr int kFormatVersion = 1;

[[noreturn]] void refuse(const std::string& origin, const std::string& what, const json& saved,
                         const json& wanted) {
  throw config_error(str("cannot resume from ", origin, ": it was written with ", what, " ",
                         saved.dump(), ", the configuration says ", wanted.dump(),
                         "; set it back, or start anew in another run folder"));
}

json stage_names(const json& plan, size_t count) {
  json names = json::array();
  for (size_t i = 0; i < std::min(count, plan.size()); ++i) names.push_back(plan[i].at("name"));
  return names;
}

// JSON has no NaN: it is written as null.
double number(const json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

}  // namespace

void LogWindow::add(const StepResult& step) {
  ++steps;
  loss += step.loss;
  grad_norm += step.grad_norm;
  for (const auto& [name, value] : step.terms) {
    auto& [sum, count] = terms[name];
    if (!value) continue;
    sum += *value;
    ++count;
  }
}

json LogWindow::means() const {
  json line;
  const auto count = static_cast<double>(std::max<int64_t>(steps, 1));
  line["loss"] = loss / count;
  line["grad_norm"] = grad_norm / count;
  for (const auto& [name, entry] : terms) {
    const auto& [sum, number] = entry;
    line["loss_" + name] = number == 0 ? json() : json(sum / static_cast<double>(number));
  }
  return line;
}

json to_json(const RunState& state, const RunIdentity& identity) {
  json terms = json::object();
  for (const auto& [name, entry] : state.window.terms) terms[name] = {entry.first, entry.second};
  return {{"format_version", kFormatVersion},
          {"step", state.step},
          {"stage", state.stage},
          {"stage_step", state.stage_step},
          {"samples_seen", state.samples_seen},
          {"best", state.best ? json(*state.best) : json()},
          {"metrics", state.metrics},
          {"loss", state.loss},
          {"window",
           {{"steps", state.window.steps},
            {"loss", state.window.loss},
            {"grad_norm", state.window.grad_norm},
            {"terms", terms}}},
          {"seed", identity.seed},
          {"plan", plan_json(identity.plan)},
          {"model", identity.model},
          {"data", identity.data_fingerprint}};
}

RunState run_state_from_json(const json& saved, const std::string& origin) {
  try {
    if (saved.at("format_version") != kFormatVersion) {
      throw data_error(str(origin, " has format version ", saved.at("format_version").dump(),
                           ", expected ", kFormatVersion));
    }
    RunState state;
    state.step = saved.at("step");
    state.stage = saved.at("stage");
    state.stage_step = saved.at("stage_step");
    state.samples_seen = saved.at("samples_seen");
    if (!saved.at("best").is_null()) state.best = saved.at("best").get<double>();
    for (const auto& [name, value] : saved.at("metrics").items()) {
      if (!value.is_null()) state.metrics[name] = value;
    }
    state.loss = number(saved.at("loss"));
    const json& window = saved.at("window");
    state.window.steps = window.at("steps");
    state.window.loss = number(window.at("loss"));
    state.window.grad_norm = number(window.at("grad_norm"));
    for (const auto& [name, entry] : window.at("terms").items()) {
      state.window.terms[name] = {number(entry.at(0)), entry.at(1)};
    }
    return state;
  } catch (const json::exception& problem) {
    throw data_error(str(origin, " is not a training state: ", problem.what()));
  }
}

void require_same_run(const json& saved, const RunIdentity& identity, const std::string& origin) {
  const json& then = saved.at("plan");
  const json now = plan_json(identity.plan);
  size_t present = 0;
  while (present < then.size() && then[present].at("name") != saved.at("stage")) ++present;
  if (present == then.size()) throw data_error(origin + " does not list its own stage");

  if (saved.at("seed") != identity.seed) refuse(origin, "seed", saved.at("seed"), identity.seed);
  const json names_then = stage_names(then, present + 1);
  const json names_now = stage_names(now, present + 1);
  if (names_then != names_now) refuse(origin, "the stages", names_then, names_now);
  for (const char* key : {"batch_size", "accumulate"}) {
    if (then[present].at(key) == now[present].at(key)) continue;
    refuse(origin, str(key, " of stage '", now[present].at("name").get<std::string>(), "'"),
           then[present].at(key), now[present].at(key));
  }
  const json model = saved.value("model", json::object());
  for (const auto& [option, value] : identity.model) {  // one that is new since then has no match
    if (model.contains(option) && model.at(option) != value)
      refuse(origin, option, model.at(option), value);
  }
}

}  // namespace reasonbrain::train
