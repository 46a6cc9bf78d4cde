#include <algorithm>
#include <iostream>

#include "cli/edit.h"
#include "cli/output.h"
#include "core/atomic_file.h"
#include "core/progress.h"
#include "core/sha256.h"
#include "core/str.h"
#include "data/record_source.h"
#include "edit/explain.h"
#include "eval/parallel.h"
#include "io/json.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSettingsFile =
    "settings.json";  // ids become ID.png, so no record can have this name

class BatchEdit {
 public:
  explicit BatchEdit(const EditArgs& args)
      : args_(args),
        out_(args.out),
        source_(args.data, data::RecordSource::Pictures::kInputsOnly),
        editor_(open_editor(args)) {}

  void run() {
    check_records();
    prepare_folder();
    std::vector<int64_t> wanted;
    for (int64_t i = 0; i < source_.size(); ++i) {
      if (!is_done(i)) wanted.push_back(i);
    }
    num_skipped_ = source_.size() - static_cast<int64_t>(wanted.size());
    edit_all(wanted);
    report(wanted);
  }

 private:
  const data::Record& record(int64_t index) const {
    return source_.records()[static_cast<size_t>(index)];
  }

  OutputNames names(int64_t index) const {
    return OutputNames(out_ / record(index).id, args_.options.num, /*turns=*/1);
  }

  bool is_done(int64_t index) const {
    const OutputNames all = names(index);
    return std::all_of(all.files.begin(), all.files.end(),
                       [](const auto& turns) { return fs::exists(turns[0]); });
  }

  void check_records() const {
    source_.require_pictures();
    for (const data::Record& record : source_.records()) {
      try {
        editor_.check_instruction(record.instruction);
      } catch (const Error& error) {
        throw data_error(str(args_.data, ":", record.line, ": ", error.what()));
      }
      if (args_.options.explain)
        edit::check_explanation_folder(fs::path(args_.explain) / record.id);
    }
  }

  // settings.json first, pictures then: what is there was made with the settings beside it.
  void prepare_folder() const {
    check_writable_folder(out_);
    nlohmann::json settings = {{"settings", edit_settings(args_, editor_)},
                               {"model_sha256", editor_.model_sha256()}};
    settings["hash"] = sha256_hex(settings.dump());
    const fs::path file = out_ / kSettingsFile;
    const bool same = fs::exists(file) && io::read_json(file).value("hash", "") == settings["hash"];
    if (same && !args_.overwrite) return;
    for (int64_t i = 0; i < source_.size(); ++i) {
      for (const auto& turns : names(i).files) {
        if (!fs::exists(turns[0])) continue;
        if (!args_.overwrite) {
          throw usage_error(str(turns[0].string(),
                                " was made with other settings or another model (see ",
                                file.string(), "); name another --out, or pass --overwrite"));
        }
        fs::remove(turns[0]);
      }
    }
    io::write_json(file, settings);
  }

  void edit_all(const std::vector<int64_t>& wanted) {
    Progress progress("edited", static_cast<int64_t>(wanted.size()), "records");
    const auto count = static_cast<int64_t>(wanted.size());
    const int64_t batch = editor_.batch_size();
    eval::parallel_for((count + batch - 1) / batch, editor_.num_parallel(), [&](int64_t b) {
      const auto first = wanted.begin() + b * batch;
      edit_batch({first, wanted.begin() + std::min(count, (b + 1) * batch)});
      progress.add(std::min(count, (b + 1) * batch) - b * batch);
    });
  }

  void edit_batch(const std::vector<int64_t>& indices) const {
    std::vector<edit::EditRequest> requests;
    for (int64_t index : indices) {
      data::Sample sample = source_.get(index);
      edit::EditRequest request;
      request.image = std::move(sample.source);
      request.instructions = {sample.record.instruction};
      if (args_.object_source == ObjectSource::kGiven) request.objects = sample.record.objects;
      if (uses_given_regions(args_)) request.instance_map = std::move(sample.instance_map);
      request.seed = args_.seed;
      requests.push_back(std::move(request));
    }
    const std::vector<edit::EditResult> results = editor_.edit(requests, args_.options);
    for (size_t k = 0; k < indices.size(); ++k) {
      if (args_.options.explain) {
        edit::write_explanation(results[k], fs::path(args_.explain) / record(indices[k]).id);
      }
      write_pictures(names(indices[k]), results[k], picture_metadata(args_, requests[k], editor_));
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
  const data::RecordSource source_;
  const edit::Editor editor_;
  int64_t num_skipped_ = 0;
};

}  // namespace

void edit_many(const EditArgs& args) {
  BatchEdit(args).run();
}

}  // namespace reasonbrain::cli
