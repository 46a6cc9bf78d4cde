#include <ATen/Parallel.h>

#include <filesystem>
#include <memory>

#include "cli/edit.h"
#include "cli/version.h"
#include "core/atomic_file.h"
#include "core/str.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace fs = std::filesystem;

edit::Editor open_editor(const EditArgs& args) {
  // LibTorch's threads wait for work by spinning, from the first operator on: a small model, which
  // needs one thread for each picture, is read with one as well.
  const int num_threads = at::get_num_threads();
  at::set_num_threads(1);
  edit::Editor editor(args.model, args.device, args.dtype);
  if (!args.sam.empty()) editor.use_sam(args.sam);
  editor.check_options(args.options);
  if (args.size && *args.size != editor.picture_side()) {
    throw usage_error(str("--size ", *args.size, ": the grid of this model's denoiser allows ",
                          editor.picture_side(), " only; pictures of any size are fitted to it"));
  }
  // The same for one picture and for many, so that both give the same bytes.
  if (editor.num_parallel() == 1) at::set_num_threads(num_threads);
  return editor;
}

bool uses_given_regions(const EditArgs& args) {
  return args.options.region_source.value_or("file") == "file";
}

bool uses_given_objects(const EditArgs& args) {
  return !args.options.objects_by_rules;
}

OutputNames::OutputNames(const fs::path& stem, int64_t num_pictures, size_t turns) {
  for (int64_t n = 1; n <= num_pictures; ++n) {
    const std::string base = num_pictures == 1 ? stem.string() : str(stem.string(), "-", n);
    std::vector<fs::path> names;
    for (size_t t = 1; t < turns; ++t) names.emplace_back(str(base, "-step", t, ".png"));
    names.emplace_back(base + ".png");
    files.push_back(std::move(names));
  }
}

void write_pictures(const OutputNames& names, const edit::EditResult& result,
                    const io::PngText& metadata) {
  // All are there under temporary names before the first gets its own.
  std::vector<std::unique_ptr<AtomicFile>> files;
  for (size_t n = 0; n < names.files.size(); ++n) {
    for (size_t t = 0; t < names.files[n].size(); ++t) {
      files.push_back(std::make_unique<AtomicFile>(names.files[n][t]));
      const std::string bytes = io::encode_png(result.pictures[n][t], metadata);
      files.back()->write(bytes.data(), bytes.size());
      files.back()->finish();
    }
  }
  for (const auto& file : files) file->commit();
}

io::PngText picture_metadata(const EditArgs& args, const edit::EditRequest& request,
                             const edit::Editor& editor) {
  if (!args.metadata) return {};
  return {{"Software", str("ReasonBrain ", kVersion)},
          {"Instruction", join(request.instructions, "\n")},
          {"Seed", std::to_string(request.seed)},
          {"Model", editor.model_sha256()}};
}

nlohmann::json edit_settings(const EditArgs& args, const edit::Editor& editor) {
  const edit::EditOptions options = editor.resolved(args.options);
  nlohmann::json settings = {{"steps", *options.steps},
                             {"guidance", *options.guidance},
                             {"image_guidance", *options.image_guidance},
                             {"num", options.num},
                             {"size", editor.picture_side()},
                             {"seed", args.seed},
                             {"region_source", *options.region_source},
                             {"given_regions", uses_given_regions(args)},
                             {"given_objects", uses_given_objects(args)},
                             {"dtype", editor.dtype()},
                             {"metadata", args.metadata}};
  if (*options.region_source == "sam") settings["sam_sha256"] = editor.sam_sha256();
  return settings;
}

}  // namespace reasonbrain::cli
