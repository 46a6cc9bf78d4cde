#include "data/record_io.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/str.h"
#include "data/json_fields.h"
#include "io/json.h"
#include "io/jsonl.h"
#include "io/quote.h"
#include "reasonbrain/error.h"

namespace reasonbrain::data {
namespace {

using nlohmann::json;

constexpr size_t kMaxIdBytes = 200;  // ids become names of files, with endings

constexpr const char* kCategories[] = {"physical", "temporal", "causal", "story"};
constexpr const char* kTargetCaptions[] = {"target_caption", "output_description",
                                           "output_caption"};

void check_id(const std::string& id, const std::string& origin) {
  const bool valid = !id.empty() && id[0] != '.' && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
  if (!valid) {
    throw data_error(
        str(origin, ": id ", io::shortened(json(id).dump()),
            " must consist of letters, digits, '_', '.', '-' and not start with a dot"));
  }
  if (id.size() > kMaxIdBytes) {
    throw data_error(str(origin, ": the id has ", id.size(), " bytes, expected at most ",
                         kMaxIdBytes, ": files are named by it"));
  }
}

void check_category(const std::string& category, const std::string& origin) {
  if (category.empty()) return;
  if (std::find(std::begin(kCategories), std::end(kCategories), category) ==
      std::end(kCategories)) {
    throw data_error(str(origin, ": category ", io::shortened(json(category).dump()),
                         " is unknown, expected physical, temporal, causal or story"));
  }
}

// A list of strings, or one string with commas.
std::vector<std::string> take_objects(JsonFields& fields) {
  const json value = fields.take("objects");
  if (value.is_null()) return {};
  if (!value.is_string()) return fields.strings(value, "objects");
  std::vector<std::string> objects;
  for (const std::string& part : split(value.get<std::string>(), ',')) {
    if (std::string object = trim(part); !object.empty()) objects.push_back(std::move(object));
  }
  return objects;
}

std::string take_target_caption(JsonFields& fields) {
  std::string caption;
  for (const char* name : kTargetCaptions) {
    const std::string value = fields.take_string(name);
    if (caption.empty()) caption = value;
  }
  return caption;
}

void take_lists(JsonFields& fields, Record& record) {
  fields.take_objects("steps", [&](JsonFields& item) {
    record.steps.push_back({item.required_string("instruction"), item.take_path("tgt_image"),
                            item.take_string("target_caption")});
  });
  fields.take_objects("alternatives", [&](JsonFields& item) {
    const std::string name = item.required_string("name");
    record.alternatives.push_back({name, item.required_path("image")});
  });
}

bool have_words(const json& instances) {
  return instances.is_array() && std::any_of(instances.begin(), instances.end(), [](const json& i) {
           return i.is_object() && i.contains("words");
         });
}

// What only training reads. Other data sets have fields of these names and another form: those are
// passed through like any unknown field.
void take_labels(JsonFields& fields, Record& record) {
  if (have_words(fields.peek("instances"))) {
    fields.take_objects("instances", [&](JsonFields& item) {
      const int label = item.required_int("label", 1, 255);
      record.instances.push_back({label, item.strings(item.take("words"), "words")});
    });
  }
  if (fields.peek("answer").is_array())
    record.answer = fields.strings(fields.take("answer"), "answer");
  if (fields.peek("object_instances").is_array())
    record.object_instances = fields.take_ints("object_instances", 0, 255);
  // Of objects that somebody took out or wrote anew they say nothing.
  if (record.object_instances.size() != record.objects.size()) record.object_instances.clear();
}

Record parse_object(const json& object, const std::string& origin, int line) {
  JsonFields fields(object, origin);
  Record record;
  record.line = line;
  record.id = fields.required_string("id");
  check_id(record.id, origin);
  record.category = fields.take_string("category");
  check_category(record.category, origin);
  record.src_image = fields.required_path("src_image");
  record.tgt_image = fields.take_path("tgt_image");
  record.instruction = fields.required_string("instruction");
  record.target_caption = take_target_caption(fields);
  record.objects = take_objects(fields);
  record.source_caption = fields.take_string("source_caption");
  record.instruction_explicit = fields.take_string("instruction_explicit");
  record.instance_map = fields.take_path("instance_map");
  record.scenario = fields.take_string("scenario");
  record.split = fields.take_string("split");
  record.probe = fields.take_string("probe");
  record.group = fields.take_string("group");
  record.outcome = fields.take_string("outcome");
  take_lists(fields, record);
  take_labels(fields, record);
  const json regions = fields.take("regions");
  if (!regions.is_null()) record.regions_json = regions.dump();
  if (!fields.rest().empty()) record.extra_json = fields.rest().dump();
  return record;
}

}  // namespace

std::string to_json_line(const Record& record) {
  nlohmann::ordered_json out;
  const auto put = [&](const char* name, const auto& value) {
    if (!value.empty()) out[name] = value;
  };
  put("id", record.id);
  put("category", record.category);
  put("src_image", record.src_image);
  put("tgt_image", record.tgt_image);
  put("instruction", record.instruction);
  put("target_caption", record.target_caption);
  out["objects"] = record.objects;
  put("source_caption", record.source_caption);
  put("instruction_explicit", record.instruction_explicit);
  put("instance_map", record.instance_map);
  put("scenario", record.scenario);
  put("split", record.split);
  put("probe", record.probe);
  put("group", record.group);
  put("outcome", record.outcome);
  for (const RecordStep& step : record.steps) {
    out["steps"].push_back({{"instruction", step.instruction},
                            {"tgt_image", step.tgt_image},
                            {"target_caption", step.target_caption}});
  }
  for (const RecordAlternative& alternative : record.alternatives) {
    out["alternatives"].push_back({{"name", alternative.name}, {"image", alternative.image}});
  }
  put("answer", record.answer);
  for (const InstanceLabel& instance : record.instances) {
    out["instances"].push_back({{"label", instance.label}, {"words", instance.words}});
  }
  put("object_instances", record.object_instances);
  if (!record.regions_json.empty()) {
    out["regions"] = nlohmann::ordered_json::parse(record.regions_json);
  }
  if (!record.extra_json.empty()) {
    const auto extra = nlohmann::ordered_json::parse(record.extra_json);
    for (const auto& [name, value] : extra.items()) {
      out[name] = value;
    }
  }
  return out.dump();
}

Record parse_record(std::string_view text, const std::string& origin, int line) {
  const json value = io::parse_json(text, origin);
  if (!value.is_object()) throw data_error(origin + ": expected a JSON object");
  return parse_object(value, origin, line);
}

std::vector<Record> read_records(const std::filesystem::path& path) {
  std::vector<Record> records;
  std::map<std::string, int> line_of_id;
  io::for_each_json_line(path, [&](const json& object, const std::string& origin, int line) {
    Record record = parse_object(object, origin, line);
    const auto [known, is_new] = line_of_id.emplace(record.id, line);
    if (!is_new) {
      throw data_error(
          str(origin, ": id '", record.id, "' already stands in line ", known->second));
    }
    records.push_back(std::move(record));
  });
  return records;
}

}  // namespace reasonbrain::data
