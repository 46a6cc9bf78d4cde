// Edits a picture with the library alone: consumer MODEL IN.png OUT.png. Includes every public
// header, so that each compiles where src/ is not there.
#include <reasonbrain/describe.h>
#include <reasonbrain/editor.h>
#include <reasonbrain/error.h>
#include <reasonbrain/image.h>
#include <reasonbrain/image_io.h>
#include <reasonbrain/protocol.h>
#include <reasonbrain/record.h>
#include <reasonbrain/safetensors.h>
#include <reasonbrain/sample_source.h>
#include <reasonbrain/task.h>
#include <reasonbrain/trainer.h>
#include <reasonbrain/version.h>

#include <iostream>

int main(int argc, char** argv) {
  namespace rb = reasonbrain;
  if (argc != 4) return 2;
  try {
    const std::string model = argv[1];
    const rb::io::SafetensorsFile weights(model + "/reason/model.safetensors");
    const rb::edit::Editor editor(model);
    rb::edit::EditRequest request;
    request.image = rb::io::read_image(argv[2]);
    request.instructions = {
        "What would happen if the red block was left alone for thirty minutes?"};
    const auto results = editor.edit({request}, {});
    rb::io::write_png(argv[3], results[0].pictures[0][0]);
    std::cout << "reasonbrain " << rb::kVersion << ", " << weights.keys().size() << " tensors, "
              << results[0].pictures[0][0].width << " px\n";
  } catch (const rb::Error& error) {
    std::cerr << error.what() << '\n';
    return error.exit_code();
  }
}
