// `reasonbrain model export`: a model folder of its own from a run, checkpoint or model folder.
#include "cli/model.h"
#include "cli/output.h"
#include "core/atomic_file.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/str.h"
#include "reason/pipeline.h"
#include "reasonbrain/error.h"

namespace reasonbrain::cli {

void add_model_export(CLI::App& model, Action& action) {
  struct Arguments {
    std::string from, out, dtype = "float32";
  };
  CLI::App* command = model.add_subcommand(
      "export", "Write a model folder from a run, a checkpoint or a model folder");
  auto args = std::make_shared<Arguments>();
  command
      ->add_option("--model", args->from,
                   "Run folder (its best checkpoint), checkpoint or model folder")
      ->required();
  command->add_option("--out", args->out, "Folder to write; it must not exist")->required();
  command->add_option("--dtype", args->dtype, "Of the written weights")
      ->check(CLI::IsMember({"float32", "bfloat16", "float16"}))
      ->capture_default_str();
  command->footer(
      "example:\n  reasonbrain model export --model runs/mini --out models/mini --dtype bfloat16");
  command->callback([args, &action] {
    action = [args] {
      require_name("--out", args->out);
      if (std::filesystem::exists(args->out))
        throw usage_error(str("--out ", args->out, " exists already; name a new folder"));
      Placement placement;
      placement.dtype = parse_dtype(args->dtype, placement.device);
      const auto pipeline = reason::Pipeline::load(args->from, placement);
      throw_if_interrupted();
      const NewFolders around_out(args->out);
      AtomicFolder folder(args->out);
      pipeline->save(folder.path());
      throw_if_interrupted();
      folder.commit();
      log::info(str("wrote ", args->out, " (", args->dtype, ")"));
    };
  });
}

}  // namespace reasonbrain::cli
