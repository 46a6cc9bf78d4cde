#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/data.h"
#include "cli/output.h"
#include "cli/validators.h"
#include "config/options.h"
#include "config/yaml.h"
#include "core/atomic_file.h"
#include "core/interrupt.h"
#include "core/progress.h"
#include "core/str.h"
#include "data/record_source.h"
#include "data/region_cache.h"
#include "io/json_options.h"
#include "io/path_safety.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"
#include "segment/regions.h"

namespace reasonbrain::cli {
namespace {

namespace fs = std::filesystem;

struct CacheArgs {
  std::string what, data, sam;
  std::string device = "auto", dtype = "auto";
  std::vector<std::string> overrides;
  bool overwrite = false, json = false;
};

std::string option_help() {
  std::string text = "options, as NAME=VALUE:\n";
  for (const config::OptionRow& row : config::list_options<segment::SegmentOptions>()) {
    text += str("  ", row.path, "=", row.value, "  ", row.help, row.range.empty() ? "" : ", ",
                row.range, "\n");
  }
  return text;
}

nlohmann::json settings_of(const segment::SegmentOptions& options,
                           const segment::MaskGenerator& generator, const Placement& placement) {
  nlohmann::json settings = io::write_json_options(options);
  settings.erase("points_per_batch");  // changes memory and speed only
  return {{"backend", "sam"},
          {"sha256", generator.sha256()},
          {"dtype", dtype_name(placement.dtype)},
          {"options", settings}};
}

void cache_regions(const CacheArgs& args) {
  const data::RecordSource source(args.data, data::RecordSource::Pictures::kInputsOnly);
  source.require_pictures();
  segment::SegmentOptions options;
  config::read_options(config::load_config({}, args.overrides), options);
  const torch::Device device = parse_device(args.device);
  const Placement placement{device, parse_dtype(args.dtype, device)};
  const segment::MaskGenerator generator(args.sam, options, placement);
  const data::RegionCache cache(args.data);
  check_writable_folder(cache.folder());
  cache.begin(settings_of(options, generator, placement), args.overwrite);

  const fs::path data = args.data;
  const fs::path folder = data.has_parent_path() ? data.parent_path() : ".";
  int64_t written = 0, regions = 0;
  Progress progress("segmented", source.size(), "records");
  for (const data::Record& record : source.records()) {
    throw_if_interrupted();
    const std::string origin = str(args.data, ":", record.line);
    const fs::path file = io::resolve_inside(folder, record.src_image, origin);
    const std::string bytes = read_file(file);
    if (!cache.contains(bytes)) {
      const io::Image picture = io::decode_image(bytes, str(origin, ": ", record.src_image));
      const auto masks =
          segment::choose_regions(generator.masks(picture), picture.width, picture.height, options);
      cache.write(bytes, segment::regions_json(masks, picture.width, picture.height));
      ++written;
      regions += static_cast<int64_t>(masks.size());
    }
    progress.add();
  }
  progress.finish();
  if (args.json) {
    print_json({{"folder", cache.folder().string()},
                {"records", source.size()},
                {"written", written},
                {"regions", regions}});
  } else {
    std::cout << cache.folder().string() << ": " << written << " pictures segmented, " << regions
              << " regions\n";
  }
}

}  // namespace

void add_data_cache(CLI::App& data, Action& action) {
  CLI::App* command =
      data.add_subcommand("cache", "Find regions with SAM once, for training and editing");
  auto args = std::make_shared<CacheArgs>();
  command
      ->add_option("--what", args->what,
                   "regions: SAM's masks of every source picture, into RECORDS.regions/ beside "
                   "RECORDS.jsonl, where train and edit find them")
      ->required()
      ->check(CLI::IsMember({"regions"}));
  command->add_option("--data", args->data, "records.jsonl")->required();
  command
      ->add_option("--sam", args->sam,
                   "Folder with config.json of a SamModel and its weights, or those of "
                   "segment-anything")
      ->required();
  add_device_and_dtype(*command, args->device, args->dtype);
  command->add_flag("--overwrite", args->overwrite,
                    "Make again what was made with other settings or another model");
  command->add_flag("--json", args->json, "Print one JSON object");
  command->add_option("options", args->overrides, "NAME=VALUE, listed below");
  command->footer(option_help() +
                  "What is there already is kept: an interrupted run continues.\n"
                  "example: reasonbrain data cache --what regions --data train/records.jsonl --sam "
                  "sam-vit-base points_per_side=16");
  command->callback([args, &action] { action = [args] { cache_regions(*args); }; });
}

}  // namespace reasonbrain::cli
