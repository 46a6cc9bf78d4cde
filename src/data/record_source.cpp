#include "data/record_source.h"

#include <algorithm>
#include <set>

#include "core/atomic_file.h"
#include "core/sha256.h"
#include "core/str.h"
#include "data/record_io.h"
#include "data/region_json.h"
#include "io/path_safety.h"
#include "reasonbrain/error.h"
#include "reasonbrain/image_io.h"

namespace reasonbrain::data {
namespace {

// An error of `body` begins with the origin.
template <class Body>
auto with_origin(const std::string& origin, const Body& body) {
  try {
    return body();
  } catch (const Error& problem) {
    if (starts_with(problem.what(), origin)) throw;
    throw Error(problem.kind(), str(origin, ": ", problem.what()));
  }
}

// Fields of any content, none of which runs into the next.
class FieldHash {
 public:
  void add(const std::string& field) {
    const std::string framed = str(field.size(), ":", field);
    hash_.update(framed.data(), framed.size());
  }
  std::string hex() { return hash_.hex(); }

 private:
  Sha256 hash_;
};

}  // namespace

RecordSource::RecordSource(std::filesystem::path path, Pictures pictures)
    : path_(std::move(path)),
      folder_(path_.has_parent_path() ? path_.parent_path() : "."),
      pictures_(pictures),
      cache_(path_),
      records_(read_records(path_)),
      has_cache_(cache_.exists()) {}

std::string RecordSource::origin(const Record& record) const {
  return str(path_.string(), ":", record.line);
}

std::filesystem::path RecordSource::resolve(const std::string& name, const Record& record) const {
  return io::resolve_inside(folder_, name, origin(record));
}

io::Image RecordSource::read_like(const std::string& name, const io::Image& source,
                                  const Record& record) const {
  io::Image image = io::read_image(resolve(name, record));
  if (!image.same_shape(source)) {
    throw data_error(str(origin(record), ": '", name, "' is ", image.width, "x", image.height,
                         ", expected the size of '", record.src_image, "', ", source.width, "x",
                         source.height));
  }
  return image;
}

io::Image RecordSource::read_instance_map(const io::Image& source, const Record& record) const {
  io::Image map;
  if (!record.instance_map.empty()) {
    map = io::read_label_map(resolve(record.instance_map, record));
  } else if (!record.regions_json.empty()) {
    map = regions_from_json(record.regions_json, origin(record), folder_, source.width,
                            source.height);
  } else if (has_cache_) {
    map = cache_.read(read_file(resolve(record.src_image, record)), origin(record));
  }
  if (!map.empty() && (map.width != source.width || map.height != source.height)) {
    throw data_error(str(origin(record), ": the regions are ", map.width, "x", map.height,
                         ", expected the size of '", record.src_image, "', ", source.width, "x",
                         source.height));
  }
  return map;
}

const Record& RecordSource::record_at(int64_t index) const {
  if (index < 0 || index >= size()) {
    throw data_error(str(path_.string(), ": no record ", index, ", the file has ", size()));
  }
  return records_[static_cast<size_t>(index)];
}

Sample RecordSource::get(int64_t index) const {
  const Record& record = record_at(index);
  return with_origin(origin(record), [&] { return read_sample(record); });
}

Sample RecordSource::read_sample(const Record& record) const {
  Sample sample;
  sample.record = record;
  sample.source = io::read_image(resolve(record.src_image, record));
  sample.instance_map = read_instance_map(sample.source, record);
  if (pictures_ == Pictures::kInputsOnly) return sample;
  if (!record.tgt_image.empty()) sample.target = read_like(record.tgt_image, sample.source, record);
  for (const RecordAlternative& alternative : record.alternatives) {
    sample.alternatives.push_back(
        {alternative.name, read_like(alternative.image, sample.source, record)});
  }
  return sample;
}

std::vector<std::vector<std::string>> RecordSource::label_slots() const {
  std::vector<std::set<std::string>> slots;
  for (const Record& record : records_) {
    for (const InstanceLabel& instance : record.instances) {
      slots.resize(std::max(slots.size(), instance.words.size()));
      for (size_t i = 0; i < instance.words.size(); ++i) {
        if (!instance.words[i].empty()) slots[i].insert(instance.words[i]);
      }
    }
  }
  std::vector<std::vector<std::string>> lists;
  for (const auto& slot : slots) lists.emplace_back(slot.begin(), slot.end());
  return lists;
}

std::vector<std::string> RecordSource::input_names(const Record& record) const {
  std::vector<std::string> names = {record.src_image, record.instance_map};
  if (!record.regions_json.empty()) {
    for (std::string& name : mask_names(record.regions_json, origin(record))) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

std::vector<std::string> RecordSource::picture_names(const Record& record,
                                                     Pictures pictures) const {
  std::vector<std::string> names = input_names(record);
  if (pictures == Pictures::kAll) {
    names.push_back(record.tgt_image);
    for (const RecordStep& step : record.steps) names.push_back(step.tgt_image);
    for (const RecordAlternative& alternative : record.alternatives) {
      names.push_back(alternative.image);
    }
  }
  names.erase(std::remove(names.begin(), names.end(), ""), names.end());
  return names;
}

std::string RecordSource::fingerprint() const {
  Sha256 hash;
  const auto add = [&](const std::string& text) { hash.update(text.data(), text.size()); };
  add(sha256_file(path_));
  if (has_cache_) add(cache_.fingerprint());
  for (const Record& record : records_) {
    for (const std::string& name : picture_names(record, pictures_)) {
      std::error_code missing;
      add(str(name, ":", std::filesystem::file_size(folder_ / name, missing), "\n"));
    }
  }
  return hash.hex();
}

void RecordSource::at_line(int64_t index, const std::function<void()>& check) const {
  try {
    check();
  } catch (const Error& problem) {
    if (problem.kind() != ErrorKind::kUsage && problem.kind() != ErrorKind::kData) throw;
    with_origin(origin(record_at(index)), [&] { throw data_error(problem.what()); });
  }
}

std::vector<std::filesystem::path> RecordSource::picture_files() const {
  std::vector<std::filesystem::path> files;
  for (const Record& record : records_) {
    for (const std::string& name : picture_names(record, Pictures::kAll))
      files.push_back(folder_ / name);
  }
  return files;
}

void RecordSource::require_pictures() const {
  for (const Record& record : records_) {
    for (const std::string& name : picture_names(record, pictures_)) {
      std::error_code failure;  // such as a name that is too long
      if (!std::filesystem::is_regular_file(resolve(name, record), failure)) {
        throw data_error(
            str(origin(record), ": there is no picture '", name, "' in ", folder_.string()));
      }
    }
  }
}

void RecordSource::check_pictures(int64_t index) const {
  const Sample sample = get(index);
  const Record& record = sample.record;
  with_origin(origin(record), [&] {
    for (const RecordStep& step : record.steps) {
      if (!step.tgt_image.empty()) read_like(step.tgt_image, sample.source, record);
    }
    if (record.instance_map.empty() || record.regions_json.empty()) return;
    regions_from_json(record.regions_json, origin(record), folder_, sample.source.width,
                      sample.source.height);
  });
}

// No more of a file than a picture may have.
std::string RecordSource::picture_sha256(const std::string& name, const Record& record) const {
  return sha256_hex(read_file(resolve(name, record), io::ReadOptions().max_bytes));
}

std::string RecordSource::inputs_sha256(int64_t index) const {
  const Record& record = record_at(index);
  return with_origin(origin(record), [&] {
    FieldHash hash;
    hash.add(record.instruction);
    hash.add(std::to_string(record.objects.size()));
    for (const std::string& object : record.objects) hash.add(object);
    hash.add(record.regions_json);
    for (const std::string& name : input_names(record))
      hash.add(name.empty() ? "" : picture_sha256(name, record));
    const bool cached = has_cache_ && record.instance_map.empty() && record.regions_json.empty();
    if (cached) hash.add(cache_.entry_sha256(picture_sha256(record.src_image, record)));
    return hash.hex();
  });
}

}  // namespace reasonbrain::data
