#include "cli/edit.h"

#include "cli/command.h"
#include "cli/output.h"
#include "cli/validators.h"
#include "core/str.h"
#include "data/regions.h"
#include "reasonbrain/error.h"
#include "text/instruction.h"

namespace reasonbrain::cli {
namespace {

constexpr const char* kFooter =
    R"(Several --instruction make a chain: each edits the result of the one before, earlier results are OUT-stepT.png.
With --num N the pictures are OUT-1.png to OUT-N.png; the first equals the one of --num 1.
With --data every record is edited as it would be alone, after all have been checked and their pictures read.
DIR/settings.json, written before the first picture, tells with which settings and model, and from which words,
pictures and regions of each record: pictures that are there already are kept when it agrees, otherwise --overwrite
is needed.

examples:
  reasonbrain edit --model models/mini --image in.png --instruction "What if it was left in the sun?" --out out.png
  reasonbrain edit --model models/mini --image in.png --instruction "What if ...?" --out out.png --explain why
  reasonbrain edit --model runs/mini --data val/records.jsonl --out predictions)";

void add_model_options(CLI::App& command, EditArgs& args) {
  command.add_option("--steps", args.options.steps, "Denoising steps; default: the model's")
      ->check(CLI::Range(int64_t{1}, edit::kMaxSteps));
  command
      .add_option("--guidance", args.options.guidance,
                  "Strength of the instruction, 1 = no guidance; default: the model's")
      ->check(number_between(0.0, edit::kMaxGuidance));
  command
      .add_option("--image-guidance", args.options.image_guidance,
                  "Nearness to the source picture, 1 = no guidance; default: the model's")
      ->check(number_between(0.0, edit::kMaxGuidance));
  command.add_option("--num", args.options.num, "Pictures per instruction, each from other noise")
      ->check(CLI::Range(int64_t{1}, edit::kMaxPictures))
      ->capture_default_str();
  command.add_option("--seed", args.seed, "Of the noise")
      ->check(seed_number())
      ->capture_default_str();
  command
      .add_option("--size", args.size,
                  "Side in pixels that the model's canvas must have, for scripts that rely on it: "
                  "any other than the model's own is refused")
      ->check(CLI::Range(int64_t{8}, int64_t{4096}));
  command
      .add_option("--region-source", args.options.region_source,
                  "Where regions come from; default: those given, else the model's source")
      ->check(CLI::IsMember(data::region_source_names()));
  command.add_option("--sam", args.sam,
                     "Folder with SAM's weights: regions that are not given are its masks, unless "
                     "--region-source says otherwise");
  command
      .add_option("--object-source", args.object_source,
                  "given: objects as given, where there are none as the model finds them (its "
                  "inference.object_source: rules or its language model); rules: always by rules")
      ->check(CLI::IsMember({"given", "rules"}))
      ->capture_default_str();
  add_device_and_dtype(command, args.device, args.dtype);
}

void check_usage(const EditArgs& args) {
  require_name("--out", args.out);
  if (!args.data.empty()) {
    const std::pair<const char*, bool> of_single_edits[] = {
        {"--image", !args.image.empty()},
        {"--instruction", !args.instructions.empty()},
        {"--object", !args.objects.empty()},
        {"--region", !args.region.empty()}};
    for (const auto& [name, given] : of_single_edits) {
      if (given)
        throw usage_error(
            str(name, " goes with single edits; with --data it comes from the records"));
    }
    return;
  }
  if (args.image.empty()) throw usage_error("name a picture with --image, or records with --data");
  if (args.instructions.empty()) throw usage_error("say what happens with --instruction TEXT");
  if (args.overwrite) throw usage_error("--overwrite goes with --data");
  for (const std::string& instruction : args.instructions) text::check_instruction(instruction);
  if (!args.objects.empty() && args.options.objects_by_rules)
    throw usage_error(
        "--object would not be used: --object-source rules finds others; leave one of them out");
  if (!args.region.empty() && !uses_given_regions(args)) {
    throw usage_error(str("--region ", args.region, " would not be used: --region-source ",
                          *args.options.region_source,
                          " finds others; leave one of them out, or pass --region-source file"));
  }
}

}  // namespace

void add_edit(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("edit", "Edit one picture, or the pictures of a JSONL file");
  auto args = std::make_shared<EditArgs>();
  command->add_option("--model", args->model, "Model folder, checkpoint or run folder")->required();
  command->add_option("--image", args->image, "PNG, JPEG or WebP of any size up to 100 megapixels");
  command
      ->add_option("--instruction", args->instructions,
                   "What happens, in words; may be repeated for a chain")
      ->allow_extra_args(false);
  command->add_option("--data", args->data, "records.jsonl: edit every record, instead of --image");
  command->add_option("--out", args->out, "OUT.png; with --data a folder for ID.png")->required();
  command
      ->add_option("--object", args->objects,
                   "What the instruction speaks of, the main thing first; may be repeated. "
                   "Default: found as --object-source says")
      ->allow_extra_args(false);
  command->add_option(
      "--region", args->region,
      "Regions to look at: instance map (8 bit, values 1..n), black-and-white mask, or RLE JSON");
  add_model_options(*command, *args);
  command->add_option("--explain", args->explain,
                      "Folder for pictures, JSON and a page that show how the edit came about "
                      "(with --data: DIR/ID)");
  command->add_flag("--overwrite", args->overwrite,
                    "With --data: edit again what other settings or another model made");
  command->add_flag("!--no-metadata", args->metadata,
                    "Leave instruction, seed and model hash out of the PNG");
  command->add_flag("--json", args->json, "Print one JSON object that lists what was written");
  command->footer(kFooter);
  command->callback([args, &action] {
    action = [args] {
      args->options.explain = !args->explain.empty();
      args->options.objects_by_rules = args->object_source == "rules";
      check_usage(*args);
      args->data.empty() ? edit_one(*args) : edit_many(*args);
    };
  });
}

}  // namespace reasonbrain::cli
