#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/validators.h"
#include "core/str.h"
#include "data/record_source.h"
#include "eval/report.h"
#include "eval/summary.h"
#include "miniworld/miniworld_protocol.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace {

struct ProtocolEntry {
  const char* name;
  const char* help;
  std::unique_ptr<eval::Protocol> (*make)();
};

const ProtocolEntry kProtocols[] = {
    {"miniworld", "exact scores against every outcome of the rule; no networks",
     [] {
       return std::unique_ptr<eval::Protocol>(std::make_unique<miniworld::MiniWorldProtocol>());
     }},
};

std::vector<std::string> protocol_names() {
  std::vector<std::string> names;
  for (const ProtocolEntry& entry : kProtocols) names.emplace_back(entry.name);
  return names;
}

struct EvalArgs {
  std::string data, protocol, out;
  std::vector<std::string> predictions;
  eval::ReportOptions report;
  bool json = false;
};

void print_macro(const nlohmann::json& summary) {
  for (const auto& [method, cells] : summary.items()) {
    std::cout << method << ":";
    const nlohmann::json& macro = cells["macro"];
    for (const auto& [metric, value] : macro.items()) {
      if (!value.is_number_float()) continue;
      char text[32];
      std::snprintf(text, sizeof text, " %.3f", value.get<double>());
      std::cout << " " << metric << text;
    }
    if (macro.contains("pairs"))
      std::cout << " pairs " << macro["pairs"]["right"] << "/" << macro["pairs"]["n"];
    std::cout << " (n " << macro["n"] << ", failed " << macro["n_failed"] << ")\n";
  }
}

void eval_run(const EvalArgs& args) {
  require_name("--out", args.out);
  std::vector<eval::Prediction> predictions;
  for (const std::string& text : args.predictions)
    predictions.push_back(eval::parse_prediction(text));
  const NewFolders around_out(args.out);
  const data::RecordSource source(args.data);
  source.require_pictures();
  std::set<std::string> scenarios, categories;
  for (const data::Record& record : source.records()) {
    scenarios.insert(record.scenario);
    categories.insert(record.category);
  }
  scenarios.erase("");
  eval::check_row_names(scenarios, categories);
  std::unique_ptr<eval::Protocol> protocol;
  for (const ProtocolEntry& entry : kProtocols) {
    if (args.protocol == entry.name) protocol = entry.make();
  }
  const nlohmann::json summary =
      eval::write_report(source, *protocol, predictions, args.report, args.out);
  if (args.json) {
    print_json(summary);
  } else {
    print_macro(summary);
    std::cout << "gallery: " << args.out << "/index.html\n";
  }
}

void add_run(CLI::App& eval, Action& action) {
  CLI::App* run =
      eval.add_subcommand("run", "Score folders of edited pictures; writes tables and a gallery");
  auto args = std::make_shared<EvalArgs>();
  run->add_option("--data", args->data, "records.jsonl with targets")->required();
  run->add_option("--pred", args->predictions,
                  "NAME=DIR with DIR/ID.png for every record; may be repeated")
      ->required()
      ->allow_extra_args(false);
  run->add_option("--protocol", args->protocol, "How to score")
      ->required()
      ->check(CLI::IsMember(protocol_names()));
  run->add_option("--out", args->out,
                  "Report folder: summary.json, summary.csv, per_sample.jsonl, tables, index.html")
      ->required();
  run->add_option("--max-fail", args->report.evaluate.max_fail,
                  "Greatest share of missing or damaged pictures of a method")
      ->check(number_between(0.0, 1.0))
      ->capture_default_str();
  run->add_option("--seed", args->report.evaluate.seed,
                  "Of the bootstrap and of the anchor row 'random'")
      ->check(seed_number())
      ->capture_default_str();
  run->add_option("--resamples", args->report.num_resamples,
                  "Bootstrap resamples for the 95 % intervals")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  run->add_flag("--json", args->json, "Print summary.json on stdout");
  run->footer(
      "The rows copy, oracle, blend and random are always in the report.\n"
      "example: reasonbrain eval run --data val/records.jsonl --pred mini=predictions --protocol "
      "miniworld --out report");
  run->callback([args, &action] { action = [args] { eval_run(*args); }; });
}

void add_missing(CLI::App& eval, Action& action, const std::string& name, const std::string& help) {
  CLI::App* command = eval.add_subcommand(name, help + " (not in this release)");
  command->prefix_command();
  command->callback([name, &action] {
    action = [name] {
      throw usage_error(str("eval ", name, ": not in this release; there is: eval run"));
    };
  });
}

}  // namespace

void add_eval(CLI::App& app, Action& action) {
  CLI::App* eval = app.add_subcommand("eval", "Evaluate edited pictures");
  eval->require_subcommand(0, 1);
  add_run(*eval, action);
  eval->add_subcommand("protocols", "List the protocols")->callback([&action] {
    action = [] {
      for (const ProtocolEntry& entry : kProtocols)
        std::cout << entry.name << ": " << entry.help << '\n';
    };
  });
  add_missing(*eval, action, "judge", "Scores from a multimodal model");
  add_missing(*eval, action, "study", "Pages for a user study");
  add_missing(*eval, action, "report", "Tables from several reports");
}

}  // namespace reasonbrain::cli
