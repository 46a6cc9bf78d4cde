#include "text/tokenizer.h"

#include "core/atomic_file.h"
#include "core/str.h"
#include "io/path_safety.h"
#include "reasonbrain/error.h"
#include "text/clip_tokenizer.h"
#include "text/json_tokenizer.h"
#include "text/sentencepiece_tokenizer.h"

namespace reasonbrain::text {
namespace {

constexpr const char* kTokenizerFiles[] = {"tokenizer.model",
                                           "spiece.model",
                                           "vocab.json",
                                           "merges.txt",
                                           "added_tokens.json",
                                           "special_tokens_map.json",
                                           "tokenizer_config.json",
                                           "tokenizer.json"};

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder) try {
  if (!std::filesystem::is_directory(folder)) {
    throw data_error(str(folder.string(), ": no such folder; expected one with tokenizer files"));
  }
  for (const char* name : {"tokenizer.model", "spiece.model"}) {
    if (std::filesystem::exists(folder / name)) {
      return std::make_unique<SentencePieceTokenizer>(folder, name);
    }
  }
  const bool has_vocab = std::filesystem::exists(folder / "vocab.json");
  const bool has_merges = std::filesystem::exists(folder / "merges.txt");
  if (has_vocab && has_merges) return std::make_unique<ClipTokenizer>(folder);
  if (has_vocab != has_merges) {
    throw data_error(str(folder.string(), ": has ", has_vocab ? "vocab.json" : "merges.txt",
                         " but not ", has_vocab ? "merges.txt" : "vocab.json",
                         "; both are needed"));
  }
  if (std::filesystem::exists(folder / "tokenizer.json")) {
    return std::make_unique<JsonTokenizer>(folder);
  }
  throw data_error(str(folder.string(),
                       ": no tokenizer here; expected tokenizer.model, spiece.model, vocab.json "
                       "and merges.txt, or tokenizer.json"));
} catch (const std::filesystem::filesystem_error& problem) {
  throw io::unreadable(problem);
}

void copy_tokenizer_files(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const char* name : kTokenizerFiles) {
    if (std::filesystem::exists(from / name)) write_file_atomic(to / name, read_file(from / name));
  }
}

}  // namespace reasonbrain::text
