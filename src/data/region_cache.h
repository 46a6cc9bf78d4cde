// Regions found once and kept beside the records: RECORDS.jsonl has RECORDS.regions/ with
// settings.json and one SHA256.json a picture, where SHA256 is that of the picture's file. So a
// picture that changed has no regions rather than wrong ones, and equal pictures share theirs.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "reasonbrain/image.h"

namespace reasonbrain::data {

class RegionCache {
 public:
  explicit RegionCache(const std::filesystem::path& records);  // the JSONL file

  const std::filesystem::path& folder() const { return folder_; }
  bool exists() const;  // with settings

  // Starts the cache, or goes on with one made with equal settings. Other settings: Error(kUsage),
  // or with `overwrite` the regions that are there are removed.
  void begin(const nlohmann::json& settings, bool overwrite) const;

  // `picture` is the content of a picture's file.
  bool contains(std::string_view picture) const;
  void write(std::string_view picture, const nlohmann::json& regions) const;  // see read()

  // The instance map from {"regions": [...]} (region_json.h); empty when the list is. Error(kData)
  // when the picture has no entry, and for a damaged one.
  io::Image read(std::string_view picture, const std::string& origin) const;

  std::string entry_sha256(const std::string& picture_sha256) const;  // "" when there is none
  std::string fingerprint() const;  // of settings and number of entries; "" when there is no cache

 private:
  std::filesystem::path file_of(std::string_view picture) const;
  std::filesystem::path settings_file() const { return folder_ / "settings.json"; }

  std::filesystem::path folder_;
};

}  // namespace reasonbrain::data
