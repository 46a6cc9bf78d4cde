#include <algorithm>
#include <atomic>
#include <iostream>
#include <mutex>
#include <set>

#include "cli/edit.h"
#include "cli/output.h"
#include "core/folder_lock.h"
#include "core/interrupt.h"
#include "core/parallel.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "core/str.h"
#include "data/record_source.h"
#include "edit/explain.h"
#include "io/json.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSettingsFile =
    "settings.json";  // ids become ID.png, so no record can have this name
constexpr const char* kExplanationFile = "explanation.json";  // of edit::write_explanation

bool are_hashes(const nlohmann::json& records) {
  return records.is_object() && std::all_of(records.begin(), records.end(),
                                            [](const auto& entry) { return entry.is_string(); });
}

class BatchEdit {
 public:
  explicit BatchEdit(const EditArgs& args)
      : args_(args),
        out_(args.out),
        around_out_(out_),
        around_explanations_(args.explain),
        source_(args.data, data::RecordSource::Pictures::kInputsOnly),
        editor_(open_editor(args)) {}

  void run() {
    check_records();
    check_folders();
    hash_inputs();
    if (!args_.overwrite && same_settings_) check_records_there();
    std::vector<int64_t> wanted;
    for (int64_t i = 0; i < source_.size(); ++i) {
      if (args_.overwrite || !same_settings_ || !is_done(i)) wanted.push_back(i);
    }
    num_skipped_ = source_.size() - static_cast<int64_t>(wanted.size());
    check_inputs(wanted);
    try {
      edit_all(wanted);
    } catch (...) {
      // Alone it would tell of nothing.
      std::error_code ignored;
      if (has_begun_ && num_written_ == 0 && !same_settings_ && settings_there() == settings_)
        fs::remove(out_ / kSettingsFile, ignored);
      throw;
    }
    report(wanted);
  }

 private:
  const data::Record& record(int64_t index) const {
    return source_.records()[static_cast<size_t>(index)];
  }

  OutputNames names(int64_t index, int64_t num_pictures) const {
    return OutputNames(out_ / record(index).id, num_pictures, /*turns=*/1);
  }
  OutputNames names(int64_t index) const { return names(index, args_.options.num); }

  bool is_done(int64_t index) const {
    if (args_.options.explain &&
        !fs::exists(fs::path(args_.explain) / record(index).id / kExplanationFile))
      return false;
    const OutputNames all = names(index);
    return std::all_of(all.files.begin(), all.files.end(),
                       [](const auto& turns) { return fs::exists(turns[0]); });
  }

  void check_records() const {
    source_.require_pictures();
    for (int64_t i = 0; i < source_.size(); ++i) {
      source_.at_line(i, [&] { editor_.check_instruction(record(i).instruction); });
      if (args_.options.explain)
        edit::check_explanation_folder(fs::path(args_.explain) / record(i).id);
    }
  }

  void hash_inputs() {
    inputs_.resize(static_cast<size_t>(source_.size()));
    Progress progress("read", source_.size(), "records");
    parallel_for(source_.size(), /*num_threads=*/0, [&](int64_t i) {
      throw_if_interrupted();
      inputs_[static_cast<size_t>(i)] = source_.inputs_sha256(i);
      progress.add(1);
    });
  }

  // Refuses what is there from other settings, unless it may be overwritten. Changes nothing.
  void check_folders() {
    check_writable_folder(out_);
    check_pictures_stay();
    if (args_.options.explain) check_writable_folder(args_.explain);
    settings_ = {{"settings", edit_settings(args_, editor_)},
                 {"model_sha256", editor_.model_sha256()}};
    settings_["hash"] = sha256_hex(settings_.dump());
    const nlohmann::json there = settings_there();
    same_settings_ = is_ours(there);
    if (!args_.overwrite && !same_settings_) check_none_there();
  }

  // No result takes the place of a picture of the records, --overwrite or not.
  void check_pictures_stay() const {
    std::set<fs::path> replaced;
    for (const int64_t num : {num_there(), args_.options.num}) {
      for (int64_t i = 0; i < source_.size(); ++i) {
        for (const auto& turns : names(i, num).files)
          if (fs::exists(turns[0])) replaced.insert(fs::canonical(turns[0]));
      }
    }
    if (replaced.empty()) return;
    for (const fs::path& file : source_.picture_files()) {
      std::error_code missing;
      if (!replaced.contains(fs::canonical(file, missing))) continue;
      throw usage_error(str(file.string(), " is a picture of ", args_.data,
                            ", and a result would take its place; name another --out"));
    }
  }

  bool is_ours(const nlohmann::json& there) const {
    return there.contains("hash") && there["hash"] == settings_["hash"];
  }

  // Refuses pictures of other records than those of now. Changes nothing.
  void check_records_there() const {
    const nlohmann::json records = settings_there().value("records", nlohmann::json::object());
    for (int64_t i = 0; i < source_.size(); ++i) {
      const bool same = records.value(record(i).id, "") == inputs_[static_cast<size_t>(i)];
      for (const auto& turns : names(i).files) {
        if (same || !fs::exists(turns[0])) continue;
        throw usage_error(str(turns[0].string(), " is of another record than ", args_.data, ":",
                              record(i).line, ", or of that one before it changed (see ",
                              (out_ / kSettingsFile).string(),
                              "); name another --out, or pass --overwrite"));
      }
    }
  }

  void check_none_there() const {
    std::vector<fs::path> own_files;
    for (int64_t i = 0; i < source_.size(); ++i) {
      for (const auto& turns : names(i).files) own_files.push_back(turns[0]);
    }
    own_files.push_back(out_ / kSettingsFile);  // with pictures of another --num
    for (const fs::path& file : own_files) {
      if (!fs::exists(file)) continue;
      throw usage_error(
          str(file.string(), " is of other settings, another model or unknown records (see ",
              (out_ / kSettingsFile).string(), "); name another --out, or pass --overwrite"));
    }
  }

  // settings.json as an earlier run left it, else {}: also where it does not tell of the records.
  nlohmann::json settings_there() const {
    nlohmann::json there;
    try {
      if (fs::exists(out_ / kSettingsFile)) there = io::read_json(out_ / kSettingsFile);
    } catch (const Error&) {  // damaged: nobody knows with which settings
    }
    const bool whole = there.is_object() && are_hashes(there.value("records", nlohmann::json()));
    return whole ? there : nlohmann::json::object();
  }

  // How many pictures per record an earlier run left.
  int64_t num_there() const {
    const nlohmann::json::json_pointer num("/settings/num");
    const nlohmann::json there = settings_there();
    if (!there.contains(num) || !there[num].is_number_integer()) return 0;
    return std::clamp(there[num].get<int64_t>(), int64_t{0}, edit::kMaxPictures);
  }

  // Every picture is read once before the first is edited: one that is damaged must not be found
  // after hours.
  void check_inputs(const std::vector<int64_t>& wanted) const {
    const auto count = static_cast<int64_t>(wanted.size());
    Progress progress("checked", count, "records");
    parallel_for(count, editor_.num_parallel(), [&](int64_t i) {
      const int64_t index = wanted[static_cast<size_t>(i)];
      source_.at_line(index, [&] { editor_.check(make_request(index), args_.options); });
      progress.add(1);
    });
  }

  // Before the first picture is written: settings.json tells with which settings and of which
  // records those beside it were made.
  void begin_folder() {
    has_begun_ = true;
    if (args_.overwrite) remove_pictures();
    fs::create_directories(out_);
    const FolderLock lock(out_, FolderLock::Wait::kYes);
    const nlohmann::json there = settings_there();  // other runs may have begun since
    nlohmann::json& records = settings_["records"] = nlohmann::json::object();
    if (is_ours(there)) records = there["records"];
    for (int64_t i = 0; i < source_.size(); ++i)
      records[record(i).id] = inputs_[static_cast<size_t>(i)];
    io::write_json(out_ / kSettingsFile, settings_);
  }

  // Those of this run's records, of an earlier --num as well.
  void remove_pictures() const {
    for (const int64_t num : {num_there(), args_.options.num}) {
      for (int64_t i = 0; i < source_.size(); ++i) {
        for (const auto& turns : names(i, num).files) fs::remove(turns[0]);
      }
    }
  }

  void edit_all(const std::vector<int64_t>& wanted) {
    Progress progress("edited", static_cast<int64_t>(wanted.size()), "records");
    const auto count = static_cast<int64_t>(wanted.size());
    const int64_t batch = editor_.batch_size();
    parallel_for((count + batch - 1) / batch, editor_.num_parallel(), [&](int64_t b) {
      const auto first = wanted.begin() + b * batch;
      edit_batch({first, wanted.begin() + std::min(count, (b + 1) * batch)});
      progress.add(std::min(count, (b + 1) * batch) - b * batch);
    });
  }

  edit::EditRequest make_request(int64_t index) const {
    data::Sample sample = source_.get(index);
    edit::EditRequest request;
    request.image = std::move(sample.source);
    request.instructions = {sample.record.instruction};
    if (uses_given_objects(args_)) request.objects = sample.record.objects;
    if (uses_given_regions(args_)) request.instance_map = std::move(sample.instance_map);
    request.seed = args_.seed;
    return request;
  }

  void edit_batch(const std::vector<int64_t>& indices) {
    std::vector<edit::EditRequest> requests;
    for (int64_t index : indices) requests.push_back(make_request(index));
    const std::vector<edit::EditResult> results = editor_.edit(requests, args_.options);
    std::call_once(begun_, [&] { begin_folder(); });
    for (size_t k = 0; k < indices.size(); ++k) {
      if (args_.options.explain) {
        edit::write_explanation(results[k], fs::path(args_.explain) / record(indices[k]).id);
      }
      write_pictures(names(indices[k]), results[k], picture_metadata(args_, requests[k], editor_));
      ++num_written_;
    }
  }

  void report(const std::vector<int64_t>& wanted) const {
    if (!args_.json) {
      std::cout << wanted.size() << " records edited, " << num_skipped_ << " kept, in " << args_.out
                << '\n';
      return;
    }
    print_json({{"out", args_.out},
                {"edited", wanted.size()},
                {"kept", num_skipped_},
                {"model_sha256", editor_.model_sha256()},
                {"settings", edit_settings(args_, editor_)}});
  }

  const EditArgs& args_;
  const fs::path out_;
  const NewFolders around_out_, around_explanations_;
  const data::RecordSource source_;
  const edit::Editor editor_;
  std::vector<std::string> inputs_;  // RecordSource::inputs_sha256 of every record
  nlohmann::json settings_;          // for settings.json
  bool same_settings_ = false;       // as those of the pictures that are there
  std::once_flag begun_;
  std::atomic<bool> has_begun_ = false;  // settings.json is this run's
  std::atomic<int64_t> num_written_ = 0;
  int64_t num_skipped_ = 0;
};

}  // namespace

void edit_many(const EditArgs& args) {
  BatchEdit(args).run();
}

}  // namespace reasonbrain::cli
