#include "reasonbrain/editor.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/atomic_file.h"
#include "core/log.h"
#include "core/rng.h"
#include "edit/explain.h"
#include "io/json.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"
#include "text/objects.h"
#include "tiny_model.h"

namespace reasonbrain::edit {
namespace {

namespace fs = std::filesystem;

io::Image noise(int width, int height, uint64_t seed) {
  Rng rng(seed);
  io::Image image(width, height, 3);
  for (uint8_t& pixel : image.pixels) pixel = static_cast<uint8_t>(rng.below(256));
  return image;
}

EditRequest request(uint64_t seed,
                    const std::string& instruction = "What if the red block melts?") {
  EditRequest out;
  out.image = noise(kTinySide, kTinySide, 99);
  out.instructions = {instruction};
  out.seed = seed;
  return out;
}

ErrorKind kind_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::kRuntime;
}

class EditorTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    at::set_num_threads(1);
    folder_ = fs::temp_directory_path() / str("rb-editor-", ::getpid());
    make_tiny_model(folder_ / "model");
    editor_ = new Editor(folder_ / "model", "cpu");
  }
  static void TearDownTestSuite() {
    delete editor_;
    fs::remove_all(folder_);
  }
  static io::Image edit_one(const EditRequest& r, const EditOptions& options = {}) {
    return editor_->edit({r}, options)[0].pictures[0][0];
  }
  static inline fs::path folder_;
  static inline Editor* editor_ = nullptr;
};

TEST_F(EditorTest, ABatchGivesTheBytesOfSingles) {
  std::vector<EditRequest> requests = {request(1), request(1, "What if the wolf left?"),
                                       request(2)};
  requests[1].image = noise(50, 20, 7);
  requests[2].objects = {"red block", "wolf"};
  const std::vector<EditResult> results = editor_->edit(requests, {});
  ASSERT_EQ(results.size(), 3u);
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(results[i].pictures[0][0], edit_one(requests[i])) << i;
    EXPECT_TRUE(results[i].pictures[0][0].same_shape(requests[i].image));
  }
}

TEST_F(EditorTest, ThreadsGiveTheSameBytes) {
  const io::Image expected = edit_one(request(5));
  std::vector<io::Image> got(4);
  std::vector<std::thread> threads;
  for (io::Image& image : got) threads.emplace_back([&image] { image = edit_one(request(5)); });
  for (std::thread& thread : threads) thread.join();
  for (const io::Image& image : got) EXPECT_EQ(image, expected);
}

TEST_F(EditorTest, NoiseIsKeyedBySeedAndPicture) {
  EditOptions three;
  three.num = 3;
  const EditResult result = editor_->edit({request(1)}, three)[0];
  EXPECT_EQ(result.pictures[0][0], edit_one(request(1)));
  EXPECT_NE(result.pictures[1][0], result.pictures[0][0]);
  EXPECT_NE(result.pictures[2][0], result.pictures[1][0]);
  EXPECT_NE(edit_one(request(2)), edit_one(request(1)));
}

TEST_F(EditorTest, AChainEditsTheResultOfTheTurnBefore) {
  EditRequest chain = request(1);
  chain.instructions.push_back("What if the wolf left?");
  const EditResult result = editor_->edit({chain}, {})[0];
  ASSERT_EQ(result.pictures[0].size(), 2u);
  EXPECT_EQ(result.pictures[0][0], edit_one(request(1)));
  EditRequest second = request(1, chain.instructions[1]);
  second.image = result.pictures[0][0];
  EXPECT_EQ(result.pictures[0][1], edit_one(second));
  EXPECT_NE(result.pictures[0][1], result.pictures[0][0]);
}

TEST_F(EditorTest, GuidanceChangesThePictureAndOneIsOff) {
  EditOptions off, on;
  off.guidance = 1;
  off.image_guidance = 1;
  on.guidance = 4;
  on.image_guidance = 1.5;
  EXPECT_EQ(edit_one(request(1), off), edit_one(request(1)));
  EXPECT_NE(edit_one(request(1), on), edit_one(request(1)));
}

TEST_F(EditorTest, RegionsAndObjectsReachTheModel) {
  EditRequest with_map = request(1);
  with_map.instance_map = io::Image(kTinySide, kTinySide, 1, 0);
  for (int y = 0; y < kTinySide / 2; ++y) {
    for (int x = 0; x < kTinySide / 2; ++x) with_map.instance_map.at(x, y) = 3;
  }
  EditOptions none;
  none.region_source = "none";
  none.explain = true;
  const Turn without = editor_->edit({request(1)}, none)[0].turns[0];
  const Turn with = editor_->edit({with_map}, none)[0].turns[0];
  EXPECT_TRUE(without.instance_map.empty());
  EXPECT_EQ(with.instance_map, with_map.instance_map);
  EXPECT_NE(with.attention, without.attention);
  EditRequest with_objects = request(1);
  with_objects.objects = {"wolf"};
  EXPECT_NE(editor_->edit({with_objects}, none)[0].turns[0].attention, without.attention);
}

TEST_F(EditorTest, RulesFindObjectsForAModelThatAsksItsLanguageModelToo) {
  reason::PipelineOptions options = reason::Pipeline::load(folder_ / "model", {})->options();
  options.parts = {};
  options.inference.object_source = reason::ObjectSource::kModel;
  reason::Pipeline::create(options, {}, /*seed=*/3)->save(folder_ / "asking");
  const Editor asking(folder_ / "asking", "cpu");
  EditOptions rules;
  rules.objects_by_rules = true;
  rules.explain = true;
  const auto objects = [&](const EditRequest& r) {
    return asking.edit({r}, rules)[0].turns[0].objects;
  };
  for (const char* instruction : {"What if the red block melts?", "What if the wolf left?"})
    EXPECT_EQ(objects(request(1, instruction)), text::extract_objects(instruction, 3));
  EditRequest given = request(1);
  given.objects = {"wolf"};
  EXPECT_EQ(objects(given), given.objects);
}

TEST_F(EditorTest, RefusesBadRequests) {
  const auto check = [](const EditRequest& r, const EditOptions& o = {}) {
    return kind_of([&] { editor_->edit({r}, o); });
  };
  EXPECT_EQ(check(request(1, "  ")), ErrorKind::kUsage);
  EXPECT_EQ(check(request(1, "\xff")), ErrorKind::kUsage);
  EXPECT_EQ(check(request(1, std::string("a\0b", 3))), ErrorKind::kUsage);
  EXPECT_EQ(check(request(1, std::string(500, 'q'))), ErrorKind::kUsage);
  EditRequest empty = request(1);
  empty.image = {};
  EXPECT_EQ(check(empty), ErrorKind::kData);
  EditRequest other_map = request(1);
  other_map.instance_map = io::Image(5, 5, 1);
  EXPECT_EQ(check(other_map), ErrorKind::kData);
  EditOptions options;
  options.steps = 0;
  EXPECT_EQ(check(request(1), options), ErrorKind::kUsage);
  options.steps = 2;
  options.guidance = std::nan("");
  EXPECT_EQ(check(request(1), options), ErrorKind::kUsage);
  options.guidance = 1;
  options.region_source = "sam";
  EXPECT_EQ(check(request(1), options), ErrorKind::kUsage);
}

TEST_F(EditorTest, ExplanationHoldsEveryStepAndAttentionThatSumsToAtMostOne) {
  EditOptions options;
  options.explain = true;
  EditRequest chain = request(1);
  chain.instructions.push_back("What if the wolf left?");
  const EditResult result = editor_->edit({chain}, options)[0];
  ASSERT_EQ(result.turns.size(), 2u);
  const Turn& turn = result.turns[0];
  EXPECT_EQ(turn.denoising.size(), 3u);
  EXPECT_EQ(turn.edited, result.pictures[0][0]);
  EXPECT_EQ(turn.attention_grid, kTinySide / 8);
  EXPECT_EQ(turn.num_guidance_tokens, 4);
  ASSERT_EQ(turn.attention.size(), 4u * 4 * 4);
  for (size_t k = 0; k < 4; ++k) {
    double sum = 0;
    for (size_t i = 0; i < 16; ++i) sum += turn.attention[k * 16 + i];
    EXPECT_GT(sum, 0);
    EXPECT_LE(sum, 1);
  }
  EXPECT_EQ(turn.answer.size(), turn.answer_confidence.size());

  const fs::path out = folder_ / "why";
  write_explanation(result, out);
  const auto json = io::read_json(out / "explanation.json");
  EXPECT_EQ(json["turns"][1]["instruction"], "What if the wolf left?");
  for (const auto& file : json["turns"][0]["files"]) {
    EXPECT_FALSE(io::read_image(out / file.get<std::string>()).empty()) << file;
  }
  const std::string page = read_file(out / "index.html");
  EXPECT_EQ(page.find("http"), std::string::npos);
  EXPECT_NE(page.find("data:image/png;base64,"), std::string::npos);
  write_explanation(result, out);  // replaces its own
  write_file_atomic(out / "mine.txt", "x");
  EXPECT_EQ(kind_of([&] { write_explanation(result, out); }), ErrorKind::kUsage);
}

TEST_F(EditorTest, WarnsOfWhatActedInTrainingOnly) {
  const auto warnings = [](reason::ApplyAt apply_at) {
    reason::PipelineOptions options = reason::Pipeline::load(folder_ / "model", {})->options();
    options.parts = {};
    options.reason.token_selection.enabled = true;
    options.reason.token_selection.layer = 0;
    options.reason.token_selection.apply_at = apply_at;
    reason::Pipeline::create(options, {}, /*seed=*/3)->save(folder_ / "selecting");
    testing::internal::CaptureStderr();
    Editor(folder_ / "selecting", "cpu");
    log::flush();
    return testing::internal::GetCapturedStderr();
  };
  const std::string train = warnings(reason::ApplyAt::kTrain);
  EXPECT_NE(train.find("reason.token_selection.apply_at is train"), std::string::npos) << train;
  EXPECT_EQ(train.find("token_propagation"), std::string::npos) << train;
  EXPECT_EQ(warnings(reason::ApplyAt::kBoth), "");
}

TEST_F(EditorTest, LoadsOnlyModels) {
  EXPECT_EQ(kind_of([] { Editor(folder_ / "none", "cpu"); }), ErrorKind::kData);
  EXPECT_EQ(kind_of([] { Editor(folder_ / "model", "tpu"); }), ErrorKind::kUsage);
  EXPECT_EQ(kind_of([] { Editor(folder_ / "model", "cpu", "int3"); }), ErrorKind::kUsage);
}

}  // namespace
}  // namespace reasonbrain::edit
