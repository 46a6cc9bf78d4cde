#include "reason/object_reader.h"

#include "models/llama/generate.h"
#include "text/object_answer.h"
#include "text/objects.h"

namespace reasonbrain::reason {
namespace {

constexpr int64_t kMaxAnswerTokens = 48;

}  // namespace

std::vector<std::string> read_objects(models::llama::LlamaImpl& llm,
                                      const text::Tokenizer& tokenizer,
                                      const std::string& instruction, int max_objects) {
  const std::vector<int64_t> question =
      tokenizer.encode(text::object_question(instruction), /*add_special=*/true);
  // A question that does not fit the context of training would be answered with noise.
  const bool fits = static_cast<int64_t>(question.size()) + kMaxAnswerTokens <=
                    llm.config().max_position_embeddings;
  bool known = true;
  for (const int64_t id : question) known = known && id < llm.config().vocab_size;
  std::vector<std::string> objects;
  if (fits && known) {
    const torch::Tensor ids = at::tensor(
        question,
        torch::TensorOptions(torch::kInt64).device(llm.model->embed_tokens->weight.device()));
    std::vector<int64_t> stop;
    if (tokenizer.eos_id()) stop.push_back(*tokenizer.eos_id());
    std::vector<int64_t> answer =
        models::llama::continue_greedily(llm, llm.embed(ids.unsqueeze(0)), stop, kMaxAnswerTokens);
    std::erase_if(answer, [&](int64_t id) { return id >= tokenizer.vocab_size(); });
    objects = text::checked_objects(tokenizer.decode(answer, /*skip_special=*/true), instruction,
                                    max_objects);
  }
  return objects.empty() ? text::extract_objects(instruction, max_objects) : objects;
}

}  // namespace reasonbrain::reason
