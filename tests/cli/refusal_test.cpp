// What a command refuses before its work begins.
#include "program.h"

namespace reasonbrain::cli {
namespace {

using RefusalTest = ProgramTest;

TEST_F(RefusalTest, AnEmptyOutputIsStatus2) {
  for (std::vector<std::string> command : std::vector<std::vector<std::string>>{
           {"edit", "--model", "m", "--image", "i.png", "--instruction", "x"},
           {"edit", "--model", "m", "--data", "d.jsonl"},
           {"eval", "run", "--data", "d.jsonl", "--pred", "a=b", "--protocol", "miniworld"},
           {"data", "miniworld", "--split", "val", "--count", "1", "--seed", "1"},
           {"data", "tokenizers"},
           {"model", "export", "--model", "m"},
           {"model", "import", "llama", "--from", "m"}}) {
    command.insert(command.end(), {"--out", ""});
    expect_failure(command, 2, {"--out is empty"});
  }
  EXPECT_TRUE(names_in(".").empty());
}

TEST_F(RefusalTest, RegionsThatWouldNotBeUsedAreStatus2) {
  picture("in.png");
  io::write_png(folder_ / "m.png", io::Image(64, 64, 1, 1));
  const auto edit = [](const std::string& source) {
    return std::vector<std::string>{
        "edit",          "--model", "no-model", "--image", "in.png",          "--out", "out.png",
        "--instruction", "x",       "--region", "m.png",   "--region-source", source};
  };
  for (const char* source : {"none", "kmeans", "sam"})
    expect_failure(edit(source), 2, {"--region m.png", str("--region-source ", source)});
  expect_failure(edit("file"), 4, {"no-model"});
}

TEST_F(RefusalTest, DataCheckReadsThePicturesThatNoSampleHolds) {
  picture("p.png");
  write_file_atomic(folder_ / "cut.png", read_file(folder_ / "p.png").substr(0, 60));
  const std::string record = R"({"id": "a", "src_image": "p.png", "instruction": "x", )";
  for (const char* more : {R"("steps": [{"instruction": "y", "tgt_image": "cut.png"}]})",
                           R"("instance_map": "m.png", "regions": [{"mask": "cut.png"}]})"}) {
    io::write_png(folder_ / "m.png", io::Image(64, 64, 1));
    write_file_atomic(folder_ / "r.jsonl", record + more + "\n");
    expect_failure({"data", "check", "--data", "r.jsonl"}, 4, {"r.jsonl:1", "cut.png"});
  }
}

}  // namespace
}  // namespace reasonbrain::cli
