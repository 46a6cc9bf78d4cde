#include "core/sha256.h"

#include <gtest/gtest.h>

#include "core/expect_error.h"
#include "core/temp_dir.h"

namespace reasonbrain {
namespace {

// Examples of FIPS 180-4 and NIST's test vectors.
TEST(Sha256, MatchesPublishedVectors) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesArePassed) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) bytes += static_cast<char>(i * 7);
  for (size_t cut = 0; cut <= bytes.size(); cut += 13) {
    Sha256 hash;
    hash.update(bytes.data(), cut);
    hash.update(bytes.data() + cut, bytes.size() - cut);
    EXPECT_EQ(hash.hex(), sha256_hex(bytes));
  }
}

TEST(Sha256, HashesFiles) {
  const TempDir dir;
  const std::string bytes(3'000'001, 'x');
  EXPECT_EQ(sha256_file(dir.write("big", bytes)), sha256_hex(bytes));
  EXPECT_EQ(sha256_file(dir.write("empty", "")), sha256_hex(""));
  EXPECT_ERROR(sha256_file(dir / "absent"), kData, "absent");
  EXPECT_ERROR(sha256_file(dir.path()), kData, dir.path().string());
}

}  // namespace
}  // namespace reasonbrain
