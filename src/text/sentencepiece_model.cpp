#include "text/sentencepiece_model.h"

#include <cstdint>
#include <functional>

#include "core/str.h"
#include "reasonbrain/error.h"
#include "text/charsmap.h"

namespace reasonbrain::text {
namespace {

// Fields of sentencepiece_model.proto.
constexpr uint64_t kPieces = 1, kTrainer = 2, kNormalizer = 3, kDenormalizer = 5;  // of the model
constexpr uint64_t kCharsmap = 2;                     // of the last two
constexpr uint64_t kPieceType = 3, kUserDefined = 4;  // of a piece
constexpr uint64_t kModelType = 3, kUnigram = 1;      // of the trainer

class FieldReader {
 public:
  FieldReader(std::string_view message, const std::string& origin)
      : rest_(message), origin_(origin) {}

  // Calls visit(number, content) for every field of a protocol buffer that holds bytes, and
  // visit_integer(number, value) for every integer.
  void for_each(const std::function<void(uint64_t, std::string_view)>& visit,
                const std::function<void(uint64_t, uint64_t)>& visit_integer) {
    while (!rest_.empty()) {
      const uint64_t tag = take_integer();
      if (tag > UINT32_MAX) throw damaged();
      switch (tag & 7) {
        case 0:
          visit_integer(tag >> 3, take_integer());
          break;
        case 1:
          take(8);
          break;
        case 2:
          visit(tag >> 3, take(take_integer()));
          break;
        case 5:
          take(4);
          break;
        default:  // groups, which models do not have
          throw damaged();
      }
    }
  }

 private:
  Error damaged() const {
    return data_error(
        str(origin_, ": not a SentencePiece model: its fields are damaged; get the file again"));
  }

  std::string_view take(uint64_t num_bytes) {
    if (num_bytes > rest_.size()) throw damaged();
    const std::string_view taken = rest_.substr(0, num_bytes);
    rest_.remove_prefix(num_bytes);
    return taken;
  }

  uint64_t take_integer() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    throw damaged();
  }

  std::string_view rest_;
  const std::string& origin_;
};

void skip_bytes(uint64_t, std::string_view) {}
void skip_integer(uint64_t, uint64_t) {}

}  // namespace

void check_sentencepiece_model(std::string_view model, const std::string& origin) {
  const auto check_rules = [&](uint64_t field, std::string_view rules) {
    if (field != kNormalizer && field != kDenormalizer) return;
    const auto check_map = [&](uint64_t inner, std::string_view charsmap) {
      if (inner == kCharsmap) Charsmap::check(std::string(charsmap), origin);
    };
    FieldReader(rules, origin).for_each(check_map, skip_integer);
  };
  FieldReader(model, origin).for_each(check_rules, skip_integer);
}

SentencePieceKinds read_sentencepiece_kinds(std::string_view model, const std::string& origin) {
  SentencePieceKinds kinds;
  const auto visit = [&](uint64_t field, std::string_view content) {
    if (field == kPieces) {
      bool user_defined = false;
      const auto visit_type = [&](uint64_t inner, uint64_t type) {
        if (inner == kPieceType) user_defined = type == kUserDefined;
      };
      FieldReader(content, origin).for_each(skip_bytes, visit_type);
      kinds.user_defined.push_back(user_defined);
    } else if (field == kTrainer) {
      const auto visit_type = [&](uint64_t inner, uint64_t type) {
        if (inner == kModelType) kinds.unigram = type == kUnigram;
      };
      FieldReader(content, origin).for_each(skip_bytes, visit_type);
    }
  };
  FieldReader(model, origin).for_each(visit, skip_integer);
  return kinds;
}

}  // namespace reasonbrain::text
