// Samples from a JSONL file, pictures read when asked for.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/region_cache.h"
#include "reasonbrain/sample_source.h"

namespace reasonbrain::data {

class RecordSource : public SampleSource {
 public:
  enum class Pictures {
    kAll,         // source, target, regions, alternatives
    kInputsOnly,  // source and regions: what an edit may see
  };

  // Reads and checks every record (read_records); pictures are not opened yet.
  explicit RecordSource(std::filesystem::path path, Pictures pictures = Pictures::kAll);

  int64_t size() const override { return static_cast<int64_t>(records_.size()); }

  // All pictures of a sample have the size of its source. Errors begin with "FILE:LINE: ". The
  // instance map comes from "instance_map", else from "regions" (an empty list: none), else from
  // the cache of regions beside the file, where there is one (region_cache.h).
  Sample get(int64_t index) const override;

  // The words found in the records' instances, sorted, one list a slot.
  std::vector<std::vector<std::string>> label_slots() const override;

  // SHA-256 over the JSONL file, the names and sizes of the pictures (not their content) and what
  // the cache of regions was made with.
  std::string fingerprint() const override;

  const std::vector<Record>& records() const { return records_; }

  // What goes wrong in `check` is a mistake of the record's: Error(kUsage) and Error(kData) become
  // Error(kData) that begins with "FILE:LINE: ".
  void at_line(int64_t index, const std::function<void()>& check) const;

  // Every picture of the records, targets and masks included, whether there or not.
  std::vector<std::filesystem::path> picture_files() const;

  // Error(kData) for the first record with a picture that is missing or outside the folder.
  void require_pictures() const;

  // Reads what get() reads and the pictures that it leaves out: those of steps, and masks beside an
  // instance map. Error(kData) as get() throws it.
  void check_pictures(int64_t index) const;

  // SHA-256 over what an edit of the record sees: its words and the content of its source picture
  // and regions. Errors begin with "FILE:LINE: ".
  std::string inputs_sha256(int64_t index) const;

 private:
  const Record& record_at(int64_t index) const;
  std::vector<std::string> input_names(const Record& record) const;
  std::vector<std::string> picture_names(const Record& record, Pictures pictures) const;
  std::string origin(const Record& record) const;
  Sample read_sample(const Record& record) const;
  std::string picture_sha256(const std::string& name, const Record& record) const;
  std::filesystem::path resolve(const std::string& name, const Record& record) const;
  io::Image read_like(const std::string& name, const io::Image& source, const Record& record) const;
  io::Image read_instance_map(const io::Image& source, const Record& record) const;

  std::filesystem::path path_, folder_;
  Pictures pictures_;
  RegionCache cache_;
  std::vector<Record> records_;
  bool has_cache_;
};

}  // namespace reasonbrain::data
