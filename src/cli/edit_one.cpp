#include <iostream>

#include "cli/edit.h"
#include "cli/output.h"
#include "core/interrupt.h"
#include "core/str.h"
#include "data/regions.h"
#include "edit/explain.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace fs = std::filesystem;

void edit_one(const EditArgs& args) {
  const fs::path out = args.out;
  if (out.extension() != ".png" || out.stem().empty()) {
    throw usage_error(str("--out ", args.out, ": expected a file name that ends in .png"));
  }
  fs::path stem = out;
  stem.replace_extension();
  const OutputNames names(stem, args.options.num, args.instructions.size());
  const NewFolders around_pictures(out.parent_path()), around_explanation(args.explain);
  for (const auto& turns : names.files) {
    for (const fs::path& file : turns) check_writable_file(file);
  }
  if (args.options.explain) {
    edit::check_explanation_folder(args.explain);
    check_writable_folder(args.explain);
  }

  edit::EditRequest request;
  request.image = io::read_image(args.image);
  request.instructions = args.instructions;
  request.objects = args.objects;
  if (!args.region.empty()) {
    request.instance_map =
        data::read_region_file(args.region, request.image.width, request.image.height);
  }
  request.seed = args.seed;

  const edit::Editor editor = open_editor(args);
  const edit::EditResult result = editor.edit({request}, args.options)[0];
  throw_if_interrupted();
  if (args.options.explain) edit::write_explanation(result, args.explain);
  write_pictures(names, result, picture_metadata(args, request, editor));

  nlohmann::json outputs = nlohmann::json::array(), steps = nlohmann::json::array();
  for (const auto& turns : names.files) {
    outputs.push_back(turns.back().string());
    for (size_t t = 0; t + 1 < turns.size(); ++t) steps.push_back(turns[t].string());
  }
  if (args.json) {
    nlohmann::json object = {{"outputs", outputs},
                             {"steps", steps},
                             {"width", request.image.width},
                             {"height", request.image.height},
                             {"model_sha256", editor.model_sha256()},
                             {"settings", edit_settings(args, editor)}};
    if (args.options.explain) object["explanation"] = args.explain;
    print_json(object);
  } else {
    for (const nlohmann::json& output : outputs) std::cout << output.get<std::string>() << '\n';
  }
}

}  // namespace reasonbrain::cli
