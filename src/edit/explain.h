// Shows what an edit looked at: regions, objects, attention, denoising steps and the expected
// outcome.
#pragma once

#include <filesystem>

#include "reasonbrain/editor.h"

namespace reasonbrain::edit {

// Writes for every turn T of `result` (made with EditOptions::explain), into a folder that appears
// complete or not at all: turnT-{canvas,edited,regions,attention}.png, turnT-attention-KK.png per
// guidance token, turnT-step-KKKK.png per denoising step; explanation.json with the numbers; and
// index.html, self-contained. An earlier explanation there is replaced; Error(kUsage) when the
// folder holds anything else, Error(kRuntime) when it cannot be written.
void write_explanation(const EditResult& result, const std::filesystem::path& folder);

// The check alone, before anything is computed.
void check_explanation_folder(const std::filesystem::path& folder);

}  // namespace reasonbrain::edit
