// A small pipeline and pictures to give it.
#pragma once

#include <gtest/gtest.h>

#include "core/rng.h"
#include "core/temp_dir.h"
#include "edit/tiny_model.h"
#include "reason/pipeline.h"

namespace reasonbrain::reason {

class PipelineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempDir;
    edit::make_tiny_model(folder_->path());
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  static std::shared_ptr<Pipeline> load() { return Pipeline::load(folder_->path(), Placement{}); }

  // The options of the saved model, its tokenizers included, to build fresh variants from.
  static PipelineOptions options() {
    PipelineOptions options = load()->options();
    options.parts = {};
    return options;
  }

  // Pictures that differ in everything that may differ: words, objects, regions.
  static std::vector<Picture> pictures() {
    std::vector<Picture> out;
    const char* instructions[] = {"What if the red block melts ?", "What if the wolf left ?",
                                  "the block"};
    const std::vector<std::vector<std::string>> objects = {{"red block", "wolf"}, {"wolf"}, {}};
    for (int i = 0; i < 3; ++i) {
      Picture picture;
      picture.canvas = io::Image(edit::kTinySide, edit::kTinySide, 3);
      Rng rng(static_cast<uint64_t>(i) + 1);
      for (uint8_t& pixel : picture.canvas.pixels) pixel = static_cast<uint8_t>(rng.below(256));
      picture.instruction = instructions[i];
      picture.objects = objects[static_cast<size_t>(i)];
      if (i < 2) {
        picture.instance_map = io::Image(edit::kTinySide, edit::kTinySide, 1);
        for (int y = 4; y < 20; ++y) {
          for (int x = 3; x < 11 + 8 * i; ++x)
            picture.instance_map.at(x, y) = static_cast<uint8_t>(x < 8 ? 1 : 2 + i);
        }
      }
      out.push_back(std::move(picture));
    }
    return out;
  }

  inline static TempDir* folder_ = nullptr;
};

}  // namespace reasonbrain::reason
