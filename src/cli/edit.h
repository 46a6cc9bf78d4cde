// What single and batch editing share.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "reasonbrain/editor.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::cli {

struct EditArgs {
  std::string model, image, data, out, region, sam, explain;
  std::vector<std::string> instructions, objects;
  std::string object_source = "given";
  uint64_t seed = 0;
  std::optional<int64_t> size;
  edit::EditOptions options;
  std::string device = "auto", dtype = "auto";
  bool overwrite = false, metadata = true, json = false;
};

void edit_one(const EditArgs& args);
void edit_many(const EditArgs& args);

// Loads the model, checks the options and --size, and settles LibTorch's threads for this model.
edit::Editor open_editor(const EditArgs& args);

// Whether regions given with a picture are used: not when --region-source names another source.
bool uses_given_regions(const EditArgs& args);
// The same for objects and --object-source rules.
bool uses_given_objects(const EditArgs& args);

// Files of a result, last turn and earlier ones: STEM.png, STEM-stepT.png; with several pictures
// STEM-N.png, STEM-N-stepT.png. `turns` is the length of the chain.
struct OutputNames {
  std::vector<std::vector<std::filesystem::path>> files;  // [picture][turn]
  OutputNames(const std::filesystem::path& stem, int64_t num_pictures, size_t turns);
};

// Writes every picture, or none when one of them cannot be written.
void write_pictures(const OutputNames& names, const edit::EditResult& result,
                    const io::PngText& metadata);

// Instruction, seed and model, unless --no-metadata.
io::PngText picture_metadata(const EditArgs& args, const edit::EditRequest& request,
                             const edit::Editor& editor);

// Everything that decides a picture besides its request: options as resolved, dtype, object source.
nlohmann::json edit_settings(const EditArgs& args, const edit::Editor& editor);

}  // namespace reasonbrain::cli
