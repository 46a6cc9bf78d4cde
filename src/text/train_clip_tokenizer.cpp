#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "core/atomic_file.h"
#include "core/str.h"
#include "io/json.h"
#include "text/bpe.h"
#include "text/clip_words.h"
#include "text/train_tokenizer.h"

namespace reasonbrain::text {
namespace {

using Symbols = std::vector<std::string>;
using Pair = std::pair<std::string, std::string>;

// The pair that occurs most often; among equals the first in byte order. Counts are all zero when
// every word is one symbol.
std::pair<Pair, int> most_frequent_pair(const std::vector<Symbols>& words) {
  std::map<Pair, int> counts;
  for (const Symbols& word : words) {
    for (size_t i = 0; i + 1 < word.size(); ++i) ++counts[{word[i], word[i + 1]}];
  }
  std::pair<Pair, int> best;
  for (const auto& [pair, count] : counts) {
    if (count > best.second) best = {pair, count};
  }
  return best;
}

void apply_merge(const Pair& pair, Symbols& word) {
  Symbols merged;
  for (size_t i = 0; i < word.size(); ++i) {
    if (i + 1 < word.size() && word[i] == pair.first && word[i + 1] == pair.second) {
      merged.push_back(pair.first + pair.second);
      ++i;
    } else {
      merged.push_back(word[i]);
    }
  }
  word = std::move(merged);
}

}  // namespace

void train_clip_tokenizer(const std::vector<std::string>& words,
                          const std::filesystem::path& folder) {
  std::set<std::string> distinct;
  for (const std::string& text : words) {
    for (std::string& word : clip_words(clip_normalize(text))) distinct.insert(std::move(word));
  }
  std::vector<Symbols> symbols;
  for (const std::string& word : distinct) symbols.push_back(clip_symbols(word));

  nlohmann::json vocab = nlohmann::json::object();
  const auto add = [&](const std::string& token) {
    const size_t id = vocab.size();
    if (!vocab.contains(token)) vocab[token] = id;
  };
  for (const char* suffix : {"", "</w>"}) {
    for (const std::string& letter : byte_letters()) add(letter + suffix);
  }
  std::string merges = "#version: 0.2\n";
  for (auto [pair, count] = most_frequent_pair(symbols); count > 0;
       std::tie(pair, count) = most_frequent_pair(symbols)) {
    for (Symbols& word : symbols) apply_merge(pair, word);
    merges += pair.first + " " + pair.second + "\n";
    add(pair.first + pair.second);
  }
  add("<|startoftext|>");
  add("<|endoftext|>");
  io::write_json(folder / "vocab.json", vocab);
  write_file_atomic(folder / "merges.txt", merges);
  io::write_json(folder / "tokenizer_config.json", {{"tokenizer_class", "CLIPTokenizer"},
                                                    {"bos_token", "<|startoftext|>"},
                                                    {"eos_token", "<|endoftext|>"},
                                                    {"unk_token", "<|endoftext|>"},
                                                    {"pad_token", "<|endoftext|>"},
                                                    {"model_max_length", 77}});
}

}  // namespace reasonbrain::text
