#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <cctype>
#include <unordered_map>

#include "core/atomic_file.h"
#include "core/str.h"
#include "io/json.h"
#include "reasonbrain/error.h"
#include "text/train_tokenizer.h"

namespace reasonbrain::text {
namespace {

constexpr int kMaxVocabSize = 1 << 16;

class Sentences : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const std::vector<std::string>& lines) : lines_(lines) {}
  bool done() const override { return index_ >= lines_.size(); }
  void Next() override { ++index_; }
  const std::string& value() const override { return lines_[index_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& lines_;
  size_t index_ = 0;
};

// The serialised model, or "" when `vocab_size` cannot even hold the bytes and characters.
std::string train(const std::vector<std::string>& lines, int vocab_size) {
  const std::unordered_map<std::string, std::string> options = {
      {"model_type", "bpe"},
      {"vocab_size", std::to_string(vocab_size)},
      {"hard_vocab_limit", "false"},
      {"byte_fallback", "true"},
      {"character_coverage", "1.0"},
      {"normalization_rule_name", "identity"},
      {"remove_extra_whitespaces", "false"},
      {"add_dummy_prefix", "true"},
      {"split_by_number", "false"},
      {"unk_id", "0"},
      {"bos_id", "1"},
      {"eos_id", "2"},
      {"pad_id", "-1"},
      {"num_threads", "1"},
      {"minloglevel", "3"},
  };
  Sentences sentences(lines);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &sentences, &model);
  return status.ok() ? model : "";
}

// "?" follows a word without a space: it stands as a character, not as a piece with a leading
// space.
bool has_only_punctuation(const std::string& word) {
  return std::all_of(word.begin(), word.end(),
                     [](unsigned char c) { return std::ispunct(c) != 0; });
}

// The words that `model` cuts into several pieces.
std::vector<std::string> broken_words(const std::string& model,
                                      const std::vector<std::string>& words) {
  if (model.empty()) return words;
  sentencepiece::SentencePieceProcessor processor;
  const auto status = processor.LoadFromSerializedProto(model);
  if (!status.ok()) throw runtime_error(str("SentencePiece: ", status.ToString()));
  std::vector<std::string> broken;
  for (const std::string& word : words) {
    std::vector<std::string> pieces;
    const auto encoded = processor.Encode(word, &pieces);
    if (!encoded.ok() || pieces.size() != 1 || pieces[0] != "\u2581" + word) broken.push_back(word);
  }
  return broken;
}

}  // namespace

void train_llama_tokenizer(const std::vector<std::string>& corpus,
                           const std::vector<std::string>& all_words,
                           const std::filesystem::path& folder) {
  std::vector<std::string> lines = corpus;
  lines.insert(lines.end(), all_words.begin(), all_words.end());
  std::vector<std::string> words = all_words;
  words.erase(std::remove_if(words.begin(), words.end(), has_only_punctuation), words.end());
  if (words.empty()) throw data_error("a tokenizer needs at least one word to be trained on");
  const std::vector<std::string> broken = broken_words(train(lines, kMaxVocabSize), words);
  if (!broken.empty()) {
    throw data_error(
        str("these words cannot be single pieces of a SentencePiece model: ", join(broken, ", ")));
  }
  int too_small = 0, enough = kMaxVocabSize;
  while (enough - too_small > 1) {
    const int middle = (too_small + enough) / 2;
    (broken_words(train(lines, middle), words).empty() ? enough : too_small) = middle;
  }
  write_file_atomic(folder / "tokenizer.model", train(lines, enough));
  io::write_json(folder / "tokenizer_config.json", {{"tokenizer_class", "LlamaTokenizer"},
                                                    {"legacy", true},
                                                    {"add_bos_token", true},
                                                    {"add_eos_token", false},
                                                    {"bos_token", "<s>"},
                                                    {"eos_token", "</s>"},
                                                    {"unk_token", "<unk>"}});
}

}  // namespace reasonbrain::text
