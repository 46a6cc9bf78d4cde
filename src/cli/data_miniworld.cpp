#include <iostream>

#include "cli/data.h"
#include "cli/output.h"
#include "cli/validators.h"
#include "core/atomic_file.h"
#include "core/parallel.h"
#include "core/progress.h"
#include "core/replaceable.h"
#include "core/str.h"
#include "data/record_io.h"
#include "miniworld/scenario.h"
#include "miniworld/world.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecords = "records.jsonl";

struct MiniWorldArgs {
  std::string out;
  miniworld::MiniWorldOptions world;
};

void write_pictures(const fs::path& folder, const data::Sample& sample) {
  const auto write = [&](const std::string& name, const io::Image& picture) {
    if (!name.empty()) write_plain(folder / name, io::encode_png(picture));
  };
  write(sample.record.src_image, sample.source);
  write(sample.record.tgt_image, sample.target);
  write(sample.record.instance_map, sample.instance_map);
  for (size_t k = 0; k < sample.alternatives.size(); ++k) {
    write(sample.record.alternatives[k].image, sample.alternatives[k].image);
  }
}

// Whether all records of the folder are of the mini world: it is what an earlier run has left.
bool holds_world(const fs::path& folder) {
  try {
    for (const data::Record& record : data::read_records(folder / kRecords)) {
      miniworld::find_scenario(record.scenario);
    }
    return true;
  } catch (const Error&) {
    return false;
  }
}

void make_miniworld(const MiniWorldArgs& args) {
  const miniworld::MiniWorld world(args.world);
  require_name("--out", args.out);
  const fs::path out = fs::absolute(args.out).lexically_normal();
  require_replaceable("--out", out, kRecords, [](const std::string& name) {
    return name == kRecords || name == "images" || name == "regions";
  });
  if (fs::exists(out / kRecords) && !holds_world(out)) {
    throw usage_error(str("--out ", out.string(), ": its ", kRecords,
                          " is not of the mini world; name an empty or a new folder"));
  }
  const NewFolders around_out(out);
  AtomicFolder folder(out);
  std::vector<std::string> lines(static_cast<size_t>(world.size()));
  Progress progress("drawn", world.size(), "samples");
  parallel_for(world.size(), /*num_threads=*/0, [&](int64_t i) {
    const data::Sample sample = world.get(i);
    write_pictures(folder.path(), sample);
    lines[static_cast<size_t>(i)] = data::to_json_line(sample.record) + "\n";
    progress.add();
  });
  write_plain(folder.path() / kRecords, join(lines, ""));
  folder.commit(/*replace=*/true);
  progress.finish();
  std::cout << (fs::path(args.out) / kRecords).string() << '\n';
}

}  // namespace

void add_data_miniworld(CLI::App& data, Action& action) {
  CLI::App* command = data.add_subcommand("miniworld", "Draw samples of the mini world");
  auto args = std::make_shared<MiniWorldArgs>();
  miniworld::MiniWorldOptions& world = args->world;
  command->add_option("--out", args->out, "Folder for records.jsonl, images/ and regions/")
      ->required();
  command->add_option("--split", world.split, "Which part of the world")
      ->required()
      ->check(CLI::IsMember(miniworld::split_names()));
  command->add_option("--count", world.count, "Records in all, the scenarios in turn")
      ->required()
      ->check(CLI::Range(int64_t{1}, int64_t{10'000'000}));
  command->add_option("--seed", world.seed, "Same seed, same bytes")
      ->required()
      ->check(seed_number());
  command->add_option("--size", world.size, "Picture side in pixels")->capture_default_str();
  command->add_option("--scenario", world.scenarios, "Only this scenario; may be repeated")
      ->allow_extra_args(false);
  command->footer("example: reasonbrain data miniworld --out val --split val --count 600 --seed 7");
  command->callback([args, &action] { action = [args] { make_miniworld(*args); }; });
}

}  // namespace reasonbrain::cli
