#include "text/token_model.h"

#include <cstdio>

#include "core/str.h"
#include "io/quote.h"
#include "reasonbrain/error.h"
#include "text/step_fields.h"

namespace reasonbrain::text {

std::vector<int64_t> byte_ids(const TokenModel& model, std::string_view text) {
  std::vector<int64_t> ids;
  for (const char byte : text) {
    char spelt[8];
    std::snprintf(spelt, sizeof spelt, "<0x%02X>",
                  static_cast<unsigned>(static_cast<uint8_t>(byte)));
    const auto id = model.token_id(spelt);
    if (!id) return {};
    ids.push_back(*id);
  }
  return ids;
}

std::unique_ptr<TokenModel> parse_token_model(const nlohmann::json& model,
                                              const std::string& origin) {
  if (!model.is_object()) throw data_error(str(origin, ": 'model' must be an object"));
  const bool named = model.contains("type");
  const std::string type = named                      ? text_field(model, "type", origin)
                           : model.contains("merges") ? "BPE"
                                                      : "Unigram";  // old files do not name it
  if (type == "BPE") return parse_bpe_model(model, origin);
  if (type == "Unigram") return parse_unigram_model(model, origin);
  throw data_error(
      str(origin, ": model '", io::shortened(type), "' is not supported; expected BPE or Unigram"));
}

}  // namespace reasonbrain::text
