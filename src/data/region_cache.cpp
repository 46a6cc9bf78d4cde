#include "data/region_cache.h"

#include "core/atomic_file.h"
#include "core/sha256.h"
#include "core/str.h"
#include "data/region_json.h"
#include "io/json.h"
#include "reasonbrain/error.h"

namespace reasonbrain::data {
namespace fs = std::filesystem;
namespace {

bool is_entry(const fs::path& file) {
  constexpr size_t kDigits = 64;  // of a SHA-256
  return file.extension() == ".json" && file.stem().string().size() == kDigits;
}

}  // namespace

RegionCache::RegionCache(const fs::path& records) : folder_(records) {
  folder_.replace_extension(".regions");
}

bool RegionCache::exists() const {
  return fs::is_regular_file(settings_file());
}

fs::path RegionCache::file_of(std::string_view picture) const {
  return folder_ / (sha256_hex(picture) + ".json");
}

void RegionCache::begin(const nlohmann::json& settings, bool overwrite) const {
  if (exists() && io::read_json(settings_file()) == settings) return;
  if (exists()) {
    if (!overwrite) {
      throw usage_error(str(folder_.string(),
                            " holds regions made with other settings (settings.json); repeat "
                            "those, or give --overwrite to make all regions again"));
    }
    // The settings go first: what an interrupted removal leaves is never taken for complete.
    fs::remove(settings_file());
  }
  if (fs::exists(folder_)) {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (is_entry(entry.path())) fs::remove(entry.path());
    }
  }
  io::write_json(settings_file(), settings);
}

bool RegionCache::contains(std::string_view picture) const {
  return fs::is_regular_file(file_of(picture));
}

void RegionCache::write(std::string_view picture, const nlohmann::json& regions) const {
  write_file_atomic(file_of(picture), regions.dump() + "\n");
}

io::Image RegionCache::read(std::string_view picture, const std::string& origin) const {
  const fs::path file = file_of(picture);
  if (!fs::is_regular_file(file)) {
    throw data_error(str(origin, ": the picture has no regions in ", folder_.string(),
                         "; run `reasonbrain data cache --what regions` again to add them, or "
                         "remove the folder to go without"));
  }
  return regions_from_json(read_file(file), file.string(), folder_);
}

std::string RegionCache::entry_sha256(const std::string& picture_sha256) const {
  const fs::path file = folder_ / (picture_sha256 + ".json");
  return fs::is_regular_file(file) ? sha256_file(file) : "";
}

std::string RegionCache::fingerprint() const {
  if (!exists()) return "";
  int64_t entries = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) entries += is_entry(entry.path());
  return str(sha256_file(settings_file()), ":", entries);
}

}  // namespace reasonbrain::data
