// `reasonbrain data tokenizers`: the tokenizers of models that are trained from scratch on the mini
// world.
#include "cli/data.h"
#include "cli/output.h"
#include "core/log.h"
#include "core/str.h"
#include "miniworld/world.h"
#include "text/train_tokenizer.h"

namespace reasonbrain::cli {
namespace {

constexpr int64_t kCorpusLines = 4000;
constexpr int64_t kCorpusSeed = 1;

}  // namespace

void add_data_tokenizers(CLI::App& data, Action& action) {
  CLI::App* command = data.add_subcommand(
      "tokenizers", "Train the mini world's tokenizers (LLaMA and CLIP formats)");
  auto out = std::make_shared<std::string>();
  command->add_option("--out", *out, "Folder; llm/ and text/ are written into it")->required();
  command->footer("example:\n  reasonbrain data tokenizers --out configs/tokenizers/mini");
  command->callback([out, &action] {
    action = [out] {
      require_name("--out", *out);
      const std::filesystem::path folder = *out;
      const std::vector<std::string> words = miniworld::all_words();
      text::train_llama_tokenizer(miniworld::corpus(kCorpusSeed, kCorpusLines), words,
                                  folder / "llm");
      text::train_clip_tokenizer(words, folder / "text");
      log::info(str("wrote ", (folder / "llm").string(), " and ", (folder / "text").string()));
    };
  });
}

}  // namespace reasonbrain::cli
