// One editing sample: the line of a JSONL file (Record) and the same with its pictures loaded
// (Sample).
#pragma once

#include <string>
#include <vector>

#include "reasonbrain/image.h"

namespace reasonbrain::data {

struct RecordAlternative {
  std::string name;   // of the outcome
  std::string image;  // path, relative to the JSONL file
};

// A later turn of a chain. tgt_image: a path, relative to the JSONL file, or "".
struct RecordStep {
  std::string instruction, tgt_image, target_caption;
};

// What is known of one instance of the instance map: one word a slot (place, hue, kind, state,
// extra).
struct InstanceLabel {
  int label = 0;                   // value in the instance map, 1..255
  std::vector<std::string> words;  // one per slot; "" where the slot does not apply
};

// The fields of a JSONL line (the published Reason50K schema and its optional extensions;
// docs/records.md). "" and empty lists: absent.
struct Record {
  std::string id;                    // [A-Za-z0-9_.-]+, not starting with a dot, <= 200 bytes
  std::string category;              // physical | temporal | causal | story | ""
  std::string src_image, tgt_image;  // paths, relative to the JSONL file; tgt_image may be ""
  std::string instruction;           // not empty
  std::string target_caption;        // the target in words
  std::vector<std::string> objects;  // referent first
  std::string source_caption;        // the source in words
  std::string instruction_explicit;  // the same edit as a plain command
  std::string instance_map;          // path of the regions' label map
  std::string scenario;              // row of the report
  std::string split;                 // part of the data set, such as val
  std::string probe;                 // what it tests: P texture, R relation, I which object,
                                     // T magnitude
  std::string group;                 // the same in all members of a minimal pair
  std::string outcome;               // name of the rule's outcome
  std::vector<RecordStep> steps;     // turns after this one
  std::vector<RecordAlternative> alternatives;  // every outcome of the rule but the true one
  std::vector<std::string> answer;              // the outcome in at most
                                                // model.reason.num_guidance_tokens words
  std::vector<InstanceLabel> instances;         // labels of the instance map
  std::vector<int> object_instances;  // per entry of objects: label of its instance, 0 if none
  std::string regions_json;           // the "regions" value as JSON text, "" when absent
  std::string extra_json;             // unknown fields and "checks", an object as JSON text or ""
  int line = 0;                       // line of the file, 1-based; 0 when generated
};

struct Alternative {
  std::string name;
  io::Image image;
};

struct Sample {
  Record record;
  io::Image source, target;               // RGB, same size; target empty when there is none
  io::Image instance_map;                 // 1 channel, 0 = background; empty when there is none
  std::vector<Alternative> alternatives;  // every outcome of the rule but the true one
};

}  // namespace reasonbrain::data
