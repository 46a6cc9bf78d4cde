#include <algorithm>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/data.h"
#include "cli/output.h"
#include "core/parallel.h"
#include "core/progress.h"
#include "core/str.h"
#include "data/record_source.h"

namespace reasonbrain::cli {
namespace {

struct DataArgs {
  std::string data;
  bool json = false;
};

void check(const DataArgs& args) {
  const data::RecordSource source(args.data);
  source.require_pictures();
  {
    Progress progress("checked", source.size(), "records");
    parallel_for(source.size(), /*num_threads=*/0, [&](int64_t i) {
      source.check_pictures(i);
      progress.add();
    });
  }
  if (args.json) {
    print_json({{"records", source.size()}, {"fingerprint", source.fingerprint()}});
  } else {
    std::cout << args.data << ": " << source.size() << " records, every picture can be read\n";
  }
}

using Counts = std::map<std::string, int64_t>;

void count(Counts& counts, const std::string& name) {
  ++counts[name.empty() ? "(none)" : name];
}

void stats(const DataArgs& args) {
  const data::RecordSource source(args.data);
  std::map<std::string, Counts> tables;
  std::vector<size_t> lengths;
  int64_t num_alternatives = 0, num_chains = 0, num_maps = 0;
  Counts groups;
  for (const data::Record& record : source.records()) {
    count(tables["category"], record.category);
    count(tables["scenario"], record.scenario);
    count(tables["split"], record.split);
    count(tables["probe"], record.probe);
    count(tables["outcome"], record.outcome);
    if (!record.group.empty()) ++groups[record.group];
    lengths.push_back(split(trim(record.instruction), ' ').size());
    num_alternatives += static_cast<int64_t>(record.alternatives.size());
    num_chains += record.steps.empty() ? 0 : 1;
    num_maps += record.instance_map.empty() && record.regions_json.empty() ? 0 : 1;
  }
  std::sort(lengths.begin(), lengths.end());
  const nlohmann::json numbers = {
      {"records", source.size()},
      {"minimal_pair_groups", groups.size()},
      {"chains", num_chains},
      {"with_regions", num_maps},
      {"alternatives_per_record",
       static_cast<double>(num_alternatives) / static_cast<double>(source.size())},
      {"instruction_words",
       {{"min", lengths.front()},
        {"median", lengths[lengths.size() / 2]},
        {"max", lengths.back()}}}};
  if (args.json) {
    nlohmann::json out = numbers;
    for (const auto& [name, counts] : tables) out[name] = counts;
    print_json(out);
    return;
  }
  for (const auto& [name, value] : numbers.items())
    std::cout << name << ": " << value.dump() << '\n';
  for (const auto& [name, counts] : tables) {
    std::cout << name << ":\n";
    for (const auto& [value, number] : counts) std::cout << "  " << value << ": " << number << '\n';
  }
}

void add_reader(CLI::App& data, Action& action, const std::string& name, const std::string& help,
                void (*body)(const DataArgs&)) {
  CLI::App* command = data.add_subcommand(name, help);
  auto args = std::make_shared<DataArgs>();
  command->add_option("--data", args->data, "records.jsonl")->required();
  command->add_flag("--json", args->json, "Print one JSON object");
  command->footer("example: reasonbrain data " + name + " --data val/records.jsonl");
  command->callback([args, body, &action] { action = [args, body] { body(*args); }; });
}

}  // namespace

void add_data_check(CLI::App& data, Action& action) {
  add_reader(data, action, "check", "Read every record and every picture", check);
}

void add_data_stats(CLI::App& data, Action& action) {
  add_reader(data, action, "stats", "Count records by category, scenario, split and more", stats);
}

}  // namespace reasonbrain::cli
